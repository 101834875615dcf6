/**
 * Nexmark's events: an auction site's people, auctions and bids. Times are epoch milliseconds.
 */
export interface Person {
  readonly type: 0;
  readonly id: number;
  readonly name: string;
  readonly emailAddress: string;
  readonly creditCard: string;
  readonly city: string;
  readonly state: string;
  readonly dateTime: number;
  readonly extra: string;
}

export interface Auction {
  readonly type: 1;
  readonly id: number;
  readonly itemName: string;
  readonly description: string;
  readonly initialBid: number;
  readonly reserve: number;
  readonly dateTime: number;
  readonly expires: number;
  readonly seller: number;
  readonly category: number;
  readonly extra: string;
}

export interface Bid {
  readonly type: 2;
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
  readonly channel: string;
  readonly url: string;
  readonly dateTime: number;
  readonly extra: string;
}

export type NexmarkEvent = Person | Auction | Bid;

export const isPerson = (event: NexmarkEvent): event is Person => event.type === 0;
export const isAuction = (event: NexmarkEvent): event is Auction => event.type === 1;
export const isBid = (event: NexmarkEvent): event is Bid => event.type === 2;
