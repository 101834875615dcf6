/** The public test kit drives operators and jobs step by step. */
import { collect, fromIterable, job, type Stream, side, state, tumbling } from 'millrace';
import { harness, jobHarness } from 'millrace/testing';
import t from 'tap';

interface Click {
  readonly user: string;
  readonly n: number;
}

t.test('a window fires when the watermark has passed its end', async (t) => {
  const h = await harness((clicks: Stream<Click>) =>
    clicks
      .keyBy((click) => click.user)
      .window(tumbling('1m'))
      .aggregate('clicks', (a) => ({ n: a.sum((click) => click.n) })),
  );
  h.send({ user: 'ann', n: 1 }, { at: 1_000 }).send({ user: 'ann', n: 2 }, { at: 59_999 });
  h.watermark(59_998);
  t.same(h.take(), []);
  h.watermark(59_999);
  t.same(h.emitted(), [{ record: { key: 'ann', window: { start: 0, end: 60_000 }, n: 3 }, timestamp: 59_999 }]);
  h.send({ user: 'bob', n: 9 }, { at: 5 });
  t.same(h.takeSide('late'), [{ user: 'bob', n: 9 }]);
  t.same(h.takeWatermarks(), [59_998, 59_999]);
});

t.test('the watermark is the least of active channels', async (t) => {
  const h = await harness((clicks: Stream<Click>) => clicks.map((click) => click.n), { channels: 2 });
  h.watermark(10, { channel: 0 });
  t.same(h.takeWatermarks(), []);
  h.watermark(5, { channel: 1 });
  t.same(h.takeWatermarks(), [5]);
  h.idle({ channel: 1 });
  t.same(h.takeWatermarks(), [10]);
  h.active({ channel: 1 }).watermark(7, { channel: 1 }).watermark(20, { channel: 0 });
  t.same(h.takeWatermarks(), [20], 'a channel that has not caught up does not count');
  h.watermark(21, { channel: 1 }).watermark(30, { channel: 0 });
  t.same(h.takeWatermarks(), [21]);
});

t.test('state, timers in both times, side outputs', async (t) => {
  const h = await harness((clicks: Stream<Click>) =>
    clicks
      .keyBy((click) => click.user)
      .process('waiting', {
        state: { seen: state.list<number>(), last: state.value<number>(), by: state.map<number, string>() },
        sides: { odd: side<number>() },
        onRecord(click, ctx) {
          ctx.state.seen.add(click.n);
          ctx.state.last.set(click.n);
          ctx.state.by.set(click.n, ctx.key);
          ctx.eventTimers.add(click.n * 10);
          ctx.processingTimers.add(ctx.now() + 1_000);
          if (click.n % 2 === 1) ctx.side.odd(click.n);
        },
        onTimer: (time, ctx) => [{ kind: 'event' as const, key: ctx.key, time, at: ctx.timestamp }],
        onProcessingTimer: (time, ctx) => [{ kind: 'processing' as const, key: ctx.key, time, at: ctx.timestamp }],
      }),
  );
  h.send({ user: 'ann', n: 3 }).send({ user: 'ann', n: 4 }).send({ user: 'bob', n: 3 });
  t.same(h.state('ann'), {
    seen: [3, 4],
    last: 4,
    by: new Map([
      [3, 'ann'],
      [4, 'ann'],
    ]),
  });
  t.same(h.takeSide('odd'), [3, 3]);
  t.same(
    h.timers().map(({ kind, key, time }) => `${kind} ${key} ${time}`),
    ['event ann 30', 'event bob 30', 'event ann 40', 'processing ann 1000', 'processing bob 1000'],
  );
  h.watermark(39);
  t.same(h.take(), [
    { kind: 'event', key: 'ann', time: 30, at: 30 },
    { kind: 'event', key: 'bob', time: 30, at: 30 },
  ]);
  h.advance('999ms');
  t.same(h.take(), []);
  h.advance(1);
  t.same(h.take(), [
    { kind: 'processing', key: 'ann', time: 1_000, at: undefined },
    { kind: 'processing', key: 'bob', time: 1_000, at: undefined },
  ]);
  h.end();
  t.same(h.take(), [{ kind: 'event', key: 'ann', time: 40, at: 40 }], 'the end of input fires what is left');
  t.ok(h.ended);
});

