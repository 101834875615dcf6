/** Evaluation by labels and by a model, and forks of runs. */
import { collect, generate, job, run } from 'millrace';
import { agent, byLabels, byModel, evaluate, fork, type Judge, type RunRecord, tool } from 'millrace/agents';
import t from 'tap';
import { z } from 'zod';
import { answerOf, scripted } from './scripted-model.js';

interface Order {
  readonly id: number;
}

/** Asks a model twice, with a tool between: what the model says in the end decides. */
function deciding(version: string, holds: (id: number) => boolean, prompt = 'Decide.') {
  const model = scripted(({ messages }) => {
    const id = Number(/order (\d+)/.exec(messages[1]?.text ?? '')?.[1]);
    const last = messages.at(-1);
    if (last?.role === 'tool') return answerOf({ hold: holds(id), risk: Number(last.text) });
    return { calls: [{ id: 'a', tool: 'risk', input: { id } }] };
  });
  return agent({
    version,
    model,
    instructions: prompt,
    prompt: ({ id }: Order) => `order ${id}`,
    output: z.object({ hold: z.boolean(), risk: z.number() }),
    tools: {
      risk: tool({
        description: 'The risk of an order.',
        input: z.object({ id: z.number() }),
        effect: 'read',
        run: ({ id }) => id * 10,
      }),
    },
  });
}

const odd = (id: number): boolean => id % 2 === 1;

async function recorded(): Promise<readonly RunRecord[]> {
  const { results } = await run(
    job('orders', (j) =>
      j
        .from('orders', generate({ count: 20, make: (id): Order => ({ id }) }))
        .keyBy(({ id }) => id)
        .agent('deciding', deciding('1', odd))
        .runs.to('runs', collect()),
    ),
  );
  return results as readonly RunRecord[];
}

/** Right is to hold those that three divides; the risk counts as much. */
const labelsOf = (runs: readonly RunRecord[]) =>
  runs.map(({ id, input }) => ({
    run: id,
    reply: { hold: (input as Order).id % 3 === 0, risk: (input as Order).id * 10 },
  }));

t.test('labels say how many are right, before and now, and which have become better or worse', async (t) => {
  const runs = await recorded();
  const judge = byLabels(labelsOf(runs).slice(0, 18));
  const candidate = deciding('2', (id) => id % 3 === 0 || id === 4);
  const report = await evaluate({ agent: candidate, runs, judge, calls: 'recorded-then-live', examples: 100 });
  // Tools and models are the same but for the last answer, which is recorded: so nothing has changed yet.
  t.equal(report.right.after.count, report.right.before.count);
  const live = await evaluate({ agent: candidate, runs, judge, calls: 'live', examples: 100 });
  const wrongBefore = Array.from({ length: 18 }, (_, id) => id).filter((id) => odd(id) !== (id % 3 === 0));
  t.match(live, {
    runs: 18,
    unjudged: 2,
    right: { before: { count: 18 - wrongBefore.length }, after: { count: 17 } },
    better: wrongBefore.length,
    worse: 1,
    score: { before: 1 - wrongBefore.length / 36, after: 1 - 1 / 36 },
  });
  t.match(live.examples[0], {
    input: { id: 4 },
    before: { score: 1 },
    after: { score: 0.5, note: 'hold should be false, not true', reply: { hold: true, risk: 40 } },
  });
});

t.test('a run that fails is wrong; replies that are no objects are right or wrong', async (t) => {
  const runs = await recorded();
  const failing = agent({
    version: '2',
    run: async ({ id }: Order) => (id === 1 ? Promise.reject(new Error('no')) : id),
  });
  const judge = byLabels(runs.map(({ id, input }) => ({ run: id, reply: (input as Order).id })));
  const report = await evaluate({ agent: failing, runs, judge, examples: 100 });
  t.match(report, { runs: 20, right: { before: { count: 0 }, after: { count: 19 } }, worse: 0 });
  t.match(
    report.examples.find(({ input }) => (input as Order).id === 1),
    { after: { outcome: 'failed', score: 0, note: 'it failed' } },
  );
});

t.test('a model judges, and says why', async (t) => {
  const runs = (await recorded()).slice(0, 3);
  const asked: string[] = [];
  const judge = byModel({
    model: scripted(({ messages }) => {
      asked.push(messages[1]?.text ?? '');
      const { input, reply } = JSON.parse(messages[1]?.text ?? '') as { input: Order; reply: { hold: boolean } };
      return answerOf({ score: reply.hold === odd(input.id) ? 1 : 0.25, note: `order ${input.id}` });
    }),
    instructions: 'Be fair.',
  });
  const candidate = deciding('2', () => true);
  const report = await evaluate({ agent: candidate, runs, judge, calls: 'live' });
  t.equal(asked.length, 6);
  t.match(report, { right: { before: { count: 3 }, after: { count: 1 } }, worse: 2 });
  t.match(report.examples[0]?.after, { score: 0.25, note: /^order [02]$/ });
  const confused: Judge = byModel({ model: scripted(() => ({ text: '{"score": 7}' })), instructions: 'Be fair.' });
  await t.rejects(evaluate({ agent: candidate, runs, judge: confused, calls: 'live' }), {
    code: 'MILL_AGENT_OUTPUT_INVALID',
  });
});

t.test('a fork is as it was up to a step, and another way from there on', async (t) => {
  const [first] = await recorded();
  const recordedRun = first as RunRecord;
  const steps = recordedRun.steps.map(({ step, kind }) => [step, kind]);
  t.same(steps, [
    [0, 'model'],
    [1, 'tool'],
    [2, 'model'],
  ]);
  const other = deciding('2', () => true);
  const { comparison, run: forked } = await fork({ run: recordedRun, from: 2, agent: other });
  t.match(comparison, { before: { reply: { hold: false } }, after: { reply: { hold: true } }, samePlan: true });
  t.same(
    forked.steps.slice(0, 2).map(({ at, ms }) => [at, ms]),
    recordedRun.steps.slice(0, 2).map(({ at, ms }) => [at, ms]),
    'what was before is the record',
  );
  await t.rejects(fork({ run: recordedRun, from: 7, agent: other }), {
    code: 'MILL_OPTION_INVALID',
    message: /has no step 7; it has 0, 1, 2/,
  });
});
