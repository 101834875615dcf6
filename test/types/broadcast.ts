/** Types of broadcast state, and mistakes that do not compile. Never run; `tsc` is the test. */
import { type Stream, side, state } from 'millrace';
import { recordsOf } from './same.js';

interface Payment {
  readonly card: string;
  readonly cents: number;
}
interface Rule {
  readonly id: number;
  readonly limit: number;
}

declare const payments: Stream<Payment>;
declare const rules: Stream<Rule>;

const connected = payments.keyBy((p) => p.card).connect(rules.broadcast());
const alerts = connected.process('a', {
  broadcast: { rules: state.map<number, Rule>() },
  state: { seen: state.value<number>() },
  sides: { quiet: side<Payment>() },
  onBroadcast: (rule, ctx) => ctx.broadcast.rules.set(rule.id, rule),
  onRecord(payment, ctx) {
    ctx.side.quiet(payment);
    ctx.state.seen.set(payment.cents);
    return [{ card: ctx.key, rule: ctx.broadcast.rules.get(1) }];
  },
  onTimer: (time) => [time],
});
recordsOf(alerts).are<{ card: string; rule: Rule | undefined } | number>(true);
recordsOf(alerts.side.quiet).are<Payment>(true);
recordsOf(
  payments.connect(rules.broadcast()).process('b', {
    broadcast: { last: state.value<Rule>() },
    onBroadcast: (rule, ctx) => ctx.broadcast.last.set(rule),
    onRecord: (payment, ctx) => [payment.cents > (ctx.broadcast.last.get()?.limit ?? 0)],
  }),
).are<boolean>(true);
recordsOf(
  payments.broadcastJoin(
    'c',
    rules.broadcast(),
    { key: (p) => p.cents, rowKey: (r) => r.id },
    (p, r) => [p.card, r.limit] as const,
  ),
).are<readonly [string, number]>(true);

connected.process('d', {
  broadcast: { rules: state.map<number, Rule>() },
  onBroadcast: () => {},
  // @ts-expect-error only broadcast records change broadcast state
  onRecord: (_payment, ctx) => ctx.broadcast.rules.set(1, { id: 1, limit: 1 }),
});
connected.process('e', {
  broadcast: { rules: state.map<number, Rule>() },
  // @ts-expect-error rules of another type
  onBroadcast: (rule, ctx) => ctx.broadcast.rules.set(rule.id, rule.limit),
  onRecord: () => [],
});
connected.process('f', {
  broadcast: {},
  // @ts-expect-error a broadcast record has no key
  onBroadcast: (_rule, ctx) => [ctx.key],
  onRecord: () => [],
});
const byKey = { key: (p: Payment) => p.card, rowKey: (r: Rule) => r.id };
// @ts-expect-error keys of different types
payments.broadcastJoin('g', rules.broadcast(), byKey, (p) => p);
