/**
 * Types of patterns: what conditions see, and what matches hold. Never run; `tsc` is the test.
 */
import { generate, job, skipToFirst } from 'millrace';
import { recordsOf } from './same.js';

interface Order {
  readonly kind: 'order';
  readonly cents: number;
}
interface Refund {
  readonly kind: 'refund';
  readonly reason: string;
}
type Event = Order | Refund;

const isOrder = (event: Event): event is Order => event.kind === 'order';
const isRefund = (event: Event): event is Refund => event.kind === 'refund';
const made = (n: number): Event => (n % 2 ? { kind: 'order', cents: n } : { kind: 'refund', reason: 'broken' });

export const patterns = job('patterns', (j) => {
  const keyed = j.from('events', generate({ make: made })).keyBy((event) => event.kind);

  const { matches, timeouts, late } = keyed.match('narrowed', (p) =>
    p
      .begin('order', isOrder)
      .followedBy('more', isOrder)
      .oneOrMore()
      .followedBy('refund', isRefund)
      .optional()
      .within('1h'),
  );
  recordsOf(matches).are<{
    readonly key: 'order' | 'refund';
    readonly match: { readonly order: Order; readonly more: readonly Order[]; readonly refund: Refund | undefined };
  }>(true);
  recordsOf(timeouts).are<{
    readonly key: 'order' | 'refund';
    readonly match: { readonly order?: Order; readonly more?: readonly Order[]; readonly refund?: Refund | undefined };
    readonly timedOutAt: number;
  }>(true);
  recordsOf(late).are<Event>(true);

  keyed.match('seen', (p) =>
    p
      .begin('order', isOrder)
      // A step sees those before it, narrowed, and its own records.
      .followedBy('dearer', (event, { order, dearer }) => isOrder(event) && event.cents > order.cents + dearer.length)
      .oneOrMore(),
  );

  // @ts-expect-error there is no such step before this one
  keyed.match('unseen', (p) => p.begin('order', isOrder).next('next', (_event, { refund }) => refund));
  // @ts-expect-error nor is there such a field
  keyed.match('field', (p) => p.begin('order', (event) => event.euros));
  // @ts-expect-error one can skip to the pattern's steps only
  keyed.match('skips', (p) => p.begin('order').next('next'), { afterMatch: skipToFirst('refund') });
  // @ts-expect-error a pattern is what a step has returned
  keyed.match('empty', (p) => p);
  // @ts-expect-error patterns are of keyed streams
  j.from('others', generate({ make: made })).match('unkeyed', (p) => p.begin('order'));
});
