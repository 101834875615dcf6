/**
 * The `level` backend of one operator in one subtask: tables on the heap, as those of the memory backend, in front of a
 * base that holds what completed checkpoints hold (docs/design/level.md). Rows of values, lists and maps leave memory a
 * key at a time, and come back a batch of keys at a time; timers and panes stay.
 *
 *   a slot is   unknown    nothing of its key's rows is in memory; the base may have some
 *               at hand    all of its key's rows are in memory, and they alone count
 *
 * Invariants: operators touch slots at hand only. A slot becomes unknown, by eviction, only when the base holds all its
 * rows: none waits to be sealed or written, and the checkpoint that the last one was written for has been applied. Until
 * then the slot is retained in the key index, so that a row that was removed is not read from the base again. Slots of the
 * batch at hand, of the timer at hand, and pinned ones are not evicted. What was fetched for a slot counts only if it has been unknown
 * ever since.
 */
import type { Batch, Inbox } from '../../core/batch.js';
import type { RowWriter, StateRow, TimerKind, TimerTable } from '../backend.js';
import { MemoryState } from '../memory/memory-state.js';
import type { EvictableTable, StateTable } from '../tables/state-table.js';
import type { HeapTimerTable } from '../tables/timer-table.js';
import { GuardedTimers } from './guarded-timers.js';
import { KeyFilter } from './key-filter.js';
import { type BaseRow, mayLeave, type RowBase } from './row-base.js';
import { SlotList } from './slot-list.js';
import type { Evicting, StateCache } from './state-cache.js';

export interface LevelStateOptions {
  readonly maxParallelism: number;
  readonly base: RowBase;
  readonly cache: StateCache;
  /** The base has rows from the start, of whatever keys. */
  readonly filled: boolean;
  /** What was being fetched is there: `prepare` may be called again. */
  wake(): void;
}

/** Rows on their way. */
interface Fetch {
  readonly slots: readonly number[];
  /** Those of them that have been unknown ever since. */
  readonly unknown: Set<number>;
}

interface Seal {
  readonly number: number;
  readonly checkpoint: number;
  /** Slots with rows written for it, retained. */
  readonly slots: SlotList;
}

/** What an object costs beside its packed bytes: headers, fields, a place in its table. Measured: 40 to 120. */
const ROW_OVERHEAD_BYTES = 64;
/** Until the first checkpoint shows: rather too much, so that it comes before memory is full of large rows. */
const ROW_BYTES_AT_FIRST = 512;
/** Keys of timers that are fetched at once. */
const TIMERS_AHEAD = 1_000;
/** Slots looked at in one call; a pause of some 100 µs. */
const SCAN_MAX = 1 << 16;
/** Of rows that were put back one by one and are in no base that is known. */
const NEVER = 0x7fffffff;

export class LevelState extends MemoryState implements Evicting {
  private readonly options: LevelStateOptions;
  private readonly evictables: EvictableTable[] = [];
  private readonly guarded = new Map<TimerKind, GuardedTimers>();
  private readonly filter = new KeyFilter();
  /** Turn in which a slot was used last; 0: it is unknown. */
  private used = new Int32Array(64);
  /** Number of the seal for which a row of the slot was written last. */
  private sealedFor = new Int32Array(64);
  /** Rises with every batch. */
  private turn = 1;
  /** False while all slots are at hand and none has to go: `used` is not kept up. */
  private tracks = false;
  private fetching: Fetch | null = null;
  /** The batch that was not ready: it has its slots already, and goes on in the same turn. */
  private unready: Batch | null = null;
  private takenSlot = -1;
  private readonly pinned = new Set<number>();
  /** To be called once what is being fetched is there. */
  private readies: (() => void)[] = [];
  private readonly seals: Seal[] = [];
  /** Of seals that the base holds, to be released. */
  private readonly applieds: SlotList[] = [];
  private readonly emptied: SlotList[] = [];
  private sealNumber = 0;
  private appliedNumber = 0;
  private evictedKeys = 0;
  private rowBytes = ROW_BYTES_AT_FIRST;
  // The clock's hand: slots used since it last passed the start get a second chance.
  private hand = 0;
  private handTurn = 0;
  private scannedInVain = 0;

  constructor(options: LevelStateOptions) {
    super({ maxParallelism: options.maxParallelism, journal: true });
    this.options = options;
    this.slot = -1;
    this.filter.everything = options.filled;
    this.index.discarded = (slot) => this.forget(slot);
    options.cache.add(this);
  }

  /** Keys in memory, and those that have left it since the start. */
  override get keyCount(): number {
    return super.keyCount + this.evictedKeys;
  }

  get awaitsBase(): boolean {
    return this.seals.length > 0;
  }

  get heldBytes(): number {
    let rows = 0;
    for (const { held } of this.evictables) rows += held;
    return rows * (this.rowBytes + ROW_OVERHEAD_BYTES);
  }

  /** From now on the base may have rows of any key. */
  baseFilled(): void {
    this.filter.everything = true;
  }

