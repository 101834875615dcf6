/**
 * What keys and agents may spend over time: who waits, who fails, who is not held up, and what a snapshot and other workers
 * make of it.
 */
import type { Stream } from 'millrace';
import { type Agent, type AgentStreams, agent, type PeriodBudget } from 'millrace/agents';
import { harness } from 'millrace/testing';
import t from 'tap';
import { scripted } from './scripted-model.js';

interface Ask {
  readonly key: string;
  readonly n: number;
}

const DAY_MS = 86_400_000;

/** One call of a model for each input: 110 tokens. */
function calling(budget: { readonly perKey?: PeriodBudget; readonly perAgent?: PeriodBudget }): Agent<Ask, string> {
  return agent({
    version: '1',
    model: scripted(() => ({ text: 'yes' })),
    prices: { 'scripted/one': { input: 10_000, output: 10_000 } },
    budget,
    async run({ key, n }: Ask, ctx) {
      await ctx.model({ messages: [{ role: 'user', text: `${key}/${n}` }] });
      return `${key}/${n}`;
    },
  });
}

async function driven(made: Agent<Ask, string>, parallelism = 1, maxInFlight = 100) {
  const h = await harness(
    (asks: Stream<Ask>) => {
      const { replies, ...side }: AgentStreams<Ask, string> = asks
        .keyBy(({ key }) => key)
        .agent('asks', made, { maxInFlight });
      return Object.assign(replies, { side });
    },
    { parallelism },
  );
  h.processingTime(10 * DAY_MS);
  return h;
}

const replies = (h: Awaited<ReturnType<typeof driven>>): string[] => [...h.take()].sort();

t.test("a key's runs wait for its next period, and hold no other key up", async (t) => {
  const h = await driven(calling({ perKey: { calls: 2, per: '1d' } }), 1, 1);
  for (let n = 0; n < 5; n += 1) h.send({ key: 'a', n });
  h.send({ key: 'b', n: 0 });
  await h.settled();
  t.same(replies(h), ['a/0', 'a/1', 'b/0']);
  h.processingTime(11 * DAY_MS - 1);
  await h.settled();
  t.same(replies(h), []);
  h.processingTime(11 * DAY_MS);
  await h.settled();
  t.same(replies(h), ['a/2', 'a/3']);
  h.processingTime(12 * DAY_MS);
  await h.settled();
  t.same(replies(h), ['a/4']);
  h.processingTime(14 * DAY_MS);
  await h.settled();
  t.same(
    h.rows().filter(({ table }) => table.includes('spent')),
    [],
    'nothing is kept of periods that are over',
  );
});

t.test("an agent's runs wait for its next period, all of them", async (t) => {
  const h = await driven(calling({ perAgent: { calls: 3, per: '1m' } }));
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) h.send({ key, n: 0 });
  await h.settled();
  t.equal(replies(h).length, 3);
  h.advance('1m');
  await h.settled();
  t.equal(replies(h).length, 3);
  h.advance('1m');
  await h.settled();
  t.equal(replies(h).length, 1);
});

t.test('tokens and money count as the answers say', async (t) => {
  const tokens = await driven(calling({ perKey: { tokens: 221, per: '1d' } }));
  for (let n = 0; n < 5; n += 1) tokens.send({ key: 'a', n });
  await tokens.settled();
  t.equal(replies(tokens).length, 3, 'the third begins with a token left');
  const money = await driven(calling({ perKey: { usd: 1.2, per: '1d' } }));
  for (let n = 0; n < 5; n += 1) money.send({ key: 'a', n });
  await money.settled();
  t.equal(replies(money).length, 2, '1.10 dollars each');
});

t.test('a run fails where that is asked for, and the next period begins anew', async (t) => {
  const h = await driven(calling({ perKey: { calls: 1, per: '1d', whenSpent: 'fail' } }));
  h.send({ key: 'a', n: 0 }).send({ key: 'a', n: 1 });
  await h.settled();
  t.same(replies(h), ['a/0']);
  t.match(h.takeSide('failures'), [{ key: 'a', input: { n: 1 }, error: { code: 'MILL_AGENT_LIMIT' } }]);
  h.advance('1d').send({ key: 'a', n: 2 });
  await h.settled();
  t.same(replies(h), ['a/2']);
});

t.test('a call that was refused is no call', async (t) => {
  const perKey = { calls: 1, per: '1d', whenSpent: 'fail' } as const;
  const h = await driven(calling({ perKey, perAgent: { calls: 3, per: '1d' } }));
  for (let n = 0; n < 9; n += 1) h.send({ key: 'a', n });
  await h.settled();
  t.equal(h.takeSide('failures').length, 8);
  h.send({ key: 'b', n: 0 }).send({ key: 'c', n: 0 });
  await h.settled();
  t.same(replies(h), ['a/0', 'b/0', 'c/0'], 'the agent has spent one for each key');
});

t.test('what has been spent is in snapshots, and other workers know of it', async (t) => {
  const h = await driven(calling({ perKey: { calls: 2, per: '1d' }, perAgent: { calls: 60, per: '1d' } }), 2);
  const keys = Array.from({ length: 25 }, (_, at) => `k${at}`);
  for (const key of keys) h.send({ key, n: 0 });
  await h.settled();
  t.equal(replies(h).length, 25);
  for (const parallelism of [3, 1]) {
    const snapshot = await h.snapshot();
    await h.restore(snapshot, { parallelism });
  }
  for (const key of keys) h.send({ key, n: 1 });
  await h.settled();
  t.equal(replies(h).length, 25, "each key's second");
  for (const key of keys) h.send({ key, n: 2 });
  await h.settled();
  t.equal(replies(h).length, 0, 'no key has a third');
  h.advance('1d');
  await h.settled();
  t.equal(replies(h).length, 25);
  h.send({ key: 'x', n: 0 });
  await h.settled();
  t.equal(replies(h).length, 1);
});

t.test("the agent's share of each subtask keeps to the whole after rescaling", async (t) => {
  const h = await driven(calling({ perAgent: { calls: 30, per: '1d' } }), 1);
  for (let n = 0; n < 20; n += 1) h.send({ key: `k${n}`, n });
  await h.settled();
  t.equal(replies(h).length, 20);
  const snapshot = await h.snapshot();
  await h.restore(snapshot, { parallelism: 2 });
  for (let n = 20; n < 120; n += 1) h.send({ key: `k${n}`, n });
  await h.settled();
  const more = replies(h).length;
  t.ok(more <= 15, `${more} more: one subtask has spent its share, the other has its own`);
});

t.test('bounds that make no sense', async (t) => {
  for (const perKey of [
    { calls: 0, per: '1d' },
    { tokens: -1, per: '1d' },
    { calls: 1, per: '0s' },
  ] as PeriodBudget[])
    t.throws(() => calling({ perKey }), { code: 'MILL_OPTION_INVALID', message: /budget\.perKey/ });
});
