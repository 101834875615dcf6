/**
 * Things that fall together: events and barriers, acts and waits, the end of a run and what has come for it; and outboxes of
 * agents that are called.
 */
import type { Duration, Stream } from 'millrace';
import { type Agent, type AgentStreams, agent, tool } from 'millrace/agents';
import { harness } from 'millrace/testing';
import t from 'tap';
import { z } from 'zod';

interface Order {
  readonly id: string;
}

interface Answer {
  readonly id: string;
  readonly text: string;
}

const byId = ({ id }: { id: string }): string => id;

function driven<O>(made: Agent<Order, O>, early: Duration = 0) {
  return harness((orders: Stream<Order>, answers: Stream<Answer>) => {
    const events = answers.keyBy(byId);
    const streams: AgentStreams<Order, O> = orders.keyBy(byId).agent('orders', made, { events, early });
    const { replies, ...side } = streams;
    return Object.assign(replies, { side });
  });
}

/** A tool that says how often it was called. */
function counted(effect: 'once' | 'outbox') {
  const keys: string[] = [];
  const act = tool({
    description: 'Acts.',
    input: z.object({}),
    effect,
    run: (_, { idempotencyKey }) => void keys.push(idempotencyKey),
  });
  return { act, keys };
}

const asking = agent({
  version: '1',
  run: async ({ id }: Order, ctx) =>
    (await ctx.waitForEvent<Answer>('answer', ({ text }) => text !== 'noise'))?.text ?? id,
});

t.test('an event that a run has taken is not lost where a barrier comes at once', async (t) => {
  const h = await driven(asking);
  h.send({ id: 'a' }, { at: 1 });
  await h.settled();
  h.send({ id: 'a', text: 'this' }, { input: 2, at: 2 });
  await h.snapshot();
  await h.kill().restore({ parallelism: 2 });
  await h.settled();
  t.same(h.take(), ['this']);
});

t.test('a run that has an act to make is not laid down for its wait', async (t) => {
  const { act, keys } = counted('once');
  const acting = agent({
    version: '1',
    tools: { act },
    run: async (_: Order, ctx) => {
      const [answer] = await Promise.all([ctx.waitForEvent<Answer>('answer', () => true), ctx.tool('act', {})]);
      return answer?.text;
    },
  });
  const h = await driven(acting);
  h.send({ id: 'a' }, { at: 1 });
  await h.snapshot();
  await h.settled();
  t.equal(keys.length, 1, 'it is made, though nothing has come');
  await h.snapshot();
  h.send({ id: 'a', text: 'this' }, { input: 2, at: 2 });
  await h.settled();
  t.same(h.take(), ['this']);
  t.equal(keys.length, 1);
});

t.test('what a run has not taken is unclaimed when it ends, or kept for the next one', async (t) => {
  for (const early of [0, '1h'] as const) {
    const h = await driven(asking, early);
    const answer = (text: string): unknown => h.send({ id: 'a', text }, { input: 2, at: 2 });
    h.send({ id: 'a' }, { at: 1 });
    await h.settled();
    for (const text of ['noise', 'one', 'two']) answer(text);
    await h.settled();
    t.same(h.take(), ['one']);
    t.equal(h.takeSide('unclaimed').length, early === 0 ? 2 : 0);
    h.send({ id: 'a' }, { at: 3 });
    await h.settled();
    t.same(h.take(), early === 0 ? [] : ['two']);
    h.watermark(3_600_002);
    t.equal(h.takeSide('unclaimed').length, early === 0 ? 0 : 1, 'the noise was kept for an hour');
    h.end();
    await h.settled();
    t.ok(h.ended);
  }
});

t.test('messages of an agent that is called are sent by the one that calls it', async (t) => {
  const { act, keys } = counted('outbox');
  const inner = agent({ version: '1', tools: { act }, run: async (_: Order, ctx) => ctx.tool('act', {}) });
  const outer = (tools: object) =>
    agent({ version: '1', tools: { ...tools }, run: async (order: Order, ctx) => void (await ctx.call(inner, order)) });
  const h = await driven(outer({ act }));
  h.send({ id: 'a' }, { at: 1 });
  await h.settled();
  t.equal(keys.length, 1);
  const without = await driven(outer({}));
  without.send({ id: 'a' }, { at: 1 });
  await without.settled();
  t.match(without.takeSide('failures'), [{ error: { code: 'MILL_OPTION_INVALID', message: /outbox tool act/ } }]);
});

t.test('a message whose tool no version has any more fails the job, and does not wait for ever', async (t) => {
  const { act } = counted('outbox');
  const failing = { ...act, run: () => Promise.reject(new Error('not now')) };
  const sending = (tools: object) =>
    agent({ version: '1', tools: { ...tools }, run: async (_: Order, ctx) => void (await ctx.tool('act', {})) });
  const h = await driven(sending({ act: failing }));
  h.send({ id: 'a' }, { at: 1 });
  await h.settled();
  const snapshot = await h.snapshot();
  const without = await driven(sending({}));
  await t.rejects(
    async () => {
      await without.restore(snapshot);
      await without.settled();
    },
    { code: 'MILL_AGENT_VERSION_MISSING' },
  );
});