  override prepare(inbox: Inbox): boolean {
    if (this.fetching !== null) return false;
    const { batch, cursor } = inbox;
    if (this.unready !== batch) this.beginBatch(inbox);
    this.unready = null;
    if (this.keepsAll || !(this.tracks || this.wantsTracking)) return true;
    if (!this.tracks) this.track();
    const at = touchKnown(this.used, batch.slots, cursor, batch.count, this.turn);
    if (at < batch.count && !this.touchRest(batch.slots, at, batch.count)) {
      this.unready = batch;
      return false;
    }
    this.options.cache.trim();
    return true;
  }

  override prepareSlots(slots: readonly number[], ready: () => void): boolean {
    if (this.fetching === null) {
      this.turn += 1;
      if (this.fetchUnknown(slots)) return true;
    }
    this.readies.push(ready);
    return false;
  }

  override pin(slot: number): void {
    this.pinned.add(slot);
  }

  override unpin(slot: number): void {
    this.pinned.delete(slot);
  }

  override timers(name: TimerKind): TimerTable {
    const known = this.guarded.get(name);
    if (known !== undefined) return known;
    const made = new GuardedTimers(super.timers(name) as HeapTimerTable, {
      isAtHand: (slot) => this.isAtHand(slot),
      take: (slot) => this.takeSlot(slot),
    });
    this.guarded.set(name, made);
    return made;
  }

  override prepareTimers(name: TimerKind, until: number): boolean {
    if (this.fetching !== null) return false;
    const timers = this.timerTables.get(name);
    if (timers === undefined || timers.earliest > until || this.isAtHand(timers.nextSlot)) return true;
    this.turn += 1;
    if (!this.fetchUnknown(timers.firstSlots(until, TIMERS_AHEAD))) return false;
    this.options.cache.trim();
    return true;
  }

  /** Rows in memory, then those of keys that are not. */
  override *rows(): Iterable<StateRow> {
    yield* super.rows();
    for (const row of this.options.base.rows()) {
      const slot = this.index.knownSlot(row.key);
      if (slot < 0 || !((this.used[slot] as number) > 0)) yield row;
    }
  }

  /** The rows of this key stay in memory. */
  override restore(row: StateRow): void {
    super.restore(row);
    if (!mayLeave(row.kind)) return;
    const slot = this.index.slotOf(row.key);
    this.reach();
    this.use(slot);
    this.sealedFor[slot] = NEVER;
  }

  override seal(writer: RowWriter, checkpoint = 0): void {
    super.seal(writer);
    this.sealNumber += 1;
    this.seals.push({ number: this.sealNumber, checkpoint, slots: this.emptied.pop() ?? new SlotList() });
    this.scannedInVain = 0;
  }

  /** The base holds all rows of this checkpoint and those before; of about `rowBytes` each, 0: unchanged. */
  applied(checkpoint: number, rowBytes: number): void {
    if (rowBytes > 0) this.rowBytes = rowBytes;
    this.scannedInVain = 0;
    while (this.seals.length > 0 && (this.seals[0] as Seal).checkpoint <= checkpoint) {
      const { number, slots } = this.seals.shift() as Seal;
      this.appliedNumber = number;
      this.applieds.push(slots);
    }
  }

  /** Lets go of some slots that were kept until the base had their rows; false: there are none. */
  releaseSome(count: number): boolean {
    const slots = this.applieds[0];
    if (slots === undefined) return false;
    for (let left = Math.min(count, slots.length); left > 0; left -= 1) this.index.release(slots.pop());
    if (slots.length === 0) this.emptied.push(...this.applieds.splice(0, 1));
    return true;
  }

  evict(bytes: number): void {
    if (!this.tracks) this.track();
    const slots = Math.min(this.index.slotCount, this.used.length);
    let left = bytes / (this.rowBytes + ROW_OVERHEAD_BYTES);
    for (let scanned = 0; scanned < SCAN_MAX && left > 0 && this.scannedInVain <= 2 * slots; scanned += 1) {
      const rows = this.evictAt(this.nextSlot(slots));
      this.scannedInVain = rows > 0 ? 0 : this.scannedInVain + 1;
      left -= rows;
    }
  }

  protected override made(table: StateTable): void {
    // Called before this class's fields are there only if a table were made by the constructor above it, which makes none.
    if (mayLeave(table.kind)) this.madeEvictable(table as EvictableTable);
    if (table.journal !== null) table.journal.written = (slot) => this.written(slot);
  }

  // Slots

  private beginBatch(inbox: Inbox): void {
    super.prepare(inbox);
    this.reach();
    this.turn += 1;
  }

  /** Only once rows have to leave memory, or may not be in it, does it matter which slots are used. */
  private get wantsTracking(): boolean {
    return this.filter.everything || this.options.cache.wantsRoom;
  }

  private track(): void {
    this.reach();
    this.tracks = true;
    // Nothing has left so far.
    if (!this.filter.everything) this.used.fill(this.turn, 0, this.index.slotCount);
  }

  /** There are no rows that could be anywhere but in memory. */
  private get keepsAll(): boolean {
    return this.evictables.length === 0 && !this.filter.everything;
  }

