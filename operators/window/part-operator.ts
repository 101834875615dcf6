/**
 * The first of two stages of a window: folds the records of each subtask where they are, so that only what they amount to has
 * to travel to the subtask of their key. For windows over all records, and for keys that have very many.
 *
 * What has been folded is put out when the watermark has passed its slice, before a barrier, before the input falls idle, and
 * when there is too much of it: so nothing of it is ever in a snapshot. A record of a
 * slice that windows may have fired for goes out on its own, together with itself, for the second stage to judge.
 *
 * Invariants: while `leaving` holds something, no record is taken in. The second stage's watermark is at most `horizon`, so
 * what is on time by that is late nowhere: while this subtask's input counts, the second stage is not ahead of it, and once
 * the input has been idle, nothing here says how far others have gone without it.
 */
import type { Inbox } from '../../core/batch.js';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import { distinctMark } from '../aggregate/plain-kinds.js';
import type { Operator, OperatorContext, OperatorFactory } from '../operator.js';
import type { AlignedWindows } from './assigners.js';
import { type Slicing, slicingOf } from './slicing.js';
import type { IncrementalFold } from './window-fold.js';
import { timestampOf } from './window-options.js';

/** What records of a key and slice amount to; stamped with the slice's start. */
export interface WindowPart<Acc> {
  readonly key: unknown;
  readonly acc: Acc;
  /** The record itself, which may be too late. */
  readonly record?: readonly [unknown];
}

export interface PartSpec<T, Acc> {
  readonly assigner: AlignedWindows;
  readonly fold: IncrementalFold<T, Acc, unknown>;
  readonly keyOf: (record: T) => unknown;
  /** Uid of the second stage. */
  readonly reader: string;
}

/** Of all slices together. */
const PARTS_MAX = 8_192;

export function partFactory<T, Acc>(spec: PartSpec<T, Acc>): OperatorFactory {
  return (context) => new PartOperator(spec, context);
}

/** The fold of the second stage. */
export function partsFold<T, Acc, Out>(fold: IncrementalFold<T, Acc, Out>): IncrementalFold<WindowPart<Acc>, Acc, Out> {
  const { kind, create, merge, result } = fold;
  return Object.freeze({
    kind,
    create,
    merge,
    result,
    add: (acc: Acc, part: WindowPart<Acc>) => merge(acc, part.acc),
    // What is late has come on its own.
    late: ({ record }: WindowPart<Acc>) => (record as readonly [unknown])[0],
  });
}

/** What a slice has, by what stands for the key. */
type Parts<Acc> = Map<unknown, { readonly key: unknown; acc: Acc }>;

interface Leaving<Acc> {
  readonly part: WindowPart<Acc>;
  readonly time: number;
}

class PartOperator<T, Acc> implements Operator {
  readonly #context: OperatorContext;
  readonly #fold: IncrementalFold<T, Acc, unknown>;
  readonly #keyOf: (record: T) => unknown;
  readonly #slicing: Slicing;
  /** The second stage's watermark is not beyond this, or not beyond our own. */
  #ahead: number;
  readonly #slices = new Map<number, Parts<Acc>>();
  #size = 0;
  /** Last one first. */
  #leaving: Leaving<Acc>[] = [];

  constructor({ assigner, fold, keyOf, reader }: PartSpec<T, Acc>, context: OperatorContext) {
    this.#context = context;
    this.#fold = fold;
    this.#keyOf = keyOf;
    this.#slicing = slicingOf(assigner);
    this.#ahead = context.restoredWatermark?.(reader) ?? TIME_MIN;
  }

  open(): void | Promise<void> {
    return this.#slicing.open?.();
  }

  process(inbox: Inbox): void {
    for (; this.#drain() && !inbox.drained; inbox.cursor += 1) this.#add(inbox);
  }

  onWatermark(watermark: number): boolean {
    return this.#release((slice) => this.#slicing.endOf(slice) - 1 <= watermark);
  }

  readyForBarrier(): boolean {
    return this.#release(() => true);
  }

  readyForIdle(): boolean {
    this.#ahead = TIME_MAX;
    return this.#release(() => true);
  }

  onEnd(): boolean {
    return this.#release(() => true);
  }

  get #horizon(): number {
    return Math.max(this.#context.watermark, this.#ahead);
  }

  #add(inbox: Inbox): void {
    const time = timestampOf(inbox);
    const record = inbox.batch.records[inbox.cursor] as T;
    const slicing = this.#slicing;
    const slice = slicing.sliceOf(time);
    const key = this.#keyOf(record);
    const mark = distinctMark(key);
    if (slicing.isGap(slice) || slicing.firstWindowEnd(slice) - 1 <= this.#horizon) {
      const part = { key, acc: this.#fold.add(this.#fold.create(), record), record: [record] as const };
      this.#leaving.push({ part, time });
      return;
    }
    const parts = this.#partsOf(slice);
    const known = parts.get(mark);
    if (known) known.acc = this.#fold.add(known.acc, record);
    else {
      parts.set(mark, { key, acc: this.#fold.add(this.#fold.create(), record) });
      this.#size += 1;
      if (this.#size > PARTS_MAX) this.#release(() => true);
    }
  }

  #partsOf(slice: number): Parts<Acc> {
    const known = this.#slices.get(slice);
    if (known) return known;
    const parts: Parts<Acc> = new Map();
    this.#slices.set(slice, parts);
    return parts;
  }

  /** Puts out what the chosen slices have; false: the output is full. */
  #release(isDue: (slice: number) => boolean): boolean {
    for (const slice of [...this.#slices.keys()].filter(isDue)) {
      const parts = this.#slices.get(slice) as Parts<Acc>;
      for (const part of parts.values()) this.#leaving.push({ part, time: slice });
      this.#size -= parts.size;
      this.#slices.delete(slice);
    }
    return this.#drain();
  }

  #drain(): boolean {
    const { output } = this.#context;
    for (let next = this.#leaving.pop(); next; next = this.#leaving.pop()) {
      if (output.full) {
        this.#leaving.push(next);
        return false;
      }
      output.push(next.part, next.time);
    }
    return true;
  }
}
