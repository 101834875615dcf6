/**
 * Broadcast state gives the same answer every way: any interleaving, batch size and number of subtasks, killed and restored
 * anywhere, with more subtasks and with fewer.
 */
import { collect, type DeadLetter, deadLetter, fromIterable, job, type Stream, state } from 'millrace';
import { everyWay, jobHarness, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';

t.setTimeout(180_000);

/** Each goes one way. */
const SCENARIOS = 1_000;

interface Payment {
  readonly card: string | null;
  readonly cents: number;
}

interface Rule {
  readonly id: number;
  readonly limit: number | undefined;
}

const at = <T>(record: T, time: number): Step<T> => ({ record, at: time });

interface Scenario {
  readonly phases: Phase[];
  /** What rules each payment meets, by `card cents rules`. */
  readonly alerts: string[];
  readonly rules: ReadonlyMap<number, number>;
}

/** Rules and payments in turn, as no order holds between them. */
function scenarioOf(random: Random): Scenario {
  const phases: Phase[] = [];
  const rules = new Map<number, number>();
  const alerts: string[] = [];
  for (let phase = 1; phase <= 6; phase += 1) {
    const upTo: Step = { watermark: phase * 10 };
    if (phase % 2 === 1) {
      const steps = Array.from({ length: random.below(4) }, (): Step<Rule> => {
        const rule = { id: random.below(3), limit: random.below(4) === 0 ? undefined : random.below(10) };
        if (rule.limit === undefined) rules.delete(rule.id);
        else rules.set(rule.id, rule.limit);
        return at(rule, phase * 10);
      });
      phases.push({ first: [[upTo], [upTo]], second: [[...steps, upTo], [upTo]] });
      continue;
    }
    const channels = [0, 1].map(() =>
      Array.from({ length: random.below(5) }, (): Step<Payment> => {
        const payment = { card: [null, 'a', 'b', 'c'][random.below(4)] as string | null, cents: random.below(10) };
        const met = [...rules].filter(([, limit]) => payment.cents > limit).map(([id]) => id);
        alerts.push(`${payment.card} ${payment.cents} ${met.sort()}`);
        return at(payment, phase * 10);
      }),
    );
    phases.push({ first: channels.map((steps) => [...steps, upTo]), second: [[upTo], [upTo]] });
  }
  return { phases, alerts, rules };
}

function apply({ id, limit }: Rule, rules: { set(id: number, limit: number): void; delete(id: number): void }): void {
  if (limit === undefined) rules.delete(id);
  else rules.set(id, limit);
}

t.test('keyed records and broadcast rules', async (t) => {
  let [kills, rescales] = [0, 0];
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const { phases, alerts } = scenarioOf(new Random(seed));
    const counts = new Map<string, number>();
    for (const alert of alerts) {
      const card = alert.split(' ')[0] as string;
      counts.set(card, (counts.get(card) ?? 0) + 1);
    }
    const report = await everyWay(
      (payments: Stream<Payment>, rules: Stream<Rule>) =>
        payments
          .keyBy((p) => p.card)
          .connect(rules.broadcast())
          .process('alerts', {
            broadcast: { rules: state.map<number, number>(), changes: state.reducing<number>((a, b) => a + b) },
            state: { count: state.value({ initial: 0 }) },
            onBroadcast(rule, ctx) {
              apply(rule, ctx.broadcast.rules);
              ctx.broadcast.changes.add(1);
            },
            onRecord(payment, ctx) {
              ctx.state.count.set(ctx.state.count.get() + 1);
              ctx.eventTimers.add(1_000);
              const met = [...ctx.broadcast.rules.entries()].filter(([, limit]) => payment.cents > limit);
              return [`${ctx.key} ${payment.cents} ${met.map(([id]) => id)}`];
            },
            onTimer: (_time, ctx) => [`${ctx.key}: ${ctx.state.count.get()}, ${ctx.broadcast.rules.size >= 0}`],
          }),
      phases,
      [...alerts, ...[...counts].map(([card, count]) => `${card}: ${count}, true`)],
      { ways: 1, from: seed },
    );
    kills += report.kills;
    rescales += report.rescales;
  }
  t.ok(kills > 500 && rescales > 300, `${kills} kills, ${rescales} rescales`);
});

