/**
 * Recorded runs, executed again: the same agent to the byte and without a call; a changed one, with what has changed; a
 * candidate beside production.
 */
import child from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { collect, fileSink, generate, job, ndjson, run, state } from 'millrace';
import {
  agent,
  darkLaunch,
  type ReplayReport,
  type RunComparison,
  type RunRecord,
  replay,
  reportHtml,
  reportOf,
  reportText,
  tool,
} from 'millrace/agents';
import t from 'tap';
import { z } from 'zod';
import { fraud, hold, type Order, order, Verdict, world } from './fraud-agent.js';
import { answerOf, scripted } from './scripted-model.js';

const COUNT = 10_000;

async function recorded(directory: string): Promise<void> {
  await run(
    job('fraud', (j) => {
      const { replies, runs } = j
        .from('orders', generate({ count: COUNT, make: order }))
        .keyBy(({ user }) => user)
        .agent('fraud', fraud());
      replies.filter(({ hold: held }) => held).to('held', collect());
      runs.to('runs', fileSink(directory, ndjson()));
    }),
  );
}

const execute = promisify(child.execFile);

const mayUnshare = (): Promise<boolean> =>
  execute('unshare', ['-rn', 'true']).then(
    () => true,
    () => false,
  );

/** Anything that would leave the process. */
function trapped(): { readonly calls: string[]; undo(): void } {
  const calls: string[] = [];
  const undo: (() => void)[] = [];
  const trap = (object: object, name: string): void => {
    const holder = object as Record<string, unknown>;
    const before = holder[name];
    holder[name] = () => {
      calls.push(name);
      throw new Error(`${name} was called`);
    };
    undo.push(() => {
      holder[name] = before;
    });
  };
  trap(net.Socket.prototype, 'connect');
  trap(dns, 'lookup');
  trap(dgram, 'createSocket');
  for (const name of ['spawn', 'fork', 'exec', 'execFile']) trap(child, name);
  trap(globalThis, 'fetch');
  return { calls, undo: () => undo.forEach((each) => each()) };
}

t.test('replay', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-replay-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  await recorded(directory);
  t.ok(world.holds > 500, `${world.holds} holds`);

  await t.test('ten thousand runs of the same agent are the same to the byte, without a single call', async (t) => {
    const before = { ...world };
    const trap = trapped();
    const report = await replay({ agent: fraud(), runs: directory }).finally(() => trap.undo());
    t.match(report, { runs: COUNT, agreement: { count: COUNT, rate: 1 }, diverged: 0, otherPlans: 0, examples: [] });
    t.same(trap.calls, []);
    t.same(world, before);
  });

  const skip = (await mayUnshare()) ? false : 'no network namespaces here';
  await t.test('likewise in a process that has no network at all', { skip }, async (t) => {
    const child = fileURLToPath(new URL('./fraud-agent.js', import.meta.url));
    const { stdout } = await execute('unshare', ['-rn', process.execPath, child, directory]);
    const world = { models: 0, profiles: 0, holds: 0 };
    t.same(JSON.parse(stdout), { runs: COUNT, same: COUNT, diverged: 0, world, alone: true });
  });

  await t.test('a line of the prompt that has changed is named', async (t) => {
    const changed = fraud({ instructions: 'Decide.\nBe strict.' });
    const report = await replay({ agent: changed, runs: directory, where: ({ number }) => number === 0 });
    t.match(report, { runs: 100, agreement: { count: 0 }, diverged: 100 });
    const [example] = report.examples;
    t.match(example?.divergence, { step: 0, asked: 'model scripted/one' });
    t.match(example?.divergence?.changes, [{ path: 'messages[0].text line 2', after: 'Be strict.' }]);
  });

  await t.test('a candidate with other answers: which decisions differ, and what it would have done', async (t) => {
    const before = { ...world };
    const strict = fraud({ version: '2', limit: 500 });
    const compared: RunComparison[] = [];
    const report = await replay({ agent: strict, runs: directory, calls: 'live', onRun: (one) => compared.push(one) });
    t.equal(world.holds, before.holds, 'nothing was held');
    const differing = Array.from({ length: COUNT }, (_, id) => order(id)).filter(
      ({ cents }) => cents > 500 && cents <= 900,
    );
    t.equal(report.agreement.of - report.agreement.count, differing.length);
    t.equal(report.otherPlans, differing.length);
    t.same(report.fields, [{ path: 'hold', runs: differing.length }]);
    const decision = report.decisions.find(({ field }) => field === 'hold');
    t.ok(
      decision?.counts.some(
        ({ before: old, after, runs }) => old === 'false' && after === 'true' && runs === differing.length,
      ),
    );
    t.match(reportHtml(report), /<h2>Decisions: hold<\/h2>/);
    t.equal(compared.length, COUNT);
    t.same(await reportOf(compared), report, 'comparisons amount to the same, wherever they come from');
  });

  await t.test('records that are none are refused by their place', async (t) => {
    await t.rejects(replay({ agent: fraud(), runs: join(directory, 'nowhere') }), { code: 'MILL_FILE_MISSING' });
  });
});