t.test('two inputs share state and the lesser watermark', async (t) => {
  const h = await harness((orders: Stream<{ id: string }>, payments: Stream<{ order: string; cents: number }>) =>
    orders
      .keyBy((order) => order.id)
      .connect(payments.keyBy((payment) => payment.order))
      .process('paid', {
        state: { paid: state.value({ initial: 0 }) },
        onFirst: (order, ctx) => [`${order.id} ${ctx.state.paid.get()}`],
        onSecond(payment, ctx) {
          ctx.state.paid.set(ctx.state.paid.get() + payment.cents);
        },
      }),
  );
  h.send({ order: 'a', cents: 5 }, { input: 2 }).send({ order: 'a', cents: 6 }, { input: 2 }).send({ id: 'a' });
  t.same(h.take(), ['a 11']);
  h.watermark(10, { input: 1 });
  t.same(h.takeWatermarks(), []);
  h.watermark(4, { input: 2 });
  t.same(h.takeWatermarks(), [4]);
});

t.test('records are frozen, and must survive an exchange', async (t) => {
  const careless = await harness((clicks: Stream<{ n: number }>) =>
    clicks.map((click) => {
      click.n += 1;
      return click;
    }),
  );
  t.throws(() => careless.send({ n: 1 }), { code: 'MILL_FUNCTION_FAILED', operator: 'map-1' });
  const closures = await harness((clicks: Stream<{ n: number }>) =>
    clicks
      .map((click) => ({ get: () => click.n }))
      .keyBy(() => 1)
      .reduce('last', (_a, b) => b),
  );
  t.throws(() => closures.send({ n: 1 }), { code: 'MILL_RECORD_NOT_PLAIN', operator: 'map-1' });
});

t.test('a whole job, by the names of its sources and sinks', async (t) => {
  const totals = job('totals', (j) => {
    j.from('numbers', fromIterable<{ k: string; at: number }>([]))
      .eventTime((r) => r.at, { outOfOrder: 10 })
      .keyBy((r) => r.k)
      .window(tumbling(100))
      .aggregate('sums', (a) => ({ n: a.count() }))
      .to('out', collect());
  });
  const h = await jobHarness(totals);
  h.send('numbers', { k: 'a', at: 5 }).send('numbers', { k: 'a', at: 99 }).send('numbers', { k: 'a', at: 109 });
  t.same(h.take('out'), []);
  h.send('numbers', { k: 'a', at: 110 });
  t.same(h.take('out'), [{ key: 'a', window: { start: 0, end: 100 }, n: 2 }]);
  h.end();
  t.same(h.take('out'), [{ key: 'a', window: { start: 100, end: 200 }, n: 2 }]);
});

const counting = (clicks: Stream<Click>) =>
  clicks
    .keyBy((click) => click.user)
    .window(tumbling(100), { lateness: 50 })
    .aggregate('clicks', (a) => ({ n: a.sum((click) => click.n) }));

t.test('a snapshot is restored with state, timers and watermark, with any number of subtasks', async (t) => {
  const h = await harness(counting);
  h.send({ user: 'ann', n: 1 }, { at: 10 }).send({ user: 'bob', n: 5 }, { at: 20 }).watermark(99);
  const snapshot = await h.snapshot();
  t.same(h.take().length, 2, 'what came before a snapshot can be taken after it');
  for (const parallelism of [1, 3, 2]) {
    h.send({ user: 'ann', n: 7 }, { at: 30 });
    await h.kill().restore(snapshot, { parallelism });
    t.same(h.take(), [], 'what came after it is taken back');
    t.same(h.takeWatermarks().length <= 1, true);
    h.send({ user: 'ann', n: 2 }, { at: 30 });
    t.same(h.take(), [{ key: 'ann', window: { start: 0, end: 100 }, n: 3 }], 'late, and within lateness');
    await h.restore(snapshot);
    h.watermark(149).send({ user: 'ann', n: 3 }, { at: 30 });
    t.same(h.takeSide('late'), [{ user: 'ann', n: 3 }]);
    t.same(h.rows(), []);
  }
});

