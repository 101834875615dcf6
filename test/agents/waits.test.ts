/**
 * Runs that wait: for events, times and people; and what becomes of them at the end of the input, after a restore, and when
 * the agent has changed meanwhile.
 */
import type { Duration, Stream } from 'millrace';
import { type Agent, type AgentStreams, agent, type Decision, type HumanRequest, tool } from 'millrace/agents';
import { harness } from 'millrace/testing';
import t from 'tap';
import { z } from 'zod';

interface Claim {
  readonly id: string;
  readonly cents: number;
}

interface Answer {
  readonly id: string;
  readonly text: string;
}

const byId = ({ id }: { id: string }): string => id;

/** Drives an agent by claims and, on the second input, answers. */
function driven<O>(
  made: Agent<Claim, O>,
  more: { readonly previous?: readonly Agent<Claim, unknown>[]; readonly early?: Duration } = {},
) {
  return harness((claims: Stream<Claim>, answers: Stream<Answer>) => {
    const streams: AgentStreams<Claim, O> = claims
      .keyBy(byId)
      .agent('claims', made, { events: answers.keyBy(byId), ...more });
    return withSides(streams);
  });
}

/** The replies, with the other outputs as side outputs of the harness. */
function withSides<I, O>({ replies, ...side }: AgentStreams<I, O>): Stream<O> {
  return Object.assign(replies, { side });
}

const asking = (version = '1', question = 'which?') =>
  agent({
    version,
    async run({ id }: Claim, ctx) {
      ctx.emit({ question });
      const answer = await ctx.waitForEvent<Answer>('answer', ({ text }) => text !== 'noise', { timeout: '1d' });
      return { id, answer: answer?.text ?? 'none', version };
    },
  });

t.test('a run waits for an event of its key', async (t) => {
  const h = await driven(asking());
  h.send({ id: 'a', cents: 1 }, { at: 1_000 }).send({ id: 'b', cents: 1 }, { at: 1_000 });
  await h.settled();
  t.same(h.take(), []);
  t.same(h.takeSide('emitted'), [{ question: 'which?' }, { question: 'which?' }]);
  h.send({ id: 'b', text: 'noise' }, { input: 2, at: 2_000 });
  h.send({ id: 'b', text: 'this' }, { input: 2, at: 3_000 });
  await h.settled();
  t.same(h.take(), [{ id: 'b', answer: 'this', version: '1' }]);
  t.same(h.takeSide('unclaimed'), [{ id: 'b', text: 'noise' }]);
  h.send({ id: 'c', text: 'nobody asked' }, { input: 2, at: 3_000 });
  await h.settled();
  t.same(h.takeSide('unclaimed'), [{ id: 'c', text: 'nobody asked' }]);
});

t.test('what comes early is kept for its run, for a while', async (t) => {
  const h = await driven(asking(), { early: '1h' });
  const answer = (id: string, at: number): unknown => h.send({ id, text: 'early' }, { input: 2, at });
  answer('a', 1_000);
  answer('b', 1_000);
  answer('b', 3_000_000);
  const snapshot = await h.snapshot();
  await h.restore(snapshot, { parallelism: 3 });
  h.send({ id: 'a', cents: 1 }, { at: 900 });
  await h.settled();
  t.same(h.take(), [{ id: 'a', answer: 'early', version: '1' }]);
  h.watermark(3_600_999);
  t.same(h.takeSide('unclaimed'), []);
  h.watermark(3_601_000);
  t.same(h.takeSide('unclaimed'), [{ id: 'b', text: 'early' }], 'one hour is over for the first');
  h.send({ id: 'b', cents: 1 }, { at: 3_602_000 });
  await h.settled();
  t.same(h.take(), [{ id: 'b', answer: 'early', version: '1' }], 'the second is there still');
  answer('c', 3_700_000);
  h.end();
  await h.settled();
  t.same(h.takeSide('unclaimed'), [{ id: 'c', text: 'early' }]);
  t.ok(h.ended);
});

t.test('its time is event time: the watermark ends the wait', async (t) => {
  const h = await driven(asking());
  h.send({ id: 'a', cents: 1 }, { at: 1_000 });
  await h.settled();
  h.watermark(86_400_999);
  await h.settled();
  t.same(h.take(), []);
  h.watermark(86_401_000);
  await h.settled();
  t.same(h.take(), [{ id: 'a', answer: 'none', version: '1' }]);
});

t.test('a restored run goes on waiting, and puts nothing out twice', async (t) => {
  const h = await driven(asking());
  h.send({ id: 'a', cents: 1 }, { at: 1_000 });
  await h.settled();
  t.equal(h.takeSide('emitted').length, 1);
  const snapshot = await h.snapshot();
  await h.restore(snapshot, { parallelism: 3 });
  await h.settled();
  t.same(h.takeSide('emitted'), []);
  h.send({ id: 'a', text: 'this' }, { input: 2, at: 2_000 });
  await h.settled();
  t.same(h.take(), [{ id: 'a', answer: 'this', version: '1' }]);
});