t.test('state is as the run found it, whatever has become of it since', async (t) => {
  const counting = (factor: number) =>
    agent({
      version: '1',
      state: {
        total: state.value<number>({ initial: 0 }),
        users: state.map<number, number>(),
        last: state.list<number>(),
      },
      async run({ id, user, cents }: Order, ctx) {
        ctx.state.total.set(ctx.state.total.get() + factor * cents);
        ctx.state.users.set(user, (ctx.state.users.get(user) ?? 0) + 1);
        ctx.state.last.add(id);
        return {
          total: ctx.state.total.get(),
          users: [...ctx.state.users.entries()],
          last: ctx.state.last.get().slice(-3),
        };
      },
    });
  const { results } = await run(
    job('counting', (j) => {
      const { replies, runs } = j
        .from('orders', generate({ count: 50, make: order }))
        .keyBy(() => 'all')
        .agent('counting', counting(1));
      replies.to('replies', collect());
      return runs.to('runs', collect());
    }),
  );
  const runs = results as readonly RunRecord[];
  t.match(await replay({ agent: counting(1), runs }), { runs: 50, agreement: { count: 50 } });
  const doubled: ReplayReport = await replay({ agent: counting(2), runs });
  // All but the order of no cents.
  t.equal(doubled.agreement.count, 1);
  t.same(doubled.fields, [{ path: 'total', runs: 49 }]);
});

t.test('an archive of JSON keeps steps that answer nothing', async (t) => {
  const out = t.testdir({});
  const note = tool({ description: 'Notes.', input: z.object({}), effect: 'outbox', run: () => undefined });
  const noting = agent({
    version: '1',
    tools: { note },
    run: async ({ id }: Order, ctx) => ({
      id,
      noted: await ctx.tool('note', {}),
      nothing: await ctx.step('no', () => {}),
    }),
  });
  await run(
    job('noting', (j) => {
      const { runs } = j
        .from('orders', generate({ count: 3, make: order }))
        .keyBy(({ user }) => user)
        .agent('noting', noting);
      runs.to('runs', fileSink(out, ndjson()));
    }),
  );
  t.match(await replay({ agent: noting, runs: out }), { runs: 3, agreement: { count: 3 }, failed: { after: 0 } });
});

t.test('a dark launch finds the runs that differ, those and no others, and does nothing', async (t) => {
  const planted = new Set(Array.from({ length: 37 }, (_, n) => n * 27));
  const production = scripted(({ messages }) => answerOf({ hold: false, why: messages[1]?.text.split('\n')[0] }));
  const candidate = scripted(({ messages }) => {
    const id = Number(/order (\d+)/.exec(messages[1]?.text ?? '')?.[1]);
    return answerOf({ hold: planted.has(id), why: messages[1]?.text.split('\n')[0] });
  }, 'scripted/two');
  const deciding = (version: string, by: typeof production) =>
    agent({
      version,
      model: by,
      instructions: 'Decide.',
      prompt: ({ id }: Order) => `order ${id}`,
      output: Verdict,
    });
  const { collected } = await run(
    job('dark', (j) => {
      const { replies, runs } = j
        .from('orders', generate({ count: 1_000, make: order }))
        .keyBy(({ user }) => user)
        .agent('fraud', deciding('1', production));
      replies.to('replies', collect());
      darkLaunch(runs, 'fraud-2', deciding('2', candidate), { maxInFlight: 10_000 }).to('compared', collect());
    }),
  );
  const compared = collected.compared as RunComparison[];
  t.equal(compared.length, 1_000);
  const differing = compared.filter(({ same }) => !same).map(({ input }) => (input as Order).id);
  t.same(new Set(differing), planted);
  const report = await reportOf(compared, { examples: 2 });
  t.match(report, { runs: 1_000, agreement: { count: 963 }, fields: [{ path: 'hold', runs: 37 }] });
  t.same(await reportOf(compared.toReversed(), { examples: 2 }), report, 'in whatever order they come');
  t.match(
    reportText(report),
    /^1000 runs; the same: 963 of 1000: 96\.3 %[\s\S]*hold differs in 37: 37 false → true\n[\s\S]*false → true/,
  );
});

