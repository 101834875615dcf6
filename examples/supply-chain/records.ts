/**
 * What flows through the job. Times are epoch milliseconds, in UTC; weights are kilograms.
 */
import type { Flight } from '../flights/records.js';

/** Goods on their way from New York to a warehouse, by air. */
export interface Shipment {
  readonly id: string;
  readonly sku: string;
  readonly units: number;
  readonly kg: number;
  readonly origin: string;
  readonly warehouse: string;
  /** The flight that it is booked on, by its id. */
  readonly flight: string;
  /** When it was handed over to the carrier: an hour before the flight. */
  readonly tendered: number;
  /** What the sender has written on it. */
  readonly note: string;
}

/** What a warehouse has of an article from `at` on: a version of a row of the table `stock`. */
export interface Stock {
  readonly warehouse: string;
  readonly sku: string;
  readonly units: number;
  /** It runs short with fewer units than that. */
  readonly reorderPoint: number;
  readonly perDay: number;
  readonly at: number;
}

/** A shipment that does not get on: its flight was cancelled, or has not left two hours after its time. */
export interface Stall {
  readonly shipment: Shipment;
  readonly why: 'cancelled' | 'late';
  readonly at: number;
}

/** A stall that matters: bound for a warehouse that runs short, with all that is to be known about it at that time. */
export interface Case extends Stall {
  readonly stock: Stock;
  /** Bad weather at the airport that it is stuck at. */
  readonly alert: string | null;
}

/** Names a flight: `UA1545 EWR 2013-02-06T10:15Z`. */
export function flightId({ carrier, flight, origin, scheduled }: Flight): string {
  return `${carrier}${flight} ${origin} ${timeText(scheduled)}`;
}

/** `2013-02-06T10:15Z`. */
export function timeText(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16)}Z`;
}