t.test('what waits without a time-out fails at the end of the input; what has one is over', async (t) => {
  const forever = agent({
    version: '1',
    run: async ({ id }: Claim, ctx) =>
      (id === 'a' ? await ctx.waitForEvent('x', () => true) : await ctx.sleep('1h')) ?? id,
  });
  const h = await driven(forever);
  h.send({ id: 'a', cents: 1 }, { at: 1_000 }).send({ id: 'b', cents: 1 }, { at: 1_000 });
  await h.settled();
  h.end();
  await h.settled();
  t.same(h.take(), ['b']);
  t.match(h.takeSide('failures'), [{ key: 'a', error: { code: 'MILL_AGENT_INPUT_ENDED' } }]);
  t.ok(h.ended);
});

t.test('a run that is restored at the end of event time has its time, and it is over', async (t) => {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const slow = agent({
    version: '1',
    async run({ id }: Claim, ctx) {
      await ctx.step('slow', () => opened);
      const answer = await ctx.waitForEvent<Answer>('answer', () => true, { timeout: '1d' });
      return { id, answer: answer?.text ?? 'none' };
    },
  });
  const h = await driven(slow);
  h.send({ id: 'a', cents: 1 }, { at: 1_000 });
  h.end();
  const snapshot = await h.snapshot();
  await h.restore(snapshot, { parallelism: 2 });
  open();
  await h.settled();
  t.match(h.takeSide('failures'), []);
  t.same(h.take(), [{ id: 'a', answer: 'none' }]);
});

t.test('a run without event time can only wait by the clock', async (t) => {
  const waits = agent({
    version: '1',
    async run({ id }: Claim, ctx) {
      await ctx.sleep('10s', { time: id === 'clock' ? 'processing' : 'event' });
      return id;
    },
  });
  const h = await driven(waits);
  h.send({ id: 'clock', cents: 1 }).send({ id: 'event', cents: 1 });
  await h.settled();
  t.match(h.takeSide('failures'), [{ key: 'event', error: { code: 'MILL_TIMESTAMP_MISSING' } }]);
  h.advance('9s');
  await h.settled();
  t.same(h.take(), []);
  h.advance('1s');
  await h.settled();
  t.same(h.take(), ['clock']);
});

t.test('a run of days holds no window back, and its outputs are not late', async (t) => {
  const h = await driven(asking());
  h.send({ id: 'a', cents: 1 }, { at: 1_000 });
  await h.settled();
  h.watermark(50_000);
  t.same(h.takeWatermarks(), [50_000]);
  h.send({ id: 'a', text: 'this' }, { input: 2, at: 51_000 });
  await h.settled();
  t.match(h.emitted(), [{ record: { answer: 'this' }, timestamp: 50_001 }]);
});

const pay = (paid: string[]) =>
  tool({
    description: 'Pays.',
    input: z.object({ cents: z.number() }),
    effect: 'once',
    run: (_, { idempotencyKey }) => {
      paid.push(idempotencyKey);
      return 'paid';
    },
  });

/** Its decisions come on the second input. */
function approved(made: Agent<Claim, unknown>) {
  return harness((claims: Stream<Claim>, decisions: Stream<Decision & { id: string }>) =>
    withSides(claims.keyBy(byId).agent('claims', made, { decisions: decisions.keyBy(byId) })),
  );
}

t.test('a person approves, refuses, or lets the time pass', async (t) => {
  const paid: string[] = [];
  const paying = agent({
    version: '1',
    tools: { pay: pay(paid) },
    async run({ id, cents }: Claim, ctx) {
      const ok = await ctx.approve({ pay: cents }, { timeout: '1h', onTimeout: id === 'c' ? 'approve' : 'deny' });
      return ok ? ctx.tool('pay', { cents }) : 'refused';
    },
  });
  const h = await approved(paying);
  for (const id of ['a', 'b', 'c', 'd']) h.send({ id, cents: 5 }, { at: 0 });
  await h.settled();
  const requests = h.takeSide('requests') as HumanRequest[];
  t.match(
    requests,
    ['a', 'b', 'c', 'd'].map((key) => ({ key, kind: 'approval', subject: { pay: 5 } })),
  );
  const decide = (id: string, yes: boolean): unknown => {
    const { run, step } = requests.find(({ key }) => key === id) as HumanRequest;
    return h.send({ id, run, step, approved: yes, by: 'ann' }, { input: 2, at: 1 });
  };
  h.send({ id: 'a', run: 'another', step: 0, approved: true }, { input: 2, at: 1 });
  decide('a', true);
  decide('b', false);
  await h.settled();
  t.same(h.take().sort(), ['paid', 'refused']);
  h.watermark(3_600_000);
  await h.settled();
  t.same(h.take().sort(), ['paid', 'refused']);
  t.equal(paid.length, 2);
});