t.test('acts of agents that an agent calls are only noted, too', async (t) => {
  const holding = agent({ version: '1', tools: { hold }, run: ({ id }: Order, ctx) => ctx.tool('hold', { id }) });
  const outer = (version: string, others: number) =>
    agent({
      version,
      run: async (input: Order, ctx) => {
        await ctx.call(holding, { ...input, id: input.id + others });
        return input.id;
      },
    });
  const { results } = await run(
    job('nested', (j) =>
      j
        .from('orders', generate({ count: 5, make: order }))
        .keyBy(({ user }) => user)
        .agent('outer', outer('1', 0))
        .runs.to('runs', collect()),
    ),
  );
  const before = world.holds;
  const runs = results as readonly RunRecord[];
  const report = await replay({ agent: outer('2', 1_000), runs, calls: 'recorded-then-live' });
  t.equal(world.holds, before, 'nothing was held');
  t.match(report, { runs: 5, otherPlans: 5, failed: { after: 0 } });
});

t.test('acts of an agent that is called are only noted, and an archive may have lost what they gave', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-replay-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const told: string[] = [];
  const telling = (name: string, effect: 'once' | 'outbox') =>
    tool({
      description: name,
      input: z.object({ id: z.number() }),
      effect,
      run: ({ id }) => void told.push(`${name} ${id}`),
    });
  const inner = agent({
    version: '1',
    tools: { pay: telling('pay', 'once') },
    run: async ({ id }: Order, ctx) => ctx.tool('pay', { id }),
  });
  const outer = (version: string, fails = false) =>
    agent({
      version,
      tools: { mail: telling('mail', 'outbox') },
      async run(of: Order, ctx) {
        await ctx.call(inner, of);
        await ctx.tool('mail', { id: of.id });
        if (fails) throw new RangeError(`no ${of.id}`);
        return { id: of.id };
      },
    });
  await run(
    job('calling', (j) => {
      j.from('orders', generate({ count: 3, make: order }))
        .keyBy(({ id }) => id)
        .agent('outer', outer('1'))
        .runs.to('runs', fileSink(directory, ndjson()));
    }),
  );
  t.equal(told.length, 6);
  t.match(await replay({ agent: outer('1'), runs: directory }), { agreement: { count: 3 }, failed: { after: 0 } });
  t.match(await replay({ agent: outer('2'), runs: directory, calls: 'live' }), { agreement: { count: 3 } });
  t.equal(told.length, 6, 'nothing was done again');
  const failing = await replay({ agent: outer('2', true), runs: directory });
  t.same(failing.examples.map(({ error }) => error).sort(), [
    'RangeError: no 0',
    'RangeError: no 1',
    'RangeError: no 2',
  ]);
  t.match(reportHtml(failing), /It failed: RangeError: no 1/);
});

t.test('what an act that is only noted gives is for its tool to say', async (t) => {
  const paid: number[] = [];
  const paying = (version: string, ids: readonly number[]) =>
    agent({
      version,
      tools: {
        pay: tool({
          description: 'Pays.',
          input: z.object({ id: z.number() }),
          effect: 'once',
          run: ({ id }) => ({ receipt: `r${paid.push(id)}` }),
          rehearse: ({ id }) => ({ receipt: `none for ${id}` }),
        }),
      },
      async run(_of: Order, ctx) {
        const receipts = [];
        for (const id of ids) receipts.push((await ctx.tools.pay({ id })).receipt);
        return receipts;
      },
    });
  const { results } = await run(
    job('paying', (j) =>
      j
        .from('orders', generate({ count: 1, make: order }))
        .keyBy(({ id }) => id)
        .agent('paying', paying('1', [1]))
        .runs.to('runs', collect()),
    ),
  );
  const runs = results as readonly RunRecord[];
  const seen: unknown[] = [];
  const onRun = ({ after }: { after: { reply: unknown } }) => void seen.push(after.reply);
  await replay({ agent: paying('2', [1, 2]), runs, calls: 'recorded-then-live', onRun });
  t.same(seen, [['r1', 'none for 2']]);
  t.same(paid, [1]);
});
