/** A whole job on its history: agents answered from the record, whatever comes before and behind them at work again. */
import { collect, fileSink, fromIterable, type JobDefinition, job, ndjson, run, tumbling } from 'millrace';
import { type Agent, agent, type ChatModel, jsonSchema, type RunRecord, replayJob, tool } from 'millrace/agents';
import t from 'tap';
import { z } from 'zod';
import { answerOf, scripted } from './scripted-model.js';

interface Sale {
  readonly shop: string;
  readonly at: number;
  readonly cents: number;
}

interface Hour {
  readonly key: string;
  readonly cents: number;
}

const sales: Sale[] = Array.from({ length: 40 }, (_, n) => ({
  shop: n % 2 ? 'north' : 'south',
  at: n * 10 * 60_000,
  cents: n * 10,
}));

/** What it does outside, and how often its model is asked. */
interface World {
  booked: number;
  asked: number;
}

/** Judges an hour by a model, books what is much, fails for one. */
function judging(world: World, version: string, much: number): Agent<Hour, { much: boolean }> {
  const model = scripted(({ messages }) => {
    world.asked += 1;
    return answerOf(messages.at(-1));
  });
  return agent({
    version,
    model,
    tools: {
      book: tool({
        description: 'Books.',
        input: z.object({ cents: z.number() }),
        effect: 'once',
        run: () => ({ number: ++world.booked }),
        rehearse: () => ({ number: -1 }),
      }),
    },
    async run({ cents }: Hour, ctx) {
      await ctx.model({ messages: [{ role: 'user', text: `${cents} cents` }] });
      if (cents === 420) throw new RangeError('420 is odd');
      if (cents > much) ctx.emit(await ctx.tools.book({ cents }));
      return { much: cents > much };
    },
  });
}

function hours(judge: Agent<Hour, { much: boolean }>, above: number): JobDefinition<unknown> {
  return job('hours', (j) => {
    const { replies, runs, failures, emitted } = j
      .from('sales', fromIterable(sales))
      .eventTime(({ at }) => at)
      .filter(({ cents }) => cents >= above)
      .keyBy(({ shop }) => shop)
      .window(tumbling('1h'))
      .aggregate('per-hour', (a) => ({ cents: a.sum((sale) => sale.cents) }))
      .map(({ key, cents }) => ({ key, cents }))
      .keyBy(({ key }) => key)
      .agent('judge', judge);
    replies.filter(({ much }) => much).to('much', collect());
    runs.to('runs', collect());
    failures.to('failures', collect());
    emitted.to('booked', collect());
  });
}

async function recorded(world: World): Promise<Record<string, readonly unknown[]>> {
  return (await run(hours(judging(world, '1', 500), 0))).collected;
}

t.test('the same job comes to the same, and does nothing', async (t) => {
  const world = { booked: 0, asked: 0 };
  const before = await recorded(world);
  const did = { ...world };
  t.ok(did.booked > 0 && did.asked > 0);
  const seen: Record<string, unknown[]> = {};
  const { agents, sinks } = await replayJob(hours(judging(world, '1', 500), 0), {
    runs: { judge: before.runs as RunRecord[] },
    onRecord: (sink, record) => void (seen[sink] ??= []).push(record),
  });
  t.same(world, did, 'nothing was booked, and nobody asked');
  const { report, unknown, left } = agents.judge ?? {};
  t.match({ unknown, left }, { unknown: 0, left: 0 });
  t.match(report, { runs: before.runs?.length, agreement: { rate: 1 }, diverged: 0, failed: { before: 1, after: 1 } });
  for (const [sink, records] of Object.entries(before)) t.equal(sinks[sink], records.length, sink);
  const sorted = (records: readonly unknown[] | undefined) =>
    (records ?? []).map((each) => JSON.stringify(each)).sort();
  for (const sink of ['much', 'booked']) t.same(sorted(seen[sink]), sorted(before[sink]), sink);
  t.match(seen.failures, [{ error: { message: /420 is odd/ } }]);
});

t.test('a job that brings other inputs says so; a candidate may take the agent’s place', async (t) => {
  const world = { booked: 0, asked: 0 };
  const runs = { judge: (await recorded(world)).runs as RunRecord[] };
  const did = { ...world };
  // The first hours have other sums now, or none.
  const changed = await replayJob(hours(judging(world, '1', 500), 40), { runs });
  t.ok((changed.agents.judge?.left ?? 0) > 0, 'runs without input');
  t.ok((changed.agents.judge?.unknown ?? 0) > 0, 'inputs without run');
  t.equal(changed.agents.judge?.examples.length, Math.min(10, changed.agents.judge?.unknown ?? 0));
  const candidate = judging(world, '2', 100) as Agent<never, unknown>;
  const tried = await replayJob(hours(judging(world, '1', 500), 0), {
    runs,
    agents: { judge: candidate },
    calls: 'recorded-then-live',
  });
  t.ok((tried.agents.judge?.report.decisions[0]?.counts ?? []).some(({ before, after }) => before !== after));
  t.ok((tried.sinks.booked ?? 0) > did.booked);
  t.same(world, did);
});

t.test('from an archive on disk; what is not there is said, and nobody else gets to the network', async (t) => {
  const directory = t.testdir();
  const asking: ChatModel = {
    id: 'network',
    chat: async (_request, { fetch }) => {
      await fetch('http://127.0.0.1:1/');
      throw new Error('it got there');
    },
  };
  const simple = (infers: boolean) =>
    job('simple', (j) => {
      const numbers = j.from('numbers', fromIterable([1, 2, 3]));
      const echo = agent({ version: '1', run: async (n: number, ctx) => ctx.step('echo', () => n) });
      const { runs, replies } = numbers.keyBy((n) => n).agent('echo', echo);
      runs.to('runs', fileSink(directory, ndjson()));
      replies.to('replies', collect());
      const output = jsonSchema<object>({ type: 'object' });
      if (infers) numbers.infer('asked', { model: asking, instructions: 'Say.', output }).to('out', collect());
    });
  await run(simple(false));
  const { agents, sinks } = await replayJob(simple(false), { runs: { echo: directory } });
  t.match(agents.echo?.report, { runs: 3, agreement: { count: 3 } });
  t.same(sinks, { runs: 3, replies: 3 });
  await t.rejects(replayJob(simple(false), { runs: {} }), { code: 'MILL_OPTION_INVALID', message: /agent echo/ });
  await t.rejects(replayJob(simple(true), { runs: { echo: directory } }), { code: 'MILL_AGENT_DIVERGED' });
});
