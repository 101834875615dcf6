/**
 * Records in flight, in the order in which they came, and the watermarks between them.
 *
 * Invariants: what comes out, comes out once; no watermark is passed before all that came before it is out. In order
 * `input` records come out as they came; in order `any` as they are done, but none before a watermark that came before it.
 */
import { TIME_MIN } from '../../core/time.js';
import type { Call, Outcome } from './call.js';

export interface InFlight {
  readonly record: unknown;
  readonly timestamp: number;
  /** Of its key; -1 where there is none. */
  readonly slot: number;
  outcome: Outcome | undefined;
  call: Call | undefined;
}

/** What came between two watermarks. */
interface Segment {
  readonly all: Set<InFlight>;
  /** In the order in which they were done. */
  readonly done: InFlight[];
  /** The watermark behind it; undefined: there is none yet. */
  watermark: number | undefined;
}

export class Flight {
  readonly #keepsOrder: boolean;
  readonly #segments: Segment[] = [newSegment()];
  readonly #segmentOf = new WeakMap<InFlight, Segment>();
  #size = 0;
  #watermark = TIME_MIN;

  constructor(order: 'input' | 'any') {
    this.#keepsOrder = order === 'input';
  }

  get size(): number {
    return this.#size;
  }

  /** The last one that was passed. */
  get watermark(): number {
    return this.#watermark;
  }

  add(record: unknown, timestamp: number, slot = -1): InFlight {
    const flying: InFlight = { record, timestamp, slot, outcome: undefined, call: undefined };
    const segment = this.#segments.at(-1) as Segment;
    segment.all.add(flying);
    this.#segmentOf.set(flying, segment);
    this.#size += 1;
    return flying;
  }

  /** A watermark behind all that has come. */
  fence(watermark: number): void {
    const last = this.#segments.at(-1) as Segment;
    if (last.all.size === 0) {
      // Nothing lies between it and the one before.
      const before = this.#segments.at(-2);
      if (before) before.watermark = watermark;
      else this.#watermark = watermark;
      return;
    }
    last.watermark = watermark;
    this.#segments.push(newSegment());
  }

  done(flying: InFlight, outcome: Outcome): void {
    flying.outcome = outcome;
    this.#segmentOf.get(flying)?.done.push(flying);
  }

  /** What may come out next, and stays until `taken`. */
  get ready(): InFlight | undefined {
    const { all, done } = this.#segments[0] as Segment;
    if (!this.#keepsOrder) return done[0];
    const [first] = all;
    return first?.outcome && first;
  }

  /** The one that was ready is out. */
  taken(flying: InFlight): void {
    const segment = this.#segments[0] as Segment;
    segment.all.delete(flying);
    if (!this.#keepsOrder) segment.done.shift();
    this.#size -= 1;
    if (segment.all.size > 0 || segment.watermark === undefined) return;
    this.#watermark = segment.watermark;
    this.#segments.shift();
  }

  /** In the order in which they came. */
  *[Symbol.iterator](): Iterator<InFlight> {
    for (const { all } of this.#segments) yield* all;
  }
}

function newSegment(): Segment {
  return { all: new Set(), done: [], watermark: undefined };
}
