/**
 * Windows of so many records of a key (Flink's countWindow): one every `slide` records, of the last `size`.
 *
 * Records are folded in parts of gcd(size, slide), and those of a window are kept summed up, so that a window costs the same
 * however many it overlaps with: two stacks of parts per key, as in running-contents.ts. A fold of elements keeps the
 * last `size` records.
 */
import type { Inbox } from '../../core/batch.js';
import type { ValueTable } from '../../state/backend.js';
import type { Operator, OperatorContext } from '../operator.js';
import type { CountWindows } from './assigners.js';
import { ResultWriter } from './result-writer.js';
import type { IncrementalFold, WindowFold } from './window-fold.js';
import type { WindowOptions } from './window-options.js';

/** What a key has: plain data. */
interface Counted<Acc> {
  /** Records of the key so far. */
  seen: number;
  contents: Contents<Acc>;
}

/** Of a fold of elements: `back[0]` holds the records, and the rest is empty. */
interface Contents<Acc> {
  /** For each of the older parts, newest first, what it and those after it up to `back` amount to. */
  front: Acc[];
  /** The newer parts, oldest first; the last may be incomplete. */
  back: Acc[];
  /** What those of `back` but the last amount to; empty if there are none. */
  sum: readonly [] | [Acc];
}

/** Adds records to contents, and takes windows from them. */
interface Keeping<T, Acc> {
  add(contents: Contents<Acc>, record: T, seen: number): void;
  /** The last `size` records, or all that there are. */
  window(contents: Contents<Acc>): Acc;
}

export class CountOperator<T, Acc, Out> implements Operator {
  private readonly context: OperatorContext;
  private readonly windows: CountWindows;
  private readonly keeping: Keeping<T, Acc>;
  private readonly counted: ValueTable<Counted<Acc>>;
  private readonly writer: ResultWriter<T, Acc, Out>;

  constructor({ context, assigner, fold }: WindowOptions<T, Acc, Out, CountWindows>) {
    this.context = context;
    this.windows = assigner;
    this.keeping = keepingOf(assigner, fold);
    this.counted = context.state.value('counted');
    this.writer = new ResultWriter(context, fold);
  }

  process(inbox: Inbox): void {
    const { batch } = inbox;
    while (!inbox.drained) {
      // Pending: the record has been added, and its results are on their way out.
      if (!this.writer.pending && !this.context.output.full)
        this.add(
          batch.slots[inbox.cursor] as number,
          batch.records[inbox.cursor] as T,
          batch.timestamps[inbox.cursor] as number,
        );
      else if (!this.writer.pending) return;
      if (!this.writer.resume()) return;
      inbox.cursor += 1;
    }
  }

  private add(slot: number, record: T, timestamp: number): void {
    const counted = this.counted.get(slot) ?? { seen: 0, contents: { front: [], back: [], sum: [] } };
    this.keeping.add(counted.contents, record, counted.seen);
    counted.seen += 1;
    this.counted.set(slot, counted);
    const { size, slide } = this.windows;
    if (counted.seen % slide !== 0) return;
    const window = { start: Math.max(0, counted.seen - size), end: counted.seen };
    this.writer.write(this.keeping.window(counted.contents), this.context.state.keyOf(slot), window, timestamp);
  }
}

function keepingOf<T, Acc>(windows: CountWindows, fold: WindowFold<T, Acc, unknown>): Keeping<T, Acc> {
  return fold.kind === 'elements'
    ? (new LastRecords<T>(windows) as unknown as Keeping<T, Acc>)
    : new FoldedParts(windows, fold);
}

class FoldedParts<T, Acc> implements Keeping<T, Acc> {
  private readonly fold: IncrementalFold<T, Acc, unknown>;
  /** Records of a part. */
  private readonly part: number;
  /** Parts of a window. */
  private readonly parts: number;

  constructor({ size, slide }: CountWindows, fold: IncrementalFold<T, Acc, unknown>) {
    this.fold = fold;
    this.part = greatestCommonDivisor(size, slide);
    this.parts = size / this.part;
  }

  add(contents: Contents<Acc>, record: T, seen: number): void {
    const { back } = contents;
    const { fold } = this;
    if (seen % this.part === 0) this.begin(contents, fold.add(fold.create(), record));
    else back[back.length - 1] = fold.add(back[back.length - 1] as Acc, record);
  }

  window({ front, back, sum }: Contents<Acc>): Acc {
    const parts = [...front.slice(-1), ...sum, back[back.length - 1] as Acc];
    if (parts.length === 1) return parts[0] as Acc;
    return parts.reduce((acc, part) => this.fold.merge(acc, part), this.fold.create());
  }

  private begin(contents: Contents<Acc>, part: Acc): void {
    const { front, back, sum } = contents;
    if (back.length > 0) {
      const acc = sum.length === 0 ? this.fold.create() : sum[0];
      contents.sum = [this.fold.merge(acc, back[back.length - 1] as Acc)];
    }
    if (front.length + back.length === this.parts) this.dropOldest(contents);
    back.push(part);
  }

  private dropOldest(contents: Contents<Acc>): void {
    const { front, back } = contents;
    const { fold } = this;
    if (front.length === 0) {
      let behind: Acc | undefined;
      for (const part of back.splice(0).reverse()) {
        behind = behind === undefined ? part : fold.merge(fold.merge(fold.create(), part), behind);
        front.push(behind);
      }
      contents.sum = [];
    }
    front.pop();
  }
}

class LastRecords<T> implements Keeping<T, T[]> {
  private readonly size: number;

  constructor({ size }: CountWindows) {
    this.size = size;
  }

  add({ back }: Contents<T[]>, record: T): void {
    if (back.length === 0) back.push([]);
    (back[0] as T[]).push(record);
  }

  window({ back }: Contents<T[]>): T[] {
    const records = back[0] as T[];
    if (records.length > this.size) records.splice(0, records.length - this.size);
    return records;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
