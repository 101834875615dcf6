/**
 * Tables whose rows have a time to live. When each was written stands in a table beside, so that a time to live can be
 * given to a state, changed, or taken away, from one start to the next: what has no time yet gets the present one when
 * it is met.
 *
 * Invariant: what is over is never handed out.
 */
import { TIME_MAX, TIME_MIN } from '../core/time.js';
import type { KeyedState, ListTable, MapTable, ValueTable } from './backend.js';
import type { Expiring, Expiry } from './expiry.js';
import { innerName } from './inner-names.js';
import type { Ttl } from './ttl.js';

/** A purge that finds more to come waits for at least this part of the time to live, so that each entry is looked at a few times. */
const PATIENCE = 1 / 8;

const timesName = (name: string): string => innerName(name, 'written');

class Times {
  readonly #ttl: Ttl;
  readonly #expiry: Expiry;

  constructor(ttl: Ttl, expiry: Expiry, table: Expiring) {
    this.#ttl = ttl;
    this.#expiry = expiry;
    expiry.add(ttl.time, table);
  }

  get renewedByReads(): boolean {
    return this.#ttl.renewedByReads;
  }

  get now(): number {
    return this.#expiry.clock.now(this.#ttl.time);
  }

  /** When what is written at this moment is from: not before what it replaces. */
  writtenAfter(before: number | undefined): number {
    return Math.max(this.#expiry.clock.writtenAt(this.#ttl.time), before ?? TIME_MIN);
  }

  endOf(written: number): number {
    return written + this.#ttl.afterMs;
  }

  isOver(written: number | undefined, now: number): boolean {
    // Where there is no event time yet, nothing has begun.
    return written !== undefined && written !== TIME_MIN && this.endOf(written) <= now;
  }

  schedule(slot: number, written: number): void {
    this.#expiry.schedule(this.#ttl.time, slot, this.endOf(written));
  }

  /** When to look again at a key of which the first row ends at `end`. */
  nextLook(end: number, now: number): number {
    return end === TIME_MAX ? end : Math.max(end, now + this.#ttl.afterMs * PATIENCE);
  }
}

export class ExpiringValueTable<T> implements ValueTable<T>, Expiring {
  private readonly values: ValueTable<T>;
  private readonly written: ValueTable<number>;
  private readonly times: Times;

  constructor(keyed: KeyedState, name: string, ttl: Ttl, expiry: Expiry) {
    this.values = keyed.value(name);
    this.written = keyed.value(timesName(name));
    this.times = new Times(ttl, expiry, this);
  }

  get(slot: number): T | undefined {
    const value = this.values.get(slot);
    if (value === undefined) return undefined;
    const written = this.written.get(slot);
    if (this.times.isOver(written, this.times.now)) {
      this.remove(slot);
      return undefined;
    }
    if (written === undefined || this.times.renewedByReads) this.stamp(slot, written);
    return value;
  }

  set(slot: number, value: T): void {
    if (value === undefined) return this.remove(slot);
    this.values.set(slot, value);
    this.stamp(slot, this.written.get(slot));
  }

  remove(slot: number): void {
    this.values.remove(slot);
    this.written.remove(slot);
  }

  purge(slot: number, now: number): number {
    const written = this.written.get(slot);
    if (written === undefined) return TIME_MAX;
    if (!this.times.isOver(written, now)) return this.times.endOf(written);
    this.remove(slot);
    return TIME_MAX;
  }

  private stamp(slot: number, before: number | undefined): void {
    const written = this.times.writtenAfter(before);
    if (written === before) return;
    this.written.set(slot, written);
    if (before === undefined) this.times.schedule(slot, written);
  }
}

/** Each element has an end of its own. */
export class ExpiringListTable<T> implements ListTable<T>, Expiring {
  private readonly elements: ListTable<T>;
  private readonly written: ListTable<number>;
  private readonly times: Times;

  constructor(keyed: KeyedState, name: string, ttl: Ttl, expiry: Expiry) {
    this.elements = keyed.list(name);
    this.written = keyed.list(timesName(name));
    this.times = new Times(ttl, expiry, this);
  }

  get(slot: number): readonly T[] {
    this.prune(slot, this.times.now);
    const elements = this.elements.get(slot);
    if (this.times.renewedByReads && elements.length > 0) this.stampAll(slot);
    return elements;
  }

  add(slot: number, element: T): void {
    const { length } = this.written.get(slot);
    const written = this.times.writtenAfter(undefined);
    this.elements.add(slot, element);
    this.written.add(slot, written);
    if (length === 0) this.times.schedule(slot, written);
  }

  set(slot: number, elements: readonly T[]): void {
    const { length } = this.written.get(slot);
    const written = this.times.writtenAfter(undefined);
    this.elements.set(slot, elements);
    this.written.set(
      slot,
      elements.map(() => written),
    );
    if (length === 0 && elements.length > 0) this.times.schedule(slot, written);
  }

  remove(slot: number): void {
    this.elements.remove(slot);
    this.written.remove(slot);
  }

  purge(slot: number, now: number): number {
    this.prune(slot, now);
    return this.times.nextLook(this.times.endOf(earliest(this.written.get(slot))), now);
  }

  private prune(slot: number, now: number): void {
    const written = this.writtenOf(slot);
    if (!written.some((time) => this.times.isOver(time, now))) return;
    const left = this.elements.get(slot).filter((_, at) => !this.times.isOver(written[at], now));
    const times = written.filter((time) => !this.times.isOver(time, now));
    this.elements.set(slot, left);
    this.written.set(slot, times);
  }

  /** One for each element. */
  private writtenOf(slot: number): readonly number[] {
    const written = this.written.get(slot);
    const { length } = this.elements.get(slot);
    if (written.length === length) return written;
    this.stampAll(slot);
    return this.written.get(slot);
  }

  private stampAll(slot: number): void {
    const before = this.written.get(slot);
    const elements = this.elements.get(slot);
    // Those without a time came first.
    const without = elements.length - before.length;
    const written = elements.map((_, at) => this.times.writtenAfter(before[at - without]));
    this.written.set(slot, written);
    if (before.length === 0 && written.length > 0) this.times.schedule(slot, earliest(written));
  }
}

/** Each entry has an end of its own. */
export class ExpiringMapTable<K, V> implements MapTable<K, V>, Expiring {
  private readonly values: MapTable<K, V>;
  private readonly written: MapTable<K, number>;
  private readonly times: Times;

  constructor(keyed: KeyedState, name: string, ttl: Ttl, expiry: Expiry) {
    this.values = keyed.map(name);
    this.written = keyed.map(timesName(name));
    this.times = new Times(ttl, expiry, this);
  }

  get(slot: number, key: K): V | undefined {
    return this.isThere(slot, key) ? this.values.get(slot, key) : undefined;
  }

  set(slot: number, key: K, value: V): void {
    this.values.set(slot, key, value);
    this.stamp(slot, key, this.written.get(slot, key));
  }

  remove(slot: number, key: K): void {
    this.values.remove(slot, key);
    this.written.remove(slot, key);
  }

  has(slot: number, key: K): boolean {
    return this.isThere(slot, key);
  }

  /** O(n): what is over does not count. */
  size(slot: number): number {
    this.prune(slot, this.times.now);
    return this.values.size(slot);
  }

  *entries(slot: number): Iterable<readonly [K, V]> {
    this.prune(slot, this.times.now);
    for (const entry of this.values.entries(slot)) if (this.isThere(slot, entry[0])) yield entry;
  }

  clear(slot: number): void {
    this.values.clear(slot);
    this.written.clear(slot);
  }

  purge(slot: number, now: number): number {
    const next = this.prune(slot, now);
    return this.times.nextLook(next, now);
  }

  private isThere(slot: number, key: K): boolean {
    if (!this.values.has(slot, key)) return false;
    const written = this.written.get(slot, key);
    if (this.times.isOver(written, this.times.now)) {
      this.remove(slot, key);
      return false;
    }
    if (written === undefined || this.times.renewedByReads) this.stamp(slot, key, written);
    return true;
  }

  /** The end of what ends next. */
  private prune(slot: number, now: number): number {
    let next = TIME_MAX;
    if (this.written.size(slot) < this.values.size(slot)) this.stampNew(slot);
    for (const [key, written] of this.written.entries(slot)) {
      if (this.times.isOver(written, now)) this.remove(slot, key);
      else next = Math.min(next, this.times.endOf(written));
    }
    return next;
  }

  private stampNew(slot: number): void {
    for (const [key] of this.values.entries(slot)) if (!this.written.has(slot, key)) this.stamp(slot, key, undefined);
  }

  private stamp(slot: number, key: K, before: number | undefined): void {
    const written = this.times.writtenAfter(before);
    if (written === before) return;
    const first = this.written.size(slot) === 0;
    this.written.set(slot, key, written);
    if (first) this.times.schedule(slot, written);
  }
}

/** TIME_MAX of nothing. */
function earliest(times: readonly number[]): number {
  let found = TIME_MAX;
  for (const time of times) if (time < found) found = time;
  return found;
}