t.test('records without keys, and side outputs', async () => {
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const { phases, alerts } = scenarioOf(new Random(seed));
    await everyWay(
      (payments: Stream<Payment>, rules: Stream<Rule>) =>
        payments.connect(rules.broadcast()).process('alerts', {
          broadcast: { rules: state.map<number, number>() },
          onBroadcast: (rule, ctx) => apply(rule, ctx.broadcast.rules),
          *onRecord({ card, cents }, ctx) {
            const met = [...ctx.broadcast.rules.entries()].filter(([, limit]) => cents > limit);
            yield `${card} ${cents} ${met.map(([id]) => id)}`;
          },
        }),
      phases,
      alerts,
      { ways: 1, from: seed },
    );
  }
});

t.test('a broadcast record that fails has one dead letter, whatever the number of subtasks', async (t) => {
  const watched = job('watched', (j) => {
    const rules = j.from('rules', fromIterable<Rule>([]));
    j.from('payments', fromIterable<Payment>([]))
      .keyBy((p) => p.card)
      .connect(rules.broadcast())
      .process('alerts', {
        broadcast: { rules: state.map<number, number>() },
        onError: deadLetter('dead', collect()),
        onBroadcast(rule, ctx) {
          if (rule.limit === undefined) throw new Error('no limit');
          apply(rule, ctx.broadcast.rules);
        },
        onRecord(payment, ctx) {
          if (payment.cents < 0) throw new Error('no payment');
          return [ctx.broadcast.rules.size];
        },
      })
      .to('out', collect());
  });
  for (let parallelism = 1; parallelism <= 4; parallelism += 1) {
    const h = await jobHarness(watched, { parallelism });
    const [rule, payment] = [
      { id: 1, limit: undefined },
      { card: 'b', cents: -1 },
    ];
    h.send('rules', rule, { at: 1 }).send('rules', { id: 2, limit: 5 }, { at: 1 });
    h.send('payments', { card: 'a', cents: 1 }, { at: 1 }).send('payments', payment, { at: 1 });
    h.end();
    const letters = h.take('dead') as DeadLetter[];
    t.strictSame(
      letters.map(({ record }) => record),
      [rule, payment],
    );
    t.strictSame(h.take('out'), [1]);
    await h.close();
  }
});

t.test('broadcast joins', async (t) => {
  const currencies = ['USD', 'GBP', null] as const;
  let matches = 0;
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const random = new Random(seed);
    const type = random.below(2) === 0 ? 'inner' : 'left';
    const rates = new Map<string, number>();
    const expected: [number, number | undefined][] = [];
    const phases = Array.from({ length: 6 }, (_, phase): Phase => {
      const count = random.below(4);
      if (phase % 2 === 0) {
        const steps = Array.from({ length: count }, (): Step => {
          const currency = currencies[random.below(2)] as string;
          const euros = random.below(4) === 0 ? undefined : random.below(10);
          if (euros === undefined) rates.delete(currency);
          else rates.set(currency, euros);
          return { record: { currency, euros }, at: 1 };
        });
        return { first: [[]], second: [steps] };
      }
      const orders = Array.from({ length: count }, (_, n): Step => {
        const id = phase * 10 + n;
        const currency = currencies[random.below(3)] ?? null;
        // Without a key there is no row, also none whose key is null.
        const euros = currency === null ? undefined : rates.get(currency);
        if (euros !== undefined || type === 'left') expected.push([id, euros]);
        if (euros !== undefined) matches += 1;
        return { record: { id, currency }, at: 1 };
      });
      return { first: [orders.slice(0, 2), orders.slice(2)], second: [[]] };
    });
    await everyWay(
      (
        orders: Stream<{ id: number; currency: string | null }>,
        rates: Stream<{ currency: string; euros: number | undefined }>,
      ) =>
        orders.broadcastJoin(
          'euros',
          rates.broadcast(),
          { key: (o) => o.currency, rowKey: (r) => r.currency, isDelete: (r) => r.euros === undefined, type },
          (o, r) => [o.id, r?.euros],
        ),
      phases,
      expected,
      { ways: 1, from: seed },
    );
  }
  t.ok(matches > SCENARIOS, `${matches} matches`);
});
