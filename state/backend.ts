/**
 * The state contract: what an operator may keep per key, whichever backend holds it.
 *
 * Keys are numbered: `prepare` gives every record of a batch the slot of its key, and tables are addressed by slot.
 * A slot stays with its key while any table holds something for it, and for the rest of the batch in any case; after
 * that it is given to another key. So operators never keep slots across batches, except those that tables hand out.
 *
 * What a table hands out is the caller's to read; a change counts only once it is `set` again.
 */
import type { Inbox } from '../core/batch.js';

/** All keyed state of one operator in one subtask. */
export interface KeyedState {
  /** The slot that user-facing handles (state/handles.ts) refer to. Set by the operator before each user call. */
  slot: number;
  /**
   * Fills `batch.slots` from the inbox's cursor on. False: rows are being fetched, `OperatorContext.wake` follows;
   * call again before touching any table.
   */
  prepare(inbox: Inbox): boolean;
  keyOf(slot: number): unknown;
  /**
   * Brings the rows of these keys to hand, whose slots some table holds. False: they are being fetched, and `ready` is
   * called when that may be worth another call.
   */
  prepareSlots(slots: readonly number[], ready: () => void): boolean;
  /** The rows of a key at hand stay at hand, between batches too, until `unpin`. Its slot must be held by some table. */
  pin(slot: number): void;
  unpin(slot: number): void;
  /** Tables, made on first use. A name has one kind for ever. */
  value<T>(name: string): ValueTable<T>;
  list<T>(name: string): ListTable<T>;
  map<K, V>(name: string): MapTable<K, V>;
  panes<T>(name: string): PaneTable<T>;
  timers(name: TimerKind): TimerTable;
  /** Time of the next timer, whether or not its key is at hand; TIME_MAX if there is none. */
  nextTimer(name: TimerKind): number;
  /**
   * Before timers up to `until` are taken. False: rows of their keys are being fetched, `OperatorContext.wake` follows;
   * call again before taking any. After that the table shows timers as long as their keys are at hand: while `nextTimer`
   * is due and the table's `earliest` is another, there is more to prepare.
   */
  prepareTimers(name: TimerKind, until: number): boolean;
  /** Everything held, in no particular order: dumps, snapshots, tests. */
  rows(): Iterable<StateRow>;
  /** Puts back what `rows` of some backend gave. Only before the first `prepare`. */
  restore(row: StateRow): void;
  /**
   * Ends the open epoch: all rows that have changed since the last seal are to reach `writer`, as they are at this
   * moment. Returns at once, whatever their number; they are written by `drainSealed`, and one that is about to be
   * read or changed before that is written then and there. Only with a journal (`journal: true`); the epoch before
   * must be drained. `checkpoint`: whose rows these are, for a backend that is told later which are complete.
   */
  seal(writer: RowWriter, checkpoint?: number): void;
  /** Writes up to about `rows` of the sealed rows; true once none is left. */
  drainSealed(rows: number): boolean;
  /** Rows changed since the last seal. */
  readonly dirtyCount: number;
  /** For metrics: keys that something is held for, or whose rows are yet to be removed from checkpoints. */
  readonly keyCount: number;
}

/** Timers of users, and those at which state outlives its time to live (expiry.ts). */
export type TimerKind = 'event' | 'processing' | 'event-expiry' | 'processing-expiry';

/** One row of state as plain data, independent of backend and parallelism. */
export interface StateRow {
  readonly keyGroup: number;
  readonly table: string;
  readonly kind: 'value' | 'list' | 'map' | 'pane' | 'timer';
  readonly key: unknown;
  /** Of a map row: the entry's key. Of a pane row: the pane's time. Of a list row: the element's index. Of a timer: its time. */
  readonly subkey?: unknown;
  readonly value: unknown;
}

/** Where rows of a checkpoint go. The value is encoded within the call: it may change afterwards. */
export interface RowWriter {
  put(table: string, kind: StateRow['kind'], keyGroup: number, key: unknown, subkey: unknown, value: unknown): void;
  remove(table: string, kind: StateRow['kind'], keyGroup: number, key: unknown, subkey: unknown): void;
}

/** One value a key. */
export interface ValueTable<T> {
  get(slot: number): T | undefined;
  set(slot: number, value: T): void;
  remove(slot: number): void;
}

/** A list a key, in order of insertion. Appending costs the same at any length. */
export interface ListTable<T> {
  get(slot: number): readonly T[];
  add(slot: number, element: T): void;
  /** Replaces the list; an empty one is removed. */
  set(slot: number, elements: readonly T[]): void;
  remove(slot: number): void;
}

/** A map a key, iterated in `compareKeys` order of its own keys. */
export interface MapTable<K, V> {
  get(slot: number, key: K): V | undefined;
  set(slot: number, key: K, value: V): void;
  remove(slot: number, key: K): void;
  has(slot: number, key: K): boolean;
  size(slot: number): number;
  entries(slot: number): Iterable<readonly [K, V]>;
  clear(slot: number): void;
}

/**
 * A value per key and pane; panes are named by a time (a window's or slice's start) and live and die as wholes,
 * so that a closing window costs one pass over its own keys and nothing else.
 */
export interface PaneTable<T> {
  /** The pane, made if there is none. An empty one costs nothing and leaves no row. */
  pane(time: number): Pane<T>;
  find(time: number): Pane<T> | undefined;
  /** Times of the panes at hand, ascending. */
  times(): readonly number[];
  /** Removes a pane with all its values. */
  drop(time: number): void;
}

export interface Pane<T> {
  readonly time: number;
  readonly size: number;
  get(slot: number): T | undefined;
  set(slot: number, value: T): void;
  remove(slot: number): void;
  /** The index-th key of the pane, 0 <= index < size, in order of first insertion while none is removed. */
  slotAt(index: number): number;
  valueAt(index: number): T;
}

/** Timers: a set of (time, key), fired in order of time, then of key (`compareKeys`). */
export interface TimerTable {
  /** Registering one that exists changes nothing. */
  add(slot: number, time: number): void;
  remove(slot: number, time: number): void;
  /** Time of the next timer, TIME_MAX if there is none. */
  readonly earliest: number;
  readonly size: number;
  /** Takes the next timer if its time is <= `until`; its slot, or -1. Read `earliest` before for its time. */
  take(until: number): number;
}
