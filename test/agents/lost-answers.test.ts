/** Acts whose answers are lost while the process lives on: made once, made again with their key, or in doubt. */
import type { Stream } from 'millrace';
import { agent, type Decision, type HumanRequest, type Tool, tool } from 'millrace/agents';
import { harness } from 'millrace/testing';
import t from 'tap';
import { z } from 'zod';

interface Order {
  readonly id: string;
}

interface Decided extends Decision {
  readonly key: string;
}

const timedOut = (): Error => Object.assign(new Error('no answer'), { name: 'TimeoutError' });
const cutOff = (): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) });
const refused = (): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) });
const declined = (): Error => new Error('the card was declined');

/** An agent that pays, and says what came of it. */
async function paying(pay: Tool) {
  const paysOnce = agent({
    version: '1',
    tools: { pay },
    async run({ id }: Order, ctx) {
      try {
        return { id, paid: await ctx.tool('pay', { id }) };
      } catch (error) {
        return { id, failed: (error as Error).message };
      }
    },
  });
  return harness((orders: Stream<Order>, decisions: Stream<Decided>) => {
    const streams = orders
      .keyBy(({ id }) => id)
      .agent('paying', paysOnce, { decisions: decisions.keyBy(({ key }) => key) });
    const { replies, ...side } = streams;
    return Object.assign(replies, { side });
  });
}

/** A tool whose calls end one after the other as it says. */
function scriptedTool(
  effect: 'once' | 'idempotent',
  outcomes: readonly (() => unknown)[],
  reconcile?: () => { outcome: 'done'; result: unknown } | { outcome: 'not-done' } | { outcome: 'unknown' },
) {
  const keys: string[] = [];
  const pay = tool({
    description: 'Pays.',
    input: z.object({ id: z.string() }),
    effect,
    run(_, { idempotencyKey }) {
      keys.push(idempotencyKey);
      const outcome = outcomes[keys.length - 1]?.();
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
    ...(reconcile && { reconcile }),
  });
  return { pay, keys };
}

async function cameOf(made: ReturnType<typeof scriptedTool>) {
  const h = await paying(made.pay);
  h.send({ id: 'a' }, { at: 0 });
  await h.settled();
  return h;
}

t.test('the receiver is asked what became of an act whose answer is lost', async (t) => {
  for (const lost of [timedOut, cutOff]) {
    const done = scriptedTool('once', [lost], () => ({ outcome: 'done', result: 'receipt 1' }));
    t.same((await cameOf(done)).take(), [{ id: 'a', paid: 'receipt 1' }]);
    t.equal(done.keys.length, 1);
    const notDone = scriptedTool('once', [lost], () => ({ outcome: 'not-done' }));
    t.same((await cameOf(notDone)).take(), [{ id: 'a', failed: lost().message }]);
    t.equal(notDone.keys.length, 1, 'whether to try again is for the run to say');
  }
});

t.test('where nobody can tell, a person is asked', async (t) => {
  for (const reconcile of [undefined, () => ({ outcome: 'unknown' }) as const]) {
    for (const outcome of ['done', 'not-done'] as const) {
      const made = scriptedTool('once', [timedOut], reconcile);
      const h = await cameOf(made);
      t.same(h.take(), []);
      const [request] = h.takeSide('requests') as HumanRequest[];
      t.match(request, { kind: 'in-doubt', subject: 'pay', input: { id: 'a' }, idempotencyKey: made.keys[0] });
      const { run, step } = request as HumanRequest;
      h.send({ key: 'a', run, step, outcome, result: 'receipt 2' }, { input: 2, at: 1 });
      await h.settled();
      const paid = { id: 'a', paid: 'receipt 2' };
      t.same(h.take(), [outcome === 'done' ? paid : { id: 'a', failed: 'no answer' }]);
      t.equal(made.keys.length, 1);
    }
  }
});

t.test('what the tool says itself is its answer', async (t) => {
  for (const said of [declined, refused]) {
    const plain = scriptedTool('once', [said]);
    const h = await cameOf(plain);
    t.same(h.take(), [{ id: 'a', failed: said().message }]);
    t.same(h.takeSide('requests'), []);
    const unsure = scriptedTool('once', [said], () => ({ outcome: 'unknown' }));
    t.same((await cameOf(unsure)).take(), [{ id: 'a', failed: said().message }]);
  }
});

t.test('an idempotent act is made again with its key, some times', async (t) => {
  const heard = scriptedTool('idempotent', [timedOut, cutOff, () => 'receipt 3']);
  const h = await cameOf(heard);
  t.same(h.take(), [], 'it waits before it tries again');
  h.advance('5s');
  await h.settled();
  h.advance('5s');
  await h.settled();
  t.same(h.take(), [{ id: 'a', paid: 'receipt 3' }]);
  t.equal(heard.keys.length, 3);
  t.equal(new Set(heard.keys).size, 1);
  const never = scriptedTool('idempotent', Array(9).fill(timedOut));
  const other = await cameOf(never);
  for (let turn = 0; turn < 9; turn += 1) {
    other.advance('10s');
    await other.settled();
  }
  t.same(other.take(), [{ id: 'a', failed: 'no answer' }]);
  t.equal(never.keys.length, 4);
  const refusal = scriptedTool('idempotent', [declined]);
  t.same((await cameOf(refusal)).take(), [{ id: 'a', failed: 'the card was declined' }]);
});
