/**
 * Timers: a binary heap of (time, slot) in typed arrays, ordered by time and then by key, beside a set of the pairs
 * that are registered. Removing takes the pair out of the set only; what stands in the heap alone is skipped.
 *
 * Invariants: every pair of the set is in the heap; the heap's first pair is in the set, or both are empty; the heap
 * holds at most HEAP_SLACK + 2 * (pairs of the set), so that timers which are set and removed over and over do not
 * pile up. A slot is retained for every pair in the heap, not only for those in the set: the heap is ordered by
 * the slots' keys, so they must not change under it. Times are numbers other than NaN and -0: the caller's duty.
 */
import { compareKeys } from '../../core/key.js';
import { TIME_MAX } from '../../core/time.js';
import type { RowWriter, TimerTable } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import type { StateTable, TableContext, TableRow } from './state-table.js';
import type { TableJournal } from './table-journal.js';
import { TimerChanges } from './timer-changes.js';
import { TimerSet } from './timer-set.js';

const HEAP_SLACK = 64;

export class HeapTimerTable implements TimerTable, StateTable {
  readonly kind = 'timer';
  private readonly index: KeyIndex;
  readonly journal: TableJournal | null;
  private readonly changes: TimerChanges | null;
  private readonly registered = new TimerSet();
  private times = new Float64Array(HEAP_SLACK);
  private slots = new Int32Array(HEAP_SLACK);
  private count = 0;

  constructor(context: TableContext) {
    this.index = context.index;
    this.journal = context.journal;
    this.changes = context.journal === null ? null : new TimerChanges(context.journal, context.index);
  }

  get size(): number {
    return this.registered.size;
  }

  get earliest(): number {
    return this.count === 0 ? TIME_MAX : (this.times[0] as number);
  }

  /** Slot of the next timer; -1 if there is none. */
  get nextSlot(): number {
    return this.count === 0 ? -1 : (this.slots[0] as number);
  }

  /** Slots of the first `count` timers up to `until`, in order; some perhaps of timers removed since. O(count²). */
  firstSlots(until: number, count: number): number[] {
    const found: number[] = [];
    // Places whose parents have been found: the next timer is among them.
    const frontier = [0];
    while (found.length < count && frontier.length > 0) {
      const at = takeFirst(frontier, this.times, this.slots, this.index, this.count);
      if (at < 0 || (this.times[at] as number) > until) break;
      found.push(this.slots[at] as number);
      frontier.push(2 * at + 1, 2 * at + 2);
    }
    return found;
  }

  add(slot: number, time: number): void {
    if (!this.registered.add(time, slot)) return;
    this.push(time, slot);
    if (this.changes !== null) this.changes.added(time, slot);
  }

  remove(slot: number, time: number): void {
    if (!this.registered.remove(time, slot)) return;
    if (this.changes !== null) this.changes.removed(time, slot);
    if (this.count > HEAP_SLACK + 2 * this.registered.size) this.rebuild();
    this.skipRemoved();
  }

  take(until: number): number {
    if (this.count === 0 || (this.times[0] as number) > until) return -1;
    const time = this.times[0] as number;
    const slot = this.pop();
    this.registered.remove(time, slot);
    if (this.changes !== null) this.changes.removed(time, slot);
    this.skipRemoved();
    return slot;
  }

  *rows(): Iterable<TableRow> {
    for (const { time, slot } of this.registered.pairs()) yield { slot, subkey: time, value: null };
  }

  restore(slot: number, subkey: unknown): void {
    if (this.registered.add(subkey as number, slot)) this.push(subkey as number, slot);
  }

  seal(writer: RowWriter): void {
    this.changes?.seal(writer);
  }

  drain(rows: number): number {
    return this.changes?.drain(rows) ?? 0;
  }

  private push(time: number, slot: number): void {
    if (this.count === this.slots.length) this.grow();
    this.index.retain(slot);
    siftUp(this.times, this.slots, this.index, this.count, time, slot);
    this.count += 1;
  }

  /** Takes the first pair from the heap; its slot, released. */
  private pop(): number {
    const { times, slots } = this;
    const slot = slots[0] as number;
    const last = this.count - 1;
    this.count = last;
    if (last > 0) siftDown(times, slots, this.index, last, times[last] as number, slots[last] as number);
    this.index.release(slot);
    return slot;
  }

  private skipRemoved(): void {
    while (this.count > 0 && !this.registered.has(this.times[0] as number, this.slots[0] as number)) this.pop();
  }

  /** The heap from the set alone. Retains before it releases, so that no slot in use is without references. */
  private rebuild(): void {
    const released = this.slots.slice(0, this.count);
    this.count = 0;
    for (const { time, slot } of this.registered.pairs()) this.push(time, slot);
    for (const slot of released) this.index.release(slot);
  }

  private grow(): void {
    const times = new Float64Array(this.times.length * 2);
    times.set(this.times);
    this.times = times;
    const slots = new Int32Array(this.slots.length * 2);
    slots.set(this.slots);
    this.slots = slots;
  }
}

/** Puts a pair into the heap's free place `from`, or where its order wants it above. */
function siftUp(
  times: Float64Array,
  slots: Int32Array,
  index: KeyIndex,
  from: number,
  time: number,
  slot: number,
): void {
  let at = from;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const parentTime = times[parent] as number;
    if (parentTime < time) break;
    if (parentTime === time && !keyBefore(index, slot, slots[parent] as number)) break;
    times[at] = parentTime;
    slots[at] = slots[parent] as number;
    at = parent;
  }
  times[at] = time;
  slots[at] = slot;
}

/** Puts a pair into a heap of `count` places whose first one is free. */
function siftDown(
  times: Float64Array,
  slots: Int32Array,
  index: KeyIndex,
  count: number,
  time: number,
  slot: number,
): void {
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= count) break;
    if (child + 1 < count && before(times, slots, index, child + 1, child)) child += 1;
    const childTime = times[child] as number;
    if (childTime > time) break;
    if (childTime === time && !keyBefore(index, slots[child] as number, slot)) break;
    times[at] = childTime;
    slots[at] = slots[child] as number;
    at = child;
  }
  times[at] = time;
  slots[at] = slot;
}

/** Takes out of `places` that of the earliest of a heap's `count` timers; -1 if none is in the heap. */
function takeFirst(places: number[], times: Float64Array, slots: Int32Array, index: KeyIndex, count: number): number {
  let first = -1;
  for (let at = 0; at < places.length; at += 1) {
    const place = places[at] as number;
    if (place >= count) continue;
    if (first < 0 || before(times, slots, index, place, places[first] as number)) first = at;
  }
  return first < 0 ? -1 : (places.splice(first, 1)[0] as number);
}

function before(times: Float64Array, slots: Int32Array, index: KeyIndex, a: number, b: number): boolean {
  const order = (times[a] as number) - (times[b] as number);
  return order < 0 || (times[a] === times[b] && keyBefore(index, slots[a] as number, slots[b] as number));
}

function keyBefore(index: KeyIndex, a: number, b: number): boolean {
  return compareKeys(index.keyAt(a), index.keyAt(b)) < 0;
}