t.test('a person is asked once, though the run is executed again at another time', async (t) => {
  const asking = agent({ version: '1', run: ({ id }: Claim, ctx) => ctx.approve(`pay ${id}?`, { timeout: '1d' }) });
  const h = await approved(asking);
  h.send({ id: 'a', cents: 5 }, { at: 0 });
  await h.settled();
  const [request] = h.takeSide('requests') as HumanRequest[];
  t.match(request, { subject: 'pay a?', deadline: { at: 86_400_000, time: 'event' } });
  const snapshot = await h.snapshot();
  h.advance('1h');
  await h.restore(snapshot);
  await h.settled();
  t.same(h.takeSide('requests'), []);
  const { run, step } = request as HumanRequest;
  h.send({ id: 'a', run, step, approved: true }, { input: 2, at: 1 });
  await h.settled();
  t.same(h.take(), [true]);
  t.same(h.takeSide('requests'), []);
});

t.test('a guard allows, denies, or asks; what it does not allow is not done', async (t) => {
  const paid: string[] = [];
  const guarded = agent({
    version: '1',
    tools: { pay: pay(paid) },
    guard: ({ input }) =>
      (input as { cents: number }).cents > 100 ? 'approve' : (input as { cents: number }).cents > 10 ? 'deny' : 'allow',
    run: ({ cents }: Claim, ctx) => ctx.tool('pay', { cents }).catch((error: { code: string }) => error.code),
  });
  const h = await approved(guarded);
  h.send({ id: 'a', cents: 1 }, { at: 0 })
    .send({ id: 'b', cents: 50 }, { at: 0 })
    .send({ id: 'c', cents: 500 }, { at: 0 });
  await h.settled();
  t.same(h.take().sort(), ['MILL_TOOL_DENIED', 'paid']);
  const [request] = h.takeSide('requests') as HumanRequest[];
  t.match(request, { key: 'c', subject: { tool: 'pay', input: { cents: 500 } } });
  const { run, step } = request as HumanRequest;
  h.send({ id: 'c', run, step, approved: true }, { input: 2, at: 0 });
  await h.settled();
  t.same(h.take(), ['paid']);
});

t.test('a run ends with the version that it began with', async (t) => {
  const h = await driven(asking('1'));
  h.send({ id: 'a', cents: 1 }, { at: 1_000 });
  await h.settled();
  const snapshot = await h.snapshot();
  const newer = await driven(asking('2'), { previous: [asking('1')] });
  await newer.restore(snapshot);
  newer.send({ id: 'b', cents: 1 }, { at: 1_000 });
  await newer.settled();
  newer.send({ id: 'a', text: 'x' }, { input: 2, at: 2_000 }).send({ id: 'b', text: 'y' }, { input: 2, at: 2_000 });
  await newer.settled();
  t.same(
    newer.take().sort((a, b) => a.id.localeCompare(b.id)),
    [
      { id: 'a', answer: 'x', version: '1' },
      { id: 'b', answer: 'y', version: '2' },
    ],
  );
  const without = await driven(asking('2'));
  await t.rejects(
    async () => {
      await without.restore(snapshot);
      await without.settled();
    },
    { code: 'MILL_AGENT_VERSION_MISSING' },
  );
});

t.test('a run that asks for something else when it is executed again is found out, by what has changed', async (t) => {
  const stepping = (name: string) =>
    agent({
      version: '1',
      async run({ id }: Claim, ctx) {
        await ctx.step(name, () => 1);
        return (await ctx.waitForEvent('more', () => true)) ?? id;
      },
    });
  const h = await driven(stepping('look'));
  h.send({ id: 'a', cents: 1 }, { at: 1_000 });
  await h.settled();
  const snapshot = await h.snapshot();
  const other = await driven(stepping('peek'));
  await t.rejects(
    async () => {
      await other.restore(snapshot);
      await other.settled();
    },
    { code: 'MILL_AGENT_DIVERGED', message: /step 0 for step peek, and before it asked step look/ },
  );
});

