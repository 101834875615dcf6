/**
 * A job of acting agents, as a process to be killed:
 *
 *   node acting-job.js --url <of the effect server> --out <directory> --state <directory> --workers <n> [--counted]
 */
import { parseArgs } from 'node:util';
import { fileSink, generate, job, ndjson, run } from 'millrace';
import { agent, type ChatModel, tool } from 'millrace/agents';
import { z } from 'zod';
import { EVENTS, EVERY, KEYS } from './acting-numbers.js';

interface Event {
  readonly key: number;
  readonly n: number;
}

const Call = z.object({ n: z.number() });

const told = z.object({ ref: z.string() });

function model(url: string): ChatModel {
  return {
    id: 'test/echo',
    async chat({ messages }, { fetch, signal }) {
      const answer = await fetch(`${url}/model`, { method: 'POST', body: messages.at(-1)?.text ?? '', signal });
      const { text } = (await answer.json()) as { text: string };
      return { text, calls: [], finish: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
}

function acting(url: string, effect: 'once' | 'idempotent' | 'outbox') {
  return tool({
    description: `Acts: ${effect}.`,
    input: Call,
    effect,
    async run(_, { fetch, idempotencyKey, signal }) {
      const answer = await fetch(`${url}/${effect}/${idempotencyKey}`, { method: 'PUT', signal });
      return told.parse(await answer.json()).ref;
    },
    ...(effect === 'once' && {
      async reconcile(
        _: unknown,
        { fetch, idempotencyKey }: { fetch: typeof globalThis.fetch; idempotencyKey: string },
      ) {
        const { has } = (await (await fetch(`${url}/once/${idempotencyKey}`)).json()) as { has: boolean };
        return has ? ({ outcome: 'done', result: idempotencyKey } as const) : ({ outcome: 'not-done' } as const);
      },
    }),
  });
}

const worker = (url: string) =>
  agent({
    version: '1',
    model: model(url),
    tools: { pay: acting(url, 'once'), mark: acting(url, 'idempotent'), mail: acting(url, 'outbox') },
    async run({ key, n }: Event, ctx) {
      const { text } = await ctx.model({ messages: [{ role: 'user', text: `${key}/${n}` }] });
      const [marked, paid] = await Promise.all([ctx.tool('mark', { n }), ctx.tool('pay', { n })]);
      await ctx.tool('mail', { n });
      return { key, n, text, marked, paid };
    },
  });

export const actingJob = job(
  'acting',
  { params: { url: '', out: 'out', counted: false } },
  (j, { url, out, counted }) => {
    const events = j.from(
      'events',
      generate({ count: EVENTS, splits: 2, rate: 100, make: (n): Event => ({ key: n % KEYS, n }) }),
    );
    const due = counted
      ? events
          .keyBy(() => 0)
          .aggregate('count', (a) => ({ count: a.count(), last: a.last((e) => e) }))
          .filter(({ count }) => count % EVERY === 0)
          .map(({ last }) => last as Event)
      : events.filter(({ n }) => n % EVERY === 0);
    const { replies, failures } = due.keyBy(({ key }) => key).agent('worker', worker(url));
    replies.to('replies', fileSink(`${out}/replies`, ndjson(), { roll: { every: '150ms' } }));
    failures.to('failures', fileSink(`${out}/failures`, ndjson()));
  },
);

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    out: { type: 'string' },
    state: { type: 'string' },
    workers: { type: 'string' },
    backend: { type: 'string' },
    counted: { type: 'boolean' },
  },
});

if (values.url !== undefined) {
  const { status } = await run(import.meta, actingJob, {
    params: { url: values.url, out: values.out ?? 'out', counted: values.counted ?? false },
    workers: Number(values.workers ?? 2),
    state: values.state ?? false,
    checkpointEvery: '100ms',
    ...(values.backend === 'level' ? { backend: 'level' } : {}),
  });
  console.log(status);
}
