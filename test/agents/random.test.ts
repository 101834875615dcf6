/**
 * Random agents against a model: their programs, events and decisions are drawn, and so are crashes, workers and the order
 * of things; what comes out, what is kept in state and what was done outside must be as if nothing had happened.
 *
 *   node dist/test/agents/random.test.js --runs=1000 --seed=1
 */
import fc from 'fast-check';
import { fileSink, generate, job, ndjson, state } from 'millrace';
import { type AgentContext, agent, type Decision, type RunRecord, replay, type Tool, tool } from 'millrace/agents';
import { simulate } from 'millrace/testing';
import t from 'tap';
import { z } from 'zod';
import { runId } from '../../agents/run-row.js';
import {
  ANY,
  type Event,
  eventsOf,
  expectedOf,
  type Input,
  inputsOf,
  nameOf,
  type Op,
  placed,
  programOf,
  type Scenario,
  scenario,
  togetherFrom,
} from './random-program.js';
import { scripted } from './scripted-model.js';

const flag = (name: string): string | undefined =>
  process.argv.find((each) => each.startsWith(`--${name}=`))?.slice(name.length + 3);

const RUNS = Number(flag('runs') ?? 50);
const SEED = Number(flag('seed') ?? 20_261_127);

type Effect = 'once' | 'idempotent' | 'outbox';

/** What outlives every process: who was told what, and asked what. */
class World {
  /** Keys of the calls that were heard, by name. */
  readonly told = {
    once: new Map<string, string[]>(),
    idempotent: new Map<string, string[]>(),
    outbox: new Map<string, string[]>(),
  };
  readonly wrong: string[] = [];
  readonly #acted = new Map<number, number>();
  readonly #attempts = new Map<string, number>();
  readonly #firstBeside: (n: number, i: number) => number;
  #calls = 0;
  /** Nothing may be asked or told any more. */
  closed = false;

  constructor(all?: Scenario) {
    this.#firstBeside = (n, i) => (all ? togetherFrom(all, n, i) : i);
  }