  private madeEvictable(table: EvictableTable): void {
    // Slots have not been marked so far.
    if (this.keepsAll) {
      this.reach();
      this.used.fill(this.turn, 0, this.index.slotCount);
    }
    this.evictables.push(table);
  }

  private isAtHand(slot: number): boolean {
    if (this.keepsAll) return true;
    this.reach();
    if ((this.used[slot] as number) > 0) return true;
    if (this.filter.mayHave(this.index.hashAt(slot))) return false;
    this.use(slot);
    return true;
  }

  private use(slot: number): void {
    this.used[slot] = this.turn;
    this.fetching?.unknown.delete(slot);
  }

  private takeSlot(slot: number): void {
    this.reach();
    this.use(slot);
    this.takenSlot = slot;
  }

  private forget(slot: number): void {
    this.used[slot] = 0;
    this.sealedFor[slot] = 0;
  }

  private reach(): void {
    const { slotCount } = this.index;
    if (slotCount <= this.used.length) return;
    const length = Math.max(slotCount, this.used.length * 2);
    this.used = extended(this.used, length);
    this.sealedFor = extended(this.sealedFor, length);
  }

  /** Goes on where a slot is unknown; false: rows are being fetched. */
  private touchRest(slots: Int32Array, from: number, count: number): boolean {
    const unknown: number[] = [];
    for (let at = from; at < count; at += 1) {
      const slot = slots[at] as number;
      if ((this.used[slot] as number) > 0) this.used[slot] = this.turn;
      else unknown.push(slot);
    }
    return this.fetchUnknown(unknown);
  }

  /** True: all of these slots are at hand. */
  private fetchUnknown(slots: readonly number[]): boolean {
    const wanted = new Set<number>();
    for (const slot of slots) {
      if (this.isAtHand(slot)) this.used[slot] = this.turn;
      else wanted.add(slot);
    }
    if (wanted.size === 0) return true;
    this.fetch([...wanted], wanted);
    // It may have come at once.
    return this.fetching === null && slots.every((slot) => this.isAtHand(slot));
  }

  private fetch(slots: readonly number[], unknown: Set<number>): void {
    const { index, options } = this;
    const fetch: Fetch = { slots, unknown };
    this.fetching = fetch;
    for (const slot of slots) index.retain(slot);
    const keys = slots.map((slot) => ({ keyGroup: index.keyGroupAt(slot), key: index.keyAt(slot) }));
    options.base.fetch(keys, (rows) => this.arrive(fetch, rows));
  }

  private arrive(fetch: Fetch, rows: readonly (readonly BaseRow[])[]): void {
    this.fetching = null;
    this.scannedInVain = 0;
    for (const [at, slot] of fetch.slots.entries()) {
      if (fetch.unknown.has(slot)) this.load(slot, rows[at] as readonly BaseRow[]);
      this.index.release(slot);
    }
    for (const ready of this.readies.splice(0)) ready();
    this.options.wake();
  }

  private load(slot: number, rows: readonly BaseRow[]): void {
    for (const { table, kind, subkey, value } of rows) this.table(table, kind).restore(slot, subkey, value);
    this.used[slot] = this.turn;
    if (rows.length > 0 && this.evictedKeys > 0) this.evictedKeys -= 1;
  }

  private written(slot: number): void {
    const seal = this.seals.at(-1) as Seal;
    this.reach();
    if (this.sealedFor[slot] === seal.number) return;
    if (this.sealedFor[slot] !== NEVER) this.sealedFor[slot] = seal.number;
    seal.slots.push(slot);
    this.index.retain(slot);
  }

  // Eviction

  private nextSlot(slots: number): number {
    if (this.hand >= slots) {
      this.hand = 0;
      this.handTurn = this.turn;
    }
    this.hand += 1;
    return this.hand - 1;
  }

  /** How many rows have left memory. */
  private evictAt(slot: number): number {
    const used = this.used[slot] as number;
    if (used === 0 || used > this.handTurn || !this.mayEvict(slot, used)) return 0;
    let rows = 0;
    for (const table of this.evictables) rows += table.evict(slot);
    if (rows === 0) return 0;
    this.used[slot] = 0;
    this.fetching?.unknown.delete(slot);
    this.evictedKeys += 1;
    this.filter.add(this.index.hashAt(slot));
    return rows;
  }

  private mayEvict(slot: number, used: number): boolean {
    if (used === this.turn || slot === this.slot || slot === this.takenSlot || this.pinned.has(slot)) return false;
    if ((this.sealedFor[slot] as number) > this.appliedNumber) return false;
    for (const table of this.evictables) if (!table.isClean(slot)) return false;
    return true;
  }
}

/** Marks slots that are at hand as used, up to the first that is unknown, whose place in the batch it returns. */
function touchKnown(used: Int32Array, slots: Int32Array, from: number, count: number, turn: number): number {
  for (let at = from; at < count; at += 1) {
    const slot = slots[at] as number;
    if (used[slot] === 0) return at;
    used[slot] = turn;
  }
  return count;
}

function extended(column: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length);
  longer.set(column);
  return longer;
}
