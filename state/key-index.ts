/**
 * Numbers keys: each key held by an operator's state has a slot, a small dense integer, by which tables are addressed.
 *
 * Open addressing with linear probing over pairs (hash, slot + 1) in one Int32Array: a probe that succeeds at once
 * touches one cache line of it. The hash comes with the record; a key is compared only where all 32 bits agree.
 *
 * Invariants: entries <= LOAD_MAX * pairs of the table; every slot in use stands in the table exactly once;
 * `references[slot]` counts the rows that tables hold for it. A slot without references keeps its key until the
 * index runs out of room, which only `resolve` notices, and only before it gives out the first slot of its batch.
 * Then one rebuild drops all such slots at once, at a size that leaves room for half as many keys again: amortised
 * O(1) a key, and no deletion from a probe sequence is ever needed.
 */
import type { Batch } from '../core/batch.js';
import { hashKey, keyGroupOf, sameKey } from '../core/key.js';

/** Half full: one probe and a half on average, and never long clusters. */
const LOAD_MAX = 0.5;
const PAIRS_MIN = 64;

export class KeyIndex {
  private readonly maxParallelism: number;
  /** Pairs (hash, slot + 1); 0 as the second marks an empty place. */
  private table = new Int32Array(PAIRS_MIN * 2);
  private readonly keys: unknown[] = [];
  private hashes = new Int32Array(PAIRS_MIN * LOAD_MAX);
  private references = new Int32Array(PAIRS_MIN * LOAD_MAX);
  private readonly free: number[] = [];
  private entries = 0;
  private referenced = 0;
  /** Told of every slot that is taken from its key. */
  discarded: ((slot: number) => void) | null = null;

  constructor(maxParallelism: number) {
    this.maxParallelism = maxParallelism;
  }

  /** Keys that some table holds something for. */
  get keyCount(): number {
    return this.referenced;
  }

  /** Slots are below this: for tables that size their columns. */
  get slotCount(): number {
    return this.keys.length;
  }

  keyAt(slot: number): unknown {
    return this.keys[slot];
  }

  hashAt(slot: number): number {
    return this.hashes[slot] as number;
  }

  keyGroupAt(slot: number): number {
    return keyGroupOf(this.hashes[slot] as number, this.maxParallelism);
  }

  /** Fills `batch.slots` from record `from` on, numbering keys that are new. May reuse slots that nothing refers to. */
  resolve(batch: Batch, from: number): void {
    const { keys, hashes, slots, count } = batch;
    this.makeRoom(count - from);
    let at = resolveKnown(this.table, this.keys, keys, hashes, slots, from, count);
    while (at < count) {
      slots[at] = this.insert(keys[at], hashes[at] as number);
      at = resolveKnown(this.table, this.keys, keys, hashes, slots, at + 1, count);
    }
  }

  /** The slot of one key, numbering it if it is new. Reuses no slot that is still numbered. */
  slotOf(key: unknown): number {
    const hash = hashKey(key);
    const known = find(this.table, this.keys, key, hash);
    if (known >= 0) return known;
    if (this.entries + 1 > this.entriesMax) this.rebuild(pairsFor(this.entries + 1), true);
    return this.insert(key, hash);
  }

  /** The slot of a key that is numbered already; otherwise -1. */
  knownSlot(key: unknown): number {
    return find(this.table, this.keys, key, hashKey(key));
  }

  /** A table now holds one row more for the slot. */
  retain(slot: number): void {
    if ((this.references[slot] as number) === 0) this.referenced += 1;
    (this.references[slot] as number) += 1;
  }

  /** A table now holds one row less for the slot. */
  release(slot: number): void {
    (this.references[slot] as number) -= 1;
    if ((this.references[slot] as number) === 0) this.referenced -= 1;
  }

  private get entriesMax(): number {
    return (this.table.length >> 1) * LOAD_MAX;
  }

  private makeRoom(incoming: number): void {
    if (this.entries + incoming <= this.entriesMax) return;
    this.rebuild(pairsFor(this.referenced + incoming), false);
  }

  /** A new table without the slots that nothing refers to, or with all of them. */
  private rebuild(pairs: number, keepAll: boolean): void {
    this.table = new Int32Array(pairs * 2);
    this.resizeColumns(Math.max(pairs * LOAD_MAX, this.keys.length));
    this.entries = 0;
    for (let slot = 0; slot < this.keys.length; slot += 1) {
      if (this.keys[slot] === undefined) continue;
      if (keepAll || (this.references[slot] as number) > 0) this.place(slot);
      else this.discard(slot);
    }
  }

  private resizeColumns(length: number): void {
    if (length <= this.hashes.length) return;
    this.hashes = extended(this.hashes, length);
    this.references = extended(this.references, length);
  }

  private discard(slot: number): void {
    this.keys[slot] = undefined;
    this.free.push(slot);
    if (this.discarded !== null) this.discarded(slot);
  }

  private insert(key: unknown, hash: number): number {
    const slot = this.free.length > 0 ? (this.free.pop() as number) : this.keys.length;
    this.keys[slot] = key === 0 ? 0 : key;
    this.hashes[slot] = hash;
    this.place(slot);
    return slot;
  }

  private place(slot: number): void {
    const { table } = this;
    const wrap = table.length - 1;
    const hash = this.hashes[slot] as number;
    let cell = (hash << 1) & wrap;
    while (table[cell + 1] !== 0) cell = (cell + 2) & wrap;
    table[cell] = hash;
    table[cell + 1] = slot + 1;
    this.entries += 1;
  }
}

/** The least power of two at which `entries` and half as many again fit. */
function pairsFor(entries: number): number {
  let pairs = PAIRS_MIN;
  while (pairs * LOAD_MAX < entries * 1.5) pairs *= 2;
  return pairs;
}

function extended(column: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length);
  longer.set(column);
  return longer;
}

/** Fills slots of known keys, up to the first unknown one, whose place in the batch it returns. */
function resolveKnown(
  table: Int32Array,
  known: readonly unknown[],
  keys: readonly unknown[],
  hashes: Int32Array,
  slots: Int32Array,
  from: number,
  count: number,
): number {
  for (let at = from; at < count; at += 1) {
    const slot = find(table, known, keys[at], hashes[at] as number);
    if (slot < 0) return at;
    slots[at] = slot;
  }
  return count;
}

function find(table: Int32Array, known: readonly unknown[], key: unknown, hash: number): number {
  const wrap = table.length - 1;
  let cell = (hash << 1) & wrap;
  for (;;) {
    const slot = (table[cell + 1] as number) - 1;
    if (slot < 0) return -1;
    if (table[cell] === hash && equal(known[slot], key)) return slot;
    cell = (cell + 2) & wrap;
  }
}

/** One comparison per type, so that each site of `===` stays specialised. */
function equal(a: unknown, b: unknown): boolean {
  if (typeof b === 'number') return a === b || (a !== a && b !== b && typeof a === 'number');
  if (typeof b === 'string') return a === b;
  return sameKey(a, b);
}