  /** Something is asked for the `i`th step of a run, which is answered some time later. */
  async ask(n: number, i: number): Promise<void> {
    // An act says that all before it was durable.
    if (i < (this.#acted.get(n) ?? -1)) this.wrong.push(`${nameOf(n, i)} was asked again after an act`);
    await this.#later(n, i);
  }

  async act(effect: Effect, goes: 'well' | 'declined' | 'lost', call: Call, key: string): Promise<string> {
    const { n, i } = call;
    const name = actNameOf(call);
    const attempt = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, attempt);
    if (effect === 'outbox' && goes !== 'well' && attempt < 3) throw new Error('not now');
    if (goes === 'declined' && effect !== 'outbox') {
      await this.#later(n, i);
      throw new Error(`no ${name}`);
    }
    const heard = this.told[effect].get(name) ?? [];
    this.told[effect].set(name, [...heard, key]);
    if (effect !== 'outbox') this.#acted.set(n, Math.max(this.#firstBeside(n, i), this.#acted.get(n) ?? -1));
    await this.#later(n, i);
    if (goes === 'lost' && attempt < 3) throw Object.assign(new Error('no answer'), { name: 'TimeoutError' });
    return `acted ${name}`;
  }

  async #later(n: number, i: number): Promise<void> {
    if (this.closed) this.wrong.push(`${nameOf(n, i)} was asked by a replay`);
    this.#calls += 1;
    for (let turns = (this.#calls * 37) % 300; turns > 0; turns -= 1) await null;
  }
}

const Call = z.object({
  n: z.number(),
  i: z.number(),
  on: z.string().optional(),
  goes: z.enum(['well', 'declined', 'lost']).default('well'),
  fails: z.boolean().default(false),
});

interface Call {
  readonly n: number;
  readonly i: number;
  /** The event that it is about. */
  readonly on?: string | undefined;
}

const actNameOf = ({ n, i, on }: Call): string => (on === undefined ? nameOf(n, i) : `${nameOf(n, i)} on ${on}`);

function toolsOf(world: World): Record<string, Tool> {
  const acting = (effect: Effect): Tool =>
    tool({
      description: effect,
      input: Call,
      effect,
      run: (call, { idempotencyKey }) => world.act(effect, call.goes, call, idempotencyKey),
      ...(effect === 'once' && {
        reconcile: (call: Call, { idempotencyKey }: { idempotencyKey: string }) =>
          world.told.once.get(actNameOf(call))?.includes(idempotencyKey)
            ? ({ outcome: 'done', result: `acted ${actNameOf(call)}` } as const)
            : ({ outcome: 'not-done' } as const),
      }),
    }) as unknown as Tool;
  const read = tool({
    description: 'read',
    input: Call,
    effect: 'read',
    async run({ n, i, fails }) {
      await world.ask(n, i);
      if (fails) throw new Error(`no ${nameOf(n, i)}`);
      return `read ${nameOf(n, i)}`;
    },
  }) as unknown as Tool;
  return { once: acting('once'), idempotent: acting('idempotent'), outbox: acting('outbox'), read };
}

const STATE = {
  written: state.list<number>(),
  sum: state.value<number>({ initial: 0 }),
  by: state.map<number, number>(),
};
type Context = AgentContext<typeof STATE>;

/** What a run replies: `[n, key, what the runs before it have written, what its steps came to]`, and what it has drawn. */
interface Reply {
  readonly line: string;
  readonly drawn: readonly (readonly [string, number])[];
  readonly any: readonly string[];
}

function agentOf(all: Scenario, world: World) {
  return agent({
    version: '1',
    state: STATE,
    memory: { last: 2 },
    tools: toolsOf(world),
    budget: {
      steps: all.stepsMax,
      ...(all.perKey && { perKey: { calls: 2, per: '1s' } }),
      ...(all.perAgent && { perAgent: { calls: 6, per: '1s' } }),
    },
    model: scripted(async ({ messages }) => {
      const name = messages[0]?.text ?? '';
      const [n, i] = name.split('.').map(Number);
      await world.ask(n as number, i as number);
      return { text: `model ${name}` };
    }),
    async run({ n, key }: Input, ctx): Promise<Reply> {
      const before = ctx.state.written.get().slice();
      const drawn: [string, number][] = [];
      const any: string[] = [];
      const came: string[] = [];
      let i = 0;
      for (const each of programOf(all, n)) {
        const ops = each.op === 'all' ? each.ops : [each];
        const first = i;
        i += ops.length;
        const doing = ops.map((op, at) =>
          stepOf(ctx, { op, n, i: first + at, drawn, any }).catch((error: Error & { code?: string }) =>
            error.code === undefined ? error.message : error.code,
          ),
        );
        came.push(...(await Promise.all(doing)));
        if (each.op === 'throw') throw new Error('thrown');
      }
      const last = ctx.state.written.get().length;
      if (ctx.state.sum.get() !== last || [...ctx.state.by.entries()].length !== last)
        throw new Error('state came apart');
      return { line: JSON.stringify([n, key, before, came]), drawn, any };
    },
  });
}

interface Doing {
  readonly op: Op;
  readonly n: number;
  readonly i: number;
  readonly drawn: [string, number][];
  readonly any: string[];
}

async function stepOf(ctx: Context, { op, n, i, drawn, any }: Doing): Promise<string> {
  const name = nameOf(n, i);
  switch (op.op) {
    case 'model':
      return (await ctx.model({ messages: [{ role: 'user', text: name }] })).text;
    case 'emit':
      ctx.emit({ name, drawn });
      return 'put out';
    case 'write': {
      if (!ctx.state.written.get().includes(n)) {
        ctx.state.written.add(n);
        ctx.state.sum.set(ctx.state.sum.get() + 1);
        ctx.state.by.set(n, i);
      }
      return 'written';
    }
    case 'random':
      drawn.push([name, i % 2 === 0 ? ctx.random() : ctx.now()]);
      return 'drawn';
    case 'throw':
      return 'thrown';
    case 'step': {
      const stepped = await ctx.step(`step ${i}`, async () => {
        await stepping(ctx, n, i);
        if (op.fails) throw new Error(`no ${name}`);
        return `step ${name}`;
      });
      // Side by side with others, in whatever order these end.
      ctx.emit({ name, drawn: [] });
      return stepped;
    }
    case 'read':
      return (await ctx.tool('read', { n, i, fails: op.fails })) as string;
    case 'act':
      return ((await ctx.tool(op.effect, { n, i, goes: op.goes })) ?? 'posted') as string;
    case 'wait': {
      const to = {
        own: (event: Event) => event.to === name,
        any: (event: Event) => event.to.startsWith('any'),
        nothing: () => false,
      };
      const timeout = op.what === 'any' || op.bounded ? ({ timeout: '1000d' } as const) : {};
      const event = await ctx.waitForEvent<Event>(`wait ${i}`, to[op.what], timeout);
      if (op.what !== 'any') return event?.to ?? 'none';
      if (event) any.push(event.to);
      return ANY;
    }
    case 'react': {
      const isAny = ({ to }: Event): boolean => to.startsWith('any');
      const event = await ctx.waitForEvent<Event>(`wait ${i}`, isAny, { timeout: '1000d' });
      // As many steps either way: people's decisions name them by number.
      if (!event) return ctx.step('nothing', () => ANY);
      any.push(event.to);
      await ctx.tool(op.effect, { n, i, on: event.to });
      return ANY;
    }
    case 'approve':
      return String(await ctx.approve(name, { timeout: '1000d', onTimeout: op.onTimeout }));
    case 'sleep':
      await ctx.sleep(op.time === 'event' ? '4s' : '30ms', { time: op.time });
      return 'slept';
  }
}

/** Steps reach the world by the scenario that is under way. */
let world = new World();
const stepping = (_: Context, n: number, i: number): Promise<void> => world.ask(n, i);

/** What people decide is known beforehand: by run and step. */
function decisionsOf(all: Scenario): (Decision & Event)[] {
  const numbers = new Map<number, number>();
  return inputsOf(all).flatMap((input) => {
    const { key, n, at } = input;
    const number = numbers.get(key) ?? 0;
    numbers.set(key, number + 1);
    const run = runId('random', key, number, input);
    let step = 0;
    return placed(programOf(all, n)).flatMap(([op]): (Decision & Event)[] => {
      const own = step;
      if (op.op === 'react') step += 1;
      if (op.op !== 'emit' && op.op !== 'write' && op.op !== 'throw') step += 1;
      if (op.op !== 'approve' || op.decided === 'never') return [];
      return [{ key, at, to: 'decision', run, step: own, approved: op.decided === 'yes' }];
    });
  });
}

const source = <T>(records: readonly T[], splits = 1) =>
  generate({ count: records.length, splits, rate: 150, make: (n): T => records[n] as T });

function jobOf(all: Scenario, made: ReturnType<typeof agentOf>) {
  const byKey = ({ key }: { readonly key: number }): number => key;
  const time = ({ at }: { readonly at: number }): number => at;
  return job('random', (j) => {
    const inputs = j.from('inputs', source(inputsOf(all))).eventTime(time, { outOfOrder: '5s' });
    const events = j.from('events', source(eventsOf(all), 2)).eventTime(time, { outOfOrder: '5s' });
    const decisions = j.from('decisions', source(decisionsOf(all))).eventTime(time, { outOfOrder: '5s' });
    const { replies, failures, emitted, unclaimed, runs } = inputs.keyBy(byKey).agent('random', made, {
      events: events.keyBy(byKey),
      decisions: decisions.keyBy(byKey),
      early: '1000d',
      maxInFlight: all.maxInFlight,
      mailbox: all.mailbox,
    });
    replies.to('replies', fileSink('/replies', ndjson()));
    failures.to('failures', fileSink('/failures', ndjson()));
    emitted.to('emitted', fileSink('/emitted', ndjson()));
    unclaimed.to('unclaimed', fileSink('/unclaimed', ndjson()));
    runs.to('runs', fileSink('/runs', ndjson()));
  });
}

type Simulated = Awaited<ReturnType<typeof simulate>>;

async function rowsOf<T>(result: Simulated, directory: string): Promise<T[]> {
  const rows: T[] = [];
  // A sink that has had nothing to write has made no directory.
  for (const name of await result.list(directory).catch(() => [])) {
    const text = new TextDecoder().decode(await result.file(`${directory}/${name}`));
    rows.push(
      ...text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as T),
    );
  }
  return rows;
}

function check(what: string, got: readonly string[], wanted: readonly string[]): void {
  const [a, b] = [JSON.stringify([...got].sort()), JSON.stringify([...wanted].sort())];
  if (a !== b) throw new Error(`${what}: got ${a}, expected ${b}`);
}

async function tried(all: Scenario): Promise<number> {
  world = new World(all);
  const made = agentOf(all, world);
  const result = await simulate(jobOf(all, made), {
    seed: all.seed,
    workers: all.workers,
    crashes: all.crashes,
    rescale: true,
    checkpointEvery: all.checkpointMs,
  });
  const expected = expectedOf(all);
  const replies = await rowsOf<Reply>(result, '/replies');
  const failures = await rowsOf<{ input: Input; error: { message: string } }>(result, '/failures');
  const emitted = await rowsOf<{ name: string; drawn: Reply['drawn'] }>(result, '/emitted');
  const unclaimed = await rowsOf<Event>(result, '/unclaimed');
  const runs = await rowsOf<RunRecord>(result, '/runs');
  check(
    'replies',
    replies.map(({ line }) => line),
    expected.replies,
  );
  check(
    'failures',
    failures.map(({ input, error }) => JSON.stringify([input.n, input.key, error.message])),
    expected.failures,
  );
  check(
    'emitted',
    emitted.map(({ name }) => name),
    expected.emitted,
  );
  checkDrawn(replies, emitted);
  // Each event is taken once, or unclaimed.
  const taken = [...replies.flatMap(({ any }) => any), ...takenByFailed(runs)];
  const want = [...expected.unclaimed, ...all.anyEvents.map((_, at) => `any ${at}`)];
  check('events', [...taken, ...unclaimed.map(({ to }) => to)], want);
  for (const effect of ['once', 'idempotent', 'outbox'] as const) {
    const told = [...world.told[effect]];
    const names = told.map(([name]) => name);
    check(effect, names, [...expected.acts[effect], ...reactions(effect, runs)]);
    for (const [name, keys] of told) {
      if (new Set(keys).size > 1) throw new Error(`${effect} ${name} has several keys`);
      if (effect === 'once' && keys.length > 1) throw new Error(`${name} was made ${keys.length} times`);
    }
  }
  world.closed = true;
  const report = await replay({ agent: made, runs });
  if (report.agreement.count !== inputsOf(all).length)
    throw new Error(`replayed: ${JSON.stringify(report.examples[0])}`);
  check('asked', world.wrong, []);
  return result.crashes;
}

/** Acts on events that runs have made, also those that have failed. */
function reactions(effect: Effect, runs: readonly RunRecord[]): string[] {
  return runs.flatMap(({ steps }) =>
    steps.flatMap(({ kind, name, request }) => {
      const { input } = request as { input?: Call };
      return kind === 'tool' && name === effect && input?.on !== undefined ? [actNameOf(input)] : [];
    }),
  );
}

/** What is recorded is the same whenever it is looked at. */
function checkDrawn(replies: readonly Reply[], emitted: readonly { readonly drawn: Reply['drawn'] }[]): void {
  const drawn = new Map(replies.flatMap((reply) => reply.drawn));
  for (const [name, value] of emitted.flatMap((each) => each.drawn))
    if (drawn.has(name) && drawn.get(name) !== value) throw new Error(`${name} was drawn twice`);
}

function takenByFailed(runs: readonly RunRecord[]): string[] {
  return runs
    .filter(({ outcome }) => outcome === 'failed')
    .flatMap(({ steps }) => steps.filter(({ kind }) => kind === 'wait'))
    .flatMap(({ answer }) => {
      const { value } = ('value' in answer ? answer.value : {}) as { value?: Partial<Event> };
      return value?.to?.startsWith('any') ? [value.to] : [];
    });
}

t.test(`${RUNS} agents, seed ${SEED}`, async (t) => {
  let crashes = 0;
  await fc.assert(
    fc.asyncProperty(scenario, async (all) => {
      crashes += await tried(all);
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: flag('shrink') === undefined },
  );
  t.ok(crashes > RUNS / 4, `${crashes} crashes`);
});
