/**
 * What agents do outside, under the simulated host: the process dies anywhere, comes back with other workers, and finds
 * what it has done in a world that does not die with it.
 */
import { fileSink, generate, job, ndjson } from 'millrace';
import { agent, tool } from 'millrace/agents';
import { simulate } from 'millrace/testing';
import t from 'tap';
import { z } from 'zod';
import { answerOf, scripted } from './scripted-model.js';

const SEEDS = Number(process.argv.find((flag) => flag.startsWith('--seeds='))?.slice(8) ?? 60);
const FROM = Number(process.argv.find((flag) => flag.startsWith('--from='))?.slice(7) ?? 0);

/** What receivers have, by idempotency key: how often each was told. */
class World {
  readonly told = {
    idempotent: new Map<string, number>(),
    once: new Map<string, number>(),
    outbox: new Map<string, number>(),
  };
  models = 0;
  private calls = 0;

  /** Heard at once, answered some time later. */
  async tell(kind: keyof World['told'], key: string): Promise<string> {
    const times = (this.told[kind].get(key) ?? 0) + 1;
    this.told[kind].set(key, times);
    this.calls += 1;
    for (let turns = (this.calls * 37) % 400; turns > 0; turns -= 1) await null;
    return key;
  }
}

interface Event {
  readonly key: number;
  readonly n: number;
}

const Call = z.object({ n: z.number() });

function worker(world: World, reconciles: boolean) {
  return agent({
    version: '1',
    model: scripted(() => {
      world.models += 1;
      return answerOf('fine');
    }),
    tools: {
      pay: tool({
        description: 'Pays.',
        input: Call,
        effect: 'once',
        run: (_, { idempotencyKey }) => world.tell('once', idempotencyKey),
        ...(reconciles && {
          reconcile: (_: unknown, { idempotencyKey }: { idempotencyKey: string }) =>
            world.told.once.has(idempotencyKey)
              ? ({ outcome: 'done', result: idempotencyKey } as const)
              : ({ outcome: 'not-done' } as const),
        }),
      }),
      mark: tool({
        description: 'Marks.',
        input: Call,
        effect: 'idempotent',
        run: (_, { idempotencyKey }) => world.tell('idempotent', idempotencyKey),
      }),
      mail: tool({
        description: 'Mails.',
        input: Call,
        effect: 'outbox',
        run: (_, { idempotencyKey }) => world.tell('outbox', idempotencyKey),
      }),
    },
    async run({ n, key }: Event, ctx) {
      const { text } = await ctx.model({ messages: [{ role: 'user', text: `${key} ${n}` }] });
      const [marked, paid] = await Promise.all([ctx.tool('mark', { n }), ctx.tool('pay', { n })]);
      await ctx.tool('mail', { n });
      return { key, n, text, marked, paid };
    },
  });
}

/** `counted`: whether a run comes of an event depends on how two splits have mixed. */
function acting(world: World, { counted, reconciles }: { counted: boolean; reconciles: boolean }) {
  return job('acting', (j) => {
    const events = j.from(
      'events',
      generate({ count: 60, splits: 2, rate: 400, make: (n): Event => ({ key: n % 5, n }) }),
    );
    const due = counted
      ? events
          .keyBy(() => 0)
          .aggregate('count', (a) => ({ count: a.count(), last: a.last((e) => e) }))
          .filter(({ count }) => count % 5 === 0)
          .map(({ last }) => last as Event)
      : events.filter(({ n }) => n % 3 === 0);
    const { replies, failures, requests } = due.keyBy(({ key }) => key).agent('worker', worker(world, reconciles));
    replies.to('replies', fileSink('/replies', ndjson()));
    failures.to('failures', fileSink('/failures', ndjson()));
    requests.to('requests', fileSink('/requests', ndjson()));
  });
}

type Simulated = Awaited<ReturnType<typeof simulate>>;

async function rowsOf(result: Simulated, directory: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  // A sink that has had nothing to write has made no directory.
  for (const name of await result.list(directory).catch(() => [])) {
    const bytes = await result.file(`${directory}/${name}`);
    const lines = Buffer.from(bytes as Uint8Array)
      .toString()
      .split('\n')
      .filter(Boolean);
    rows.push(...lines.map((line) => JSON.parse(line)));
  }
  return rows;
}

for (const counted of [false, true]) {
  t.test(`acts are those of the output, one each${counted ? ', whatever the order upstream' : ''}`, async (t) => {
    let crashes = 0;
    for (let seed = FROM; seed < FROM + SEEDS; seed += 1) {
      const world = new World();
      const result = await simulate(acting(world, { counted, reconciles: true }), {
        seed,
        workers: 1 + (seed % 3),
        checkpointEvery: '20ms',
        crashes: 3,
        rescale: true,
      });
      crashes += result.crashes;
      const replies = await rowsOf(result, '/replies');
      const said = `seed ${seed}, ${result.crashes} crashes`;
      t.same(await rowsOf(result, '/failures'), [], said);
      if (!counted)
        t.same(
          replies.map(({ n }) => n).sort((a, b) => Number(a) - Number(b)),
          [...Array(20).keys()].map((n) => 3 * n),
          said,
        );
      t.equal(replies.length, counted ? 12 : 20, said);
      t.same(new Set(replies.map(({ paid }) => paid)), new Set(world.told.once.keys()), `${said}: paid`);
      t.same(
        [...world.told.once.values()].filter((times) => times !== 1),
        [],
        `${said}: paid once`,
      );
      t.same(new Set(replies.map(({ marked }) => marked)), new Set(world.told.idempotent.keys()), `${said}: marked`);
      t.equal(world.told.outbox.size, replies.length, `${said}: mailed`);
    }
    t.ok(crashes > SEEDS / 2, `${crashes} crashes`);
  });
}

t.test('an act that nobody can tell of is not made again: a person is asked', async (t) => {
  let asked = 0;
  for (let seed = FROM; seed < FROM + SEEDS; seed += 1) {
    const world = new World();
    const result = await simulate(acting(world, { counted: false, reconciles: false }), {
      seed,
      workers: 2,
      checkpointEvery: '20ms',
      crashes: 3,
      rescale: true,
    });
    const replies = await rowsOf(result, '/replies');
    const requests = await rowsOf(result, '/requests');
    asked += requests.length;
    const said = `seed ${seed}, ${result.crashes} crashes`;
    t.same(
      [...world.told.once.values()].filter((times) => times > 1),
      [],
      said,
    );
    for (const { paid } of replies) t.ok(world.told.once.has(paid as string), said);
    t.match(
      requests,
      requests.map(() => ({ kind: 'in-doubt', subject: 'pay' })),
    );
    t.equal(new Set(requests.map(({ idempotencyKey }) => idempotencyKey)).size, requests.length, `${said}: asked once`);
    const failures = await rowsOf(result, '/failures');
    t.match(
      failures,
      requests.map(() => ({ error: { code: 'MILL_EFFECT_IN_DOUBT' } })),
      said,
    );
    t.equal(failures.length, requests.length, said);
    t.equal(replies.length + failures.length, 20, said);
  }
  t.ok(asked > 0, `${asked} times`);
});