t.test(
  'a run that waits is not in memory once a checkpoint has it; it wakes for events, times and the end',
  async (t) => {
    let executions = 0;
    const sleeper = agent({
      version: '1',
      tools: {},
      state: {},
      async run({ id }: Claim, ctx) {
        executions += 1;
        const first = await ctx.step('first', () => `${id}!`);
        ctx.emit({ asked: id });
        const answer = await ctx.waitForEvent<Answer>('answer', ({ text }) => text !== 'noise', { timeout: '1d' });
        return { first, answer: answer?.text };
      },
    });
    const h = await driven(sleeper);
    for (const id of ['a', 'b', 'c']) h.send({ id, cents: 1 }, { at: 1_000 });
    await h.settled();
    t.equal(executions, 3);
    t.same(h.takeSide('emitted').length, 3);
    await h.snapshot();
    await h.settled();
    h.send({ id: 'a', text: 'noise' }, { input: 2, at: 2_000 });
    await h.settled();
    t.equal(executions, 4, 'it has been woken');
    await h.snapshot();
    await h.settled();
    h.send({ id: 'a', text: 'this' }, { input: 2, at: 3_000 });
    await h.settled();
    t.equal(executions, 5);
    t.same(h.take(), [{ first: 'a!', answer: 'this' }]);
    h.watermark(86_401_000);
    await h.settled();
    t.same(h.take(), [
      { first: 'b!', answer: undefined },
      { first: 'c!', answer: undefined },
    ]);
    h.send({ id: 'd', cents: 1 }, { at: 86_500_000 });
    await h.settled();
    await h.snapshot();
    h.end();
    await h.settled();
    t.same(h.take(), [{ first: 'd!', answer: undefined }]);
    t.same(h.takeSide('emitted'), [{ asked: 'd' }], 'nothing is put out twice');
    t.ok(h.ended);
  },
);

t.test('a run that has been laid down has no more time than its budget says', async (t) => {
  const h = await driven(
    agent({
      version: '1',
      budget: { timeout: '1h' },
      run: async (_: Claim, ctx) => ctx.waitForEvent('answer', () => true),
    }),
  );
  h.send({ id: 'a', cents: 1 }, { at: 1_000 });
  await h.settled();
  await h.snapshot();
  // It is executed again, up to its wait, before it is ended.
  h.advance('2h');
  await h.settled();
  h.advance('1ms');
  await h.settled();
  t.match(h.takeSide('failures'), [{ key: 'a', error: { code: 'MILL_AGENT_LIMIT' } }]);
});

t.test('many messages at once are sent without a warning of Node', async (t) => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const sent = new Set<string>();
  let go: (() => void) | undefined;
  const allUnderWay = new Promise<void>((resolve) => {
    go = resolve;
  });
  const mailing = agent({
    version: '1',
    tools: {
      mail: tool({
        description: 'Mails.',
        input: z.object({ id: z.string() }),
        effect: 'outbox',
        async run({ id }) {
          sent.add(id);
          if (sent.size === 20) go?.();
          await allUnderWay;
        },
      }),
    },
    run: async ({ id }: Claim, ctx) => void (await ctx.tool('mail', { id })),
  });
  const h = await driven(mailing);
  for (let n = 0; n < 20; n += 1) h.send({ id: `c${n}`, cents: n }, { at: n });
  await h.settled();
  t.equal(sent.size, 20);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(warnings, []);
});

t.test('a wait may go on until a date', async (t) => {
  const dated = agent({
    version: '1',
    async run({ id }: Claim, ctx) {
      const answer = await ctx.waitForEvent<Answer>('answer', () => true, { until: new Date(5_000) });
      return `${id} ${answer?.text ?? 'none'}`;
    },
  });
  const h = await driven(dated);
  h.send({ id: 'a', cents: 1 }, { at: 1_000 }).send({ id: 'b', cents: 1 }, { at: 1_000 });
  await h.settled();
  h.send({ id: 'a', text: 'in time' }, { input: 2, at: 4_000 });
  await h.settled();
  h.watermark(4_999);
  await h.settled();
  t.same(h.take(), ['a in time']);
  h.watermark(5_000);
  await h.settled();
  t.same(h.take(), ['b none']);
  const both = agent({ version: '1', run: (_: Claim, ctx) => ctx.approve('x', { until: 1, timeout: 1 }) });
  const other = await driven(both);
  other.send({ id: 'a', cents: 1 }, { at: 1 });
  await other.settled();
  t.match(other.takeSide('failures'), [{ error: { code: 'MILL_OPTION_INVALID' } }]);
});

t.test('a request says when it was asked, and until when an answer counts', async (t) => {
  const made = agent({
    version: '1',
    async run({ cents }: Claim, ctx) {
      const by = [{ timeout: '1h' }, { until: 9_000 }, {}][cents] as object;
      return ctx.approve('well?', by);
    },
  });
  const h = await approved(made);
  for (const cents of [0, 1, 2]) h.send({ id: String(cents), cents }, { at: 1_000 });
  await h.settled();
  const requests = h.takeSide('requests') as HumanRequest[];
  t.same(
    requests.sort((a, b) => Number(a.key) - Number(b.key)).map(({ deadline }) => deadline),
    [{ at: 3_601_000, time: 'event' }, { at: 9_000, time: 'event' }, undefined],
  );
  t.ok(requests.every(({ at }) => typeof at === 'number'));
});