t.test('killed without a snapshot, it begins anew; the newest one is the default', async (t) => {
  const h = await harness(counting);
  h.send({ user: 'ann', n: 1 }, { at: 10 }).kill();
  t.throws(() => h.send({ user: 'ann', n: 1 }), { code: 'MILL_OPTION_INVALID', message: /killed/ });
  await h.restore();
  t.same(h.rows(), []);
  h.send({ user: 'ann', n: 1 }, { at: 10 });
  await h.snapshot();
  h.send({ user: 'ann', n: 2 }, { at: 10 });
  await h.snapshot();
  h.send({ user: 'ann', n: 4 }, { at: 10 });
  await h.kill().restore();
  h.end();
  t.same(h.take(), [{ key: 'ann', window: { start: 0, end: 100 }, n: 3 }]);
  t.ok(h.ended);
  await h.kill().restore();
  t.notOk(h.ended);
});

t.test('rescaling on the way', async (t) => {
  const h = await harness(counting, { parallelism: 2, channels: 2 });
  const users = Array.from({ length: 20 }, (_, n) => `user-${n}`);
  for (const parallelism of [3, 1, 4]) {
    for (const user of users) h.send({ user, n: parallelism }, { at: 10, channel: parallelism % 2 });
    await h.rescale(parallelism);
    t.equal(h.rows().length > 0, true);
  }
  h.watermark(99, { channel: 0 });
  t.same(h.take(), []);
  await h.rescale(2);
  h.watermark(99, { channel: 1 });
  t.same(h.takeWatermarks(), [99], 'the other channel has said so before');
  const rows = h.take();
  t.equal(rows.length, 20);
  t.ok(rows.every(({ n }) => n === 8));
});

t.test('after a restore, event time goes on where another input has ended, several exchanges away', async (t) => {
  const h = await harness((first: Stream<{ k: string }>, second: Stream<{ k: string }>) =>
    first
      .keyBy(({ k }) => k)
      .reduce('passed-on', (_, b) => b)
      .keyBy(({ k }) => k)
      .connect(second.keyBy(({ k }) => k))
      .process('both', {
        onFirst: (_, ctx) => ctx.eventTimers.add(50),
        onSecond: () => {},
        onTimer: (time) => [time],
      }),
  );
  h.send({ k: 'a' }, { at: 5 }).end({ input: 1 }).watermark(3, { input: 2 });
  await h.snapshot();
  await h.kill().restore({ parallelism: 2 });
  t.same(h.watermark(100, { input: 2 }).take(), [50]);
});

t.test('a snapshot moves to a changed job', async (t) => {
  const old = await harness((clicks: Stream<Click>) =>
    clicks.keyBy((c) => c.user).aggregate('sums', (a) => ({ n: a.sum((c) => c.n) })),
  );
  old.send({ user: 'ann', n: 1 });
  const snapshot = await old.snapshot();
  const renamed = await harness((clicks: Stream<Click>) =>
    clicks.keyBy((c) => c.user).aggregate('totals', (a) => ({ n: a.sum((c) => c.n) }), { renamedFrom: 'sums' }),
  );
  await renamed.restore(snapshot);
  renamed.send({ user: 'ann', n: 2 });
  t.same(renamed.take(), [{ key: 'ann', n: 3 }]);
  const again = await harness((clicks: Stream<Click>) =>
    clicks.keyBy((c) => c.user).aggregate('totals', (a) => ({ n: a.sum((c) => c.n) })),
  );
  await t.rejects(again.restore(snapshot), {
    code: 'MILL_STATE_MISMATCH',
    message: /state of sums.*new in the job: totals/,
  });
  await again.restore(await renamed.snapshot(), { parallelism: 2 });
  again.send({ user: 'ann', n: 4 });
  t.same(again.take(), [{ key: 'ann', n: 7 }]);
});

t.test('a snapshot waits for functions that are under way', async (t) => {
  const h = await harness((clicks: Stream<Click>) => clicks.offload('double', async (click) => click.n * 2));
  h.send({ user: 'ann', n: 1 });
  await h.snapshot();
  t.same(h.take(), [2]);
  const stuck = await harness((clicks: Stream<Click>) => clicks.offload('never', () => new Promise<number>(() => {})));
  stuck.send({ user: 'ann', n: 1 });
  await t.rejects(stuck.snapshot(), { code: 'MILL_OPTION_INVALID', hint: 'Await h.settled() first.' });
});
