/**
 * Acts of which it is not known whether they were made, though the process lives: they took too long, or say so themselves. The
 * receiver is asked, or a person, as after a crash; and a snapshot in between changes nothing.
 */
import { MillraceError, type Stream } from 'millrace';
import { type Agent, agent, type Decision, type HumanRequest, type Reconciled, tool } from 'millrace/agents';
import { harness } from 'millrace/testing';
import t from 'tap';
import { z } from 'zod';

interface Claim {
  readonly id: string;
}

type Decided = Decision & Claim;

const byId = ({ id }: Claim): string => id;

/** How the calls go, one after the other; 'silent': no answer ever comes. */
type Way = 'silent' | 'broken' | 'refused' | 'paid';

function paying(ways: Way[], reconcile?: () => Reconciled<string>) {
  const keys: string[] = [];
  const pay = tool({
    description: 'Pays.',
    input: z.object({}),
    effect: 'once',
    timeout: '1s',
    run(_, { idempotencyKey }): string | Promise<string> {
      keys.push(idempotencyKey);
      const way = ways.shift();
      if (way === 'silent') return new Promise(() => {});
      if (way === 'broken') throw new MillraceError('MILL_EFFECT_IN_DOUBT', 'the line went dead');
      if (way === 'refused') throw new Error('no money');
      return 'paid';
    },
    ...(reconcile && { reconcile }),
  });
  const made = agent({
    version: '1',
    tools: { pay },
    async run({ id }: Claim, ctx) {
      const first = await ctx.tool('pay', {}).catch((error: Error) => error.message);
      return `${id}: ${first}`;
    },
  });
  return { made, keys };
}

function driven(made: Agent<Claim, string>) {
  return harness((claims: Stream<Claim>, decisions: Stream<Decided>) => {
    const { replies, ...side } = claims.keyBy(byId).agent('claims', made, { decisions: decisions.keyBy(byId) });
    return Object.assign(replies, { side });
  });
}

t.test('a call that takes too long: the receiver knows', async (t) => {
  for (const [known, reply] of [
    [{ outcome: 'done', result: 'paid after all' }, 'a: paid after all'],
    [{ outcome: 'not-done' }, 'a: no answer in 1000 ms'],
  ] as const) {
    const { made, keys } = paying(['silent'], () => known);
    const h = await driven(made);
    h.send({ id: 'a' }, { at: 0 });
    await h.settled();
    t.same(h.take(), []);
    h.advance('1s');
    await h.settled();
    t.same(h.take(), [reply]);
    t.same(h.takeSide('requests'), []);
    t.equal(keys.length, 1, 'it is not called again');
    await h.close();
  }
});

t.test('a person is asked where nobody else can tell', async (t) => {
  for (const way of ['silent', 'broken'] as const) {
    for (const [decided, reply] of [
      [{ outcome: 'done', result: 'paid, I have looked' }, 'a: paid, I have looked'],
      [{ outcome: 'not-done' }, way === 'silent' ? 'a: no answer in 1000 ms' : 'a: the line went dead'],
    ] as const) {
      const { made, keys } = paying([way], () => ({ outcome: 'unknown' }));
      const h = await driven(made);
      h.send({ id: 'a' }, { at: 0 });
      await h.settled();
      h.advance('1s');
      await h.settled();
      t.same(h.take(), []);
      const [request] = h.takeSide('requests') as HumanRequest[];
      t.match(request, { kind: 'in-doubt', subject: 'pay', idempotencyKey: keys[0] });
      const { run, step } = request as HumanRequest;
      h.send({ id: 'a', run, step, ...decided }, { input: 2, at: 1 });
      await h.settled();
      t.same(h.take(), [reply]);
      t.equal(keys.length, 1);
      await h.close();
    }
  }
});

t.test('who fails and says so has done nothing: no doubt', async (t) => {
  const { made } = paying(['refused']);
  const h = await driven(made);
  h.send({ id: 'a' }, { at: 0 });
  await h.settled();
  t.same(h.take(), ['a: no money']);
  t.same(h.takeSide('requests'), []);
  await h.close();
});

t.test('killed while a person looks: who was told is not told again, and nothing is paid twice', async (t) => {
  const { made, keys } = paying(['silent']);
  const h = await driven(made);
  h.send({ id: 'a' }, { at: 0 });
  await h.settled();
  h.advance('1s');
  await h.settled();
  const [request] = h.takeSide('requests') as HumanRequest[];
  await h.snapshot();
  await h.kill().restore({ parallelism: 2 });
  await h.settled();
  t.same(h.takeSide('requests'), []);
  const { run, step } = request as HumanRequest;
  h.send({ id: 'a', run, step, outcome: 'done', result: 'paid' }, { input: 2, at: 1 });
  await h.settled();
  t.same(h.take(), ['a: paid']);
  t.equal(keys.length, 1);
  await h.close();
});

t.test('what was said of one attempt says nothing of the next', async (t) => {
  const { made, keys } = paying(['silent', 'silent']);
  const h = await driven(made);
  h.send({ id: 'a' }, { at: 0 });
  await h.settled();
  // The first attempt is open, and the process dies.
  await h.snapshot();
  await h.kill().restore({});
  await h.settled();
  const decide = async (outcome: 'done' | 'not-done') => {
    const [request] = h.takeSide('requests') as HumanRequest[];
    t.ok(request, 'somebody is asked');
    h.send(
      { id: 'a', run: request?.run ?? '', step: request?.step ?? 0, outcome, result: 'paid' },
      { input: 2, at: 1 },
    );
    await h.settled();
  };
  await decide('not-done');
  t.equal(keys.length, 2, 'it is made anew');
  h.advance('1s');
  await h.settled();
  await decide('done');
  t.same(h.take(), ['a: paid']);
  t.equal(new Set(keys).size, 1, 'with the same key');
  await h.close();
});
