/**
 * Which rows of lists have changed: for each changed list, all from some index on. Appending moves nothing; anything
 * else replaces the list, and with it the array, so the old one stands still and is written from later.
 *
 * Invariants: the index retains a slot for its span in `open`, and for that in `sealed`. The rows of a sealed span are
 * the elements [written, length) of its array, and removals of [length, stored); they have not been handed out.
 */
import type { RowWriter } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import type { TableJournal } from './table-journal.js';

interface Span {
  /** The first row that has changed; once the span is sealed, the first that is not written. */
  from: number;
  /** The list's length when the epoch began: rows below it stand in the checkpoints before. */
  readonly stored: number;
  /** The list as it was at the seal, and its length; null until either is needed. */
  elements: readonly unknown[] | null;
  length: number;
}

export class ListChanges {
  private readonly journal: TableJournal;
  private readonly index: KeyIndex;
  private open = new Map<number, Span>();
  private sealed = new Map<number, Span>();
  /** Goes through `sealed`, which may lose entries meanwhile; the slot it is at, -1 at first. */
  private rest: Iterator<number> | null = null;
  private current = -1;

  constructor(journal: TableJournal, index: KeyIndex) {
    this.journal = journal;
    this.index = index;
  }

  /** The list is about to get one element more. */
  append(slot: number, list: readonly unknown[]): void {
    if (this.journal.draining) this.capture(slot, list);
    const { stored } = this.open.get(slot) ?? this.begin(slot, list.length, list.length);
    if (list.length >= stored) this.journal.dirty += 1;
  }

  /** The list is about to become another, of `length`. */
  replace(slot: number, list: readonly unknown[], length: number): void {
    if (this.journal.draining) this.capture(slot, list);
    const span = this.open.get(slot) ?? this.begin(slot, list.length, list.length);
    this.journal.dirty += Math.max(length, span.stored) - (Math.max(list.length, span.stored) - span.from);
    span.from = 0;
    if (length === 0 && span.stored === 0) this.end(this.open, slot);
  }

  /** The list's elements are about to be handed out. */
  touch(slot: number, list: readonly unknown[]): void {
    if (!this.journal.draining) return;
    const span = this.capture(slot, list);
    if (span !== undefined) this.write(slot, span, Number.POSITIVE_INFINITY);
  }

  isClean(slot: number): boolean {
    return !this.open.has(slot) && !this.sealed.has(slot);
  }

  seal(writer: RowWriter): void {
    this.journal.turn(writer);
    [this.open, this.sealed] = [this.sealed, this.open];
    this.rest = this.sealed.keys();
    this.current = -1;
  }

  drain(rows: number, lists: readonly (readonly unknown[] | undefined)[]): number {
    const rest = this.rest as Iterator<number>;
    let left = rows;
    while (left > 0) {
      if (!this.sealed.has(this.current)) {
        const { done, value } = rest.next();
        if (done) {
          this.journal.finish();
          return rows - left;
        }
        this.current = value;
      }
      const { current } = this;
      left = this.write(current, this.capture(current, lists[current] ?? []) as Span, left);
    }
    return rows;
  }

  private begin(slot: number, from: number, stored: number): Span {
    const span = { from, stored, elements: null, length: 0 };
    this.open.set(slot, span);
    this.index.retain(slot);
    return span;
  }

  private end(spans: Map<number, Span>, slot: number): void {
    spans.delete(slot);
    this.index.release(slot);
  }

  /** The sealed span of a list that is what it was at the seal, or is not the first to be captured since. */
  private capture(slot: number, list: readonly unknown[]): Span | undefined {
    const span = this.sealed.get(slot);
    if (span === undefined || span.elements !== null) return span;
    span.elements = list;
    span.length = list.length;
    return span;
  }

  /** Writes up to `rows` rows of a captured span; how many are left of them. */
  private write(slot: number, span: Span, rows: number): number {
    const { journal } = this;
    const elements = span.elements as readonly unknown[];
    const end = Math.max(span.length, span.stored);
    let left = rows;
    for (; span.from < end && left > 0; left -= 1) {
      if (span.from < span.length) journal.put(slot, span.from, elements[span.from]);
      else journal.remove(slot, span.from);
      span.from += 1;
    }
    if (span.from === end) this.end(this.sealed, slot);
    return left;
  }
}
