/** q0 to q2 in two functions each, for Node's libraries of streams. */
import type { Bid } from '../nexmark/events.js';

export interface StatelessQuery {
  readonly isWanted: (bid: Bid) => boolean;
  readonly columns: (bid: Bid) => readonly unknown[];
}

export const STATELESS: Readonly<Record<string, StatelessQuery>> = {
  q0: { isWanted: () => true, columns: (b) => [b.auction, b.bidder, b.price, b.dateTime, b.extra] },
  q1: {
    isWanted: () => true,
    columns: (b) => [b.auction, b.bidder, { thousandths: 908 * b.price }, b.dateTime, b.extra],
  },
  q2: { isWanted: (b) => b.auction % 123 === 0, columns: (b) => [b.auction, b.price] },
};
