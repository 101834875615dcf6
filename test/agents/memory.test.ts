/** What runs remember of those before them, and how a model sums up what is older. */
import { collect, fromIterable, job } from 'millrace';
import { type Agent, agent, type ChatRequest, type MemoryOptions, type RunRecord, replay } from 'millrace/agents';
import { simulate } from 'millrace/testing';
import t from 'tap';
import { z } from 'zod';
import { answerOf, scripted } from './scripted-model.js';

interface Said {
  readonly who: string;
  readonly text: string;
}

const SUMMING = 'Sum it up.';

/** Sums up by naming what it was given, and answers with what it was shown. */
function remembering(memory: MemoryOptions, asked: ChatRequest[] = [], version = '1') {
  const model = scripted((request) => {
    asked.push(request);
    const [system, user] = request.messages.map((message) => ('text' in message ? message.text : ''));
    if (!system?.startsWith(SUMMING)) return answerOf({ shown: user });
    return { text: `sum of ${[...new Set((user as string).match(/n\d+/g))].join(' ')}` };
  });
  return agent({
    version,
    model,
    instructions: 'Answer.',
    prompt: ({ text }: Said, { summary, recent }) =>
      `${summary ?? 'no sum'} | ${recent.map(({ input }) => (input as Said).text).join(' ')} | ${text}`,
    output: z.object({ shown: z.string() }),
    memory,
  });
}

const said = (count: number): Said[] => Array.from({ length: count }, (_, n) => ({ who: 'ann', text: `n${n}` }));

async function shown(made: Agent<Said, { shown: string }>, inputs: readonly Said[], options = {}) {
  const { collected } = await simulate(
    job('remembering', (j) => {
      const { replies, runs } = j
        .from('said', fromIterable(inputs))
        .keyBy(({ who }) => who)
        .agent('remembering', made);
      replies.to('replies', collect());
      runs.to('runs', collect());
    }),
    { seed: 1, workers: 1, ...options },
  );
  const replies = collected.replies as { shown: string }[];
  return { shown: replies.map((reply) => reply.shown), runs: collected.runs as RunRecord[] };
}

const summarise = { above: 1_000, keep: 1, instructions: SUMMING };

t.test('without it what is older is forgotten', async (t) => {
  t.same((await shown(remembering({ last: 2 }), said(4))).shown, [
    'no sum |  | n0',
    'no sum | n0 | n1',
    'no sum | n0 n1 | n2',
    'no sum | n1 n2 | n3',
  ]);
});

t.test('what would be forgotten is summed up, with the sum before', async (t) => {
  const asked: ChatRequest[] = [];
  const { shown: seen, runs } = await shown(remembering({ last: 3, summarise }, asked), said(7));
  t.same(seen, [
    'no sum |  | n0',
    'no sum | n0 | n1',
    'no sum | n0 n1 | n2',
    'sum of n0 n1 | n2 | n3',
    'sum of n0 n1 | n2 n3 | n4',
    'sum of n0 n1 n2 n3 | n4 | n5',
    'sum of n0 n1 n2 n3 | n4 n5 | n6',
  ]);
  t.equal(asked.length, 9, 'twice it was summed up');
  t.equal(runs[3]?.steps.filter(({ kind }) => kind === 'model').length, 2, 'as a step of the run');
  const report = await replay({ agent: remembering({ last: 3, summarise }), runs });
  t.match(report, { runs: 7, agreement: { count: 7 }, failed: { after: 0 } });
});

t.test('or what is longer than it may be', async (t) => {
  const long = said(5).map(({ who, text }) => ({ who, text: `${text} ${'x'.repeat(400)}` }));
  const short = await shown(remembering({ last: 50, summarise: { ...summarise, above: 300 } }), long);
  t.match(short.shown[4], /^sum of .* \| n3 x+ \| n4 x+$/);
  const few = await shown(remembering({ last: 50, summarise: { ...summarise, above: 100_000 } }), long);
  t.match(few.shown[4], /^no sum \| n0 .* n3 /);
});

t.test('what makes no sense is refused', async (t) => {
  for (const memory of [
    { last: -1 },
    { last: 2, summarise: { above: 0 } },
    { last: 2, summarise: { above: 9, keep: 2 } },
  ])
    t.throws(() => remembering(memory), { code: 'MILL_OPTION_INVALID' });
  const without = { version: '1', memory: { last: 5, summarise: { above: 9 } }, run: async () => 1 };
  t.throws(() => agent(without), { code: 'MILL_OPTION_INVALID', message: /no model/ });
});
