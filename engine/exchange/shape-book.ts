/**
 * What an edge has learnt of its records: which shapes it has met, which one is tried next, and when to leave
 * columns alone for a while because records change their shape too often.
 *
 * Invariants: at most SHAPES_MAX ids are ever given out; an id, once given, means one shape for ever; the number of
 * records sent packed without trying columns doubles with each failure, up to PAUSE_RECORDS_MAX.
 */

import { deriveShape, join, sameFields } from './shape.js';
import { codecOf, type ShapeCodec } from './shape-codec.js';

const SHAPES_MAX = 32;
/** Records looked at to find a shape. */
const SAMPLE_RECORDS = 64;
/** A shape is worth a frame of columns when this many records in a row have it. */
const RUN_RECORDS_MIN = 8;
const PAUSE_RECORDS_MIN = 32;
const PAUSE_RECORDS_MAX = 8_192;

export interface KnownShape {
  readonly id: number;
  readonly codec: ShapeCodec;
  announced: boolean;
}

export class ShapeBook {
  /** Tried for the next record; undefined: find one. */
  current: KnownShape | undefined;
  /** Records that go packed before columns are tried again. */
  pausedRecords = 0;
  private pauseNext = PAUSE_RECORDS_MIN;
  private ids = 0;
  /** The widest shape of each list of fields. */
  private readonly known: KnownShape[] = [];

  /** Columns have carried `records` in a row. */
  succeeded(records: number): void {
    if (records >= RUN_RECORDS_MIN) this.pauseNext = PAUSE_RECORDS_MIN;
  }

  pause(): void {
    this.current = undefined;
    this.pausedRecords = this.pauseNext;
    this.pauseNext = Math.min(this.pauseNext * 2, PAUSE_RECORDS_MAX);
  }

  /** The records from index `from` on do not fit the current shape: finds another, or pauses. */
  learn(records: readonly unknown[], from: number, end: number): void {
    const sample = Math.min(SAMPLE_RECORDS, end - from);
    const found = deriveShape(records, from, sample);
    if (found === undefined || found.run < Math.min(RUN_RECORDS_MIN, sample)) return this.pause();
    const at = this.known.findIndex(({ codec }) => sameFields(codec.shape, found.shape));
    const before = this.known[at];
    if (before === undefined) return this.adopt(this.known.length, found.shape);
    const joined = join(before.codec.shape, found.shape);
    if (joined === undefined) return this.adopt(at, found.shape);
    if (joined !== before.codec.shape) return this.adopt(at, joined);
    // A shape that fits and yet did not: fields that only the encoder sees, such as inherited ones.
    if (this.current === before) this.pause();
    else this.current = before;
  }

  private adopt(at: number, shape: KnownShape['codec']['shape']): void {
    if (this.ids >= SHAPES_MAX) return this.pause();
    this.current = { id: this.ids, codec: codecOf(shape), announced: false };
    this.known[at] = this.current;
    this.ids += 1;
  }
}
