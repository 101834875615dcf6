/**
 * The `level` backend as its tests drive it: over a base that answers at once, with checkpoints that complete and are
 * applied when chance says so, and a memory that lets go of everything it may at any moment.
 */

import type { Inbox } from '../../core/batch.js';
import { Random } from '../../core/random.js';
import { TIME_MAX } from '../../core/time.js';
import type { RowWriter, StateRow, TimerKind } from '../../state/backend.js';
import { LevelState } from '../../state/level/level-state.js';
import { type BaseRow, mayLeave, type RowBase, type WantedKey } from '../../state/level/row-base.js';
import { StateCache } from '../../state/level/state-cache.js';
import { MemoryState } from '../../state/memory/memory-state.js';
import { mark } from '../state/state-kit.js';

type Change = readonly [id: string, row: StateRow | undefined];

const idOf = (table: string, kind: string, key: unknown, subkey: unknown): string =>
  `${mark(key)} / ${kind} ${table} / ${mark(subkey)}`;

/** What completed checkpoints hold, by key. */
export class PlainBase implements RowBase {
  readonly keys = new Map<string, Map<string, StateRow>>();
  /** Looks at keys so far. */
  looks = 0;

  fetch(wanted: readonly WantedKey[], done: (rows: readonly (readonly BaseRow[])[]) => void): void {
    this.looks += wanted.length;
    done(wanted.map(({ key }) => this.rowsOf(key)));
  }

  rowsOf(key: unknown): BaseRow[] {
    const rows = [...(this.keys.get(mark(key))?.values() ?? [])];
    return rows.map((row) => ({ ...row, subkey: row.subkey, value: structuredClone(row.value) }));
  }

  *rows(): Iterable<StateRow> {
    for (const rows of this.keys.values()) for (const row of rows.values()) yield structuredClone(row);
  }

  apply(key: unknown, [id, row]: Change): void {
    const rows = this.keys.get(mark(key)) ?? new Map<string, StateRow>();
    if (row) rows.set(id, row);
    else rows.delete(id);
    if (rows.size > 0) this.keys.set(mark(key), rows);
    else this.keys.delete(mark(key));
  }
}

interface Written {
  readonly checkpoint: number;
  readonly changes: (readonly [key: unknown, change: Change])[];
}

export class EvictingState extends LevelState {
  readonly base: PlainBase;
  /** Seeded by the first key, so that a failing example fails again. */
  private random = new Random(1);
  private seeded = false;
  private readonly epochs: Written[] = [];
  private drainedAll = true;
  private checkpoint = 0;

  constructor(limitBytes = 0) {
    const base = new PlainBase();
    const cache = new StateCache(limitBytes);
    super({ maxParallelism: 128, base, cache, filled: false, wake: () => {} });
    this.base = base;
  }

  /** With whatever is retained and should not be. */
  override get keyCount(): number {
    this.applySome(Number.POSITIVE_INFINITY);
    while (this.releaseSome(1_000));
    const inMemory = new Set(Array.from(this.memoryRows(), ({ key }) => mark(key)));
    const leaked = this.index.keyCount - inMemory.size;
    return new Set(Array.from(this.rows(), ({ key }) => mark(key))).size + leaked;
  }

  override prepare(inbox: Inbox): boolean {
    if (!this.seeded) this.random = new Random(inbox.batch.hashes[0] ?? 0);
    this.seeded = true;
    this.shake();
    return super.prepare(inbox);
  }

  override prepareTimers(name: TimerKind, until: number): boolean {
    if (until < TIME_MAX) this.shake();
    return super.prepareTimers(name, until);
  }

  /** Half of the rows stay in memory, as the contract says; the others are as if a checkpoint had been applied. */
  override restore(row: StateRow): void {
    const { key, table, kind, subkey } = row;
    const known = this.index.knownSlot(key) >= 0;
    if (!mayLeave(kind) || (!this.base.keys.has(mark(key)) && (known || this.random.below(2) === 0))) {
      super.restore(row);
      return;
    }
    this.base.apply(key, [idOf(table, kind, key, subkey), structuredClone(row)]);
    this.baseFilled();
  }

  override seal(writer: RowWriter): void {
    const changes: (readonly [unknown, Change])[] = [];
    super.seal(
      {
        put: (table, kind, keyGroup, key, subkey, value) => {
          writer.put(table, kind, keyGroup, key, subkey, value);
          const row = { keyGroup, table, kind, key, value: structuredClone(value) };
          const whole = subkey === undefined ? row : { ...row, subkey };
          if (mayLeave(kind)) changes.push([key, [idOf(table, kind, key, subkey), whole]]);
        },
        remove: (table, kind, keyGroup, key, subkey) => {
          writer.remove(table, kind, keyGroup, key, subkey);
          if (mayLeave(kind)) changes.push([key, [idOf(table, kind, key, subkey), undefined]]);
        },
      },
      this.checkpoint + 1,
    );
    this.checkpoint += 1;
    this.drainedAll = false;
    this.epochs.push({ checkpoint: this.checkpoint, changes });
  }

  override drainSealed(rows: number): boolean {
    this.drainedAll = super.drainSealed(rows);
    return this.drainedAll;
  }

  /** Everything leaves that may. */
  evictAll(): void {
    this.evict(Number.POSITIVE_INFINITY);
  }

  applySome(count: number): void {
    for (let at = 0; at < count && this.epochs.length > (this.drainedAll ? 0 : 1); at += 1) {
      const { checkpoint, changes } = this.epochs.shift() as Written;
      for (const [key, change] of changes) this.base.apply(key, change);
      this.applied(checkpoint, 20);
      if (this.random.below(2) === 0) this.releaseSome(1 + this.random.below(4));
    }
  }

  private shake(): void {
    if (this.random.below(3) === 0) this.applySome(this.random.below(3));
    if (this.random.below(4) === 0) this.evictAll();
  }

  /** Without those that are in the base alone. */
  private memoryRows(): Iterable<StateRow> {
    return MemoryState.prototype.rows.call(this);
  }
}
