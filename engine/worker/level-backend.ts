/**
 * Keyed state larger than memory: each operator's `LevelState` above one base, an ordered store of the worker's own.
 *
 *   rows written, checkpoint complete ──▶ to the base, in slices between batches ──▶ may leave memory
 *
 * Recovery is warm where the base is on the manifest's chain of checkpoints: then only the files are applied that came
 * after what it holds. Otherwise, and whenever anything about it looks wrong, it is made anew from all files: cold.
 *
 * Invariants: a base gets rows of completed checkpoints only, in order, by their ids; while some of a checkpoint's rows
 * are written, `begun` says so. Ids decide whether a base fits: an epoch's number says only which files came after it.
 */
import type { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import type { FileRef } from '../../checkpoint/manifest.js';
import { newestOfFiles, pieces } from '../../checkpoint/newest-rows.js';
import { PieceMemory } from '../../checkpoint/piece.js';
import type { RowsFile } from '../../checkpoint/rows-file.js';
import { asMillraceError, type MillraceError } from '../../core/errors.js';
import type { OrderedStore, Storage, StoreRow } from '../../core/host.js';
import type { KeyedState } from '../../state/backend.js';
import type { RawRow } from '../../state/level/base-codec.js';
import { ascendingRows } from '../../state/level/base-filling.js';
import type { AppliedCheckpoint, BaseIdentity, Mark } from '../../state/level/base-marks.js';
import { LevelBase } from '../../state/level/level-base.js';
import { LevelState } from '../../state/level/level-state.js';
import type { RowBase, WantedKey } from '../../state/level/row-base.js';
import { type Pressure, StateCache } from '../../state/level/state-cache.js';
import type { KeyedBackend, OperatorRow } from './keyed-backend.js';
import type { WorkerRestore } from './restore.js';

export interface LevelBackendOptions {
  readonly worker: number;
  readonly identity: BaseIdentity;
  readonly storage: Storage;
  readonly store: CheckpointStore;
  /** Bytes of rows that may be in memory. */
  readonly cacheBytes: number;
  /**
   * Completed checkpoints wait for one another until there are so many, or their files large, or memory short: what
   * changes all the time is then written to the base once and not with each of them.
   */
  readonly lagMax: number;
  fail(error: MillraceError): void;
  wake(): void;
}

/** Rows of a durable file, until they are in the base. */
interface Written {
  readonly checkpoint: number;
  readonly rows: RowsFile;
}

/** Checkpoints on their way into the base; `checkpoint` is the last of them. */
interface Applying {
  readonly checkpoint: AppliedCheckpoint;
  readonly rows: Iterator<RawRow | undefined>;
  readonly size: Size;
}

interface Size {
  rows: number;
  bytes: number;
}

/** Rows written between two batches: half a millisecond. */
const ROWS_PER_STEP = 128;
/** Slots of keys let go between two batches: some 100 µs. */
const SLOTS_PER_STEP = 2_048;
/** Bytes of completed checkpoints' files that wait to be written to the base. */
const WAITING_BYTES = 8 << 20;
/** Rows of one write while nothing else is going on. */
const ROWS_PER_WRITE = 2_048;

export class LevelBackend implements KeyedBackend {
  private readonly options: LevelBackendOptions;
  private readonly path: string;
  private readonly cache: StateCache;
  private readonly states = new Map<string, LevelState>();
  private store: OrderedStore | undefined;
  private base: LevelBase | undefined;
  private durable: Written[] = [];
  private complete: { readonly checkpoint: AppliedCheckpoint; readonly files: readonly Written[] }[] = [];
  /** Of the files of completed checkpoints. */
  private waitingBytes = 0;
  private applying: Applying | undefined;
  private readonly memory = new PieceMemory();
  private writing = false;
  private opening: Promise<void> | undefined;
  private closed = false;
  /** How the last recovery went, for tests and benchmarks. */
  recovery: 'none' | 'warm' | 'cold' = 'none';

  constructor(options: LevelBackendOptions) {
    this.options = options;
    this.path = `${options.store.directory}/base/${options.worker}`;
    this.cache = new StateCache(options.cacheBytes);
  }

  get applied(): number {
    return this.base?.mark.applied?.epoch ?? 0;
  }

  get pressure(): Pressure {
    return this.cache.pressure;
  }

  /** Completed checkpoints that the base does not hold in whole. */
  get lag(): number {
    return this.complete.length + (this.applying ? 1 : 0);
  }

  state(uid: string): KeyedState {
    const { identity, wake } = this.options;
    const state = new LevelState({
      maxParallelism: identity.maxParallelism,
      base: {
        fetch: (keys, done) => void this.fetch(uid, keys, done),
        rows: () => {
          throw new TypeError('rows of a base are read with keyRows()');
        },
      },
      cache: this.cache,
      filled: false,
      wake,
    });
    this.states.set(uid, state);
    return state;
  }

  async open(from: WorkerRestore | undefined, put: (row: OperatorRow) => void): Promise<void> {
    this.opening = this.openEither(from, put);
    await this.opening;
  }

  private async openEither(from: WorkerRestore | undefined, put: (row: OperatorRow) => void): Promise<void> {
    if (!(await this.openWarm(from, put))) await this.openCold(from, put);
    for (const [uid, state] of this.states) if (this.base?.holds(uid)) state.baseFilled();
  }

  written(checkpoint: number, rows: RowsFile): void {
    this.durable.push({ checkpoint, rows });
  }

  completed(checkpoint: number, id: string): void {
    const files = this.durable.filter((file) => file.checkpoint <= checkpoint);
    this.durable = this.durable.filter((file) => file.checkpoint > checkpoint);
    this.complete.push({ checkpoint: { id, epoch: checkpoint }, files });
    for (const { rows } of files) for (const { bytes } of rows.sections) this.waitingBytes += bytes.length;
  }

  step(): boolean {
    if (this.writing || !this.base) return false;
    if (this.releaseSome()) return true;
    this.cache.trim();
    this.applying ??= this.nextToApply();
    if (!this.applying) return false;
    void this.applySlice(this.base, this.applying);
    return true;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.opening?.catch(() => {});
    this.base = undefined;
    await this.store?.close();
  }

  // Applying

  /** All that wait at once, once that is worth it: of a row that several of them have, only the newest version is written. */
  private nextToApply(): Applying | undefined {
    if (!this.worthApplying()) return undefined;
    const waiting = this.complete.splice(0);
    const last = waiting.at(-1) as (typeof waiting)[0];
    this.waitingBytes = 0;
    const files = waiting.flatMap((each) => each.files.map(({ rows }) => rows));
    return { checkpoint: last.checkpoint, rows: newestOfFiles(files, this.memory), size: { rows: 0, bytes: 0 } };
  }

  private worthApplying(): boolean {
    const { length } = this.complete;
    return length > 0 && (length >= this.options.lagMax || this.waitingBytes > WAITING_BYTES || this.cache.wantsRoom);
  }

  private async applySlice(base: LevelBase, applying: Applying): Promise<void> {
    const { checkpoint, rows: from, size } = applying;
    const { rows, last } = take(from, ROWS_PER_STEP, size);
    this.writing = true;
    try {
      if (last || rows.length > 0)
        await base.write(rows, { applied: last ? checkpoint : base.mark.applied, begun: checkpoint });
      if (last) this.finish(applying);
    } catch (error) {
      if (this.closed) return;
      this.options.fail(asMillraceError(error, 'MILL_CHECKPOINT_FAILED', { subtask: this.options.worker }));
    }
    this.writing = false;
    this.options.wake();
  }

  private releaseSome(): boolean {
    for (const state of this.states.values()) if (state.releaseSome(SLOTS_PER_STEP)) return true;
    return false;
  }

  private finish({ checkpoint, size }: Applying): void {
    this.applying = undefined;
    const rowBytes = size.rows === 0 ? 0 : size.bytes / size.rows;
    for (const state of this.states.values()) state.applied(checkpoint.epoch, rowBytes);
  }

  // Reading

  private async fetch(uid: string, keys: readonly WantedKey[], done: Parameters<RowBase['fetch']>[1]): Promise<void> {
    try {
      const rows = await (this.base as LevelBase).fetch(uid, keys);
      if (!this.closed) done(rows);
    } catch (error) {
      if (this.closed) return;
      await this.giveUp();
      this.options.fail(
        asMillraceError(error, 'MILL_STATE_BASE_DAMAGED', { operator: uid, subtask: this.options.worker }),
      );
    }
  }

  /** Nothing may find it again: the worker starts anew without it. */
  private async giveUp(): Promise<void> {
    this.base = undefined;
    await this.store?.close().catch(() => {});
    this.store = undefined;
    await this.options.storage.destroyStore(this.path);
  }

  // Recovery

  /** False: there is no base that fits. Whatever is wrong with it is no failure. */
  private async openWarm(from: WorkerRestore | undefined, put: (row: OperatorRow) => void): Promise<boolean> {
    if (!from) return false;
    try {
      const base = await this.openBase();
      const files = this.lacking(base.mark, from);
      if (!files) return false;
      await this.bring(base, from, files);
      // Only once all of them have been read: half of them would be too many for a cold start after all.
      const rows = await memoryRowsOf(base);
      for (const row of rows) put(row);
      this.base = base;
      this.recovery = 'warm';
      return true;
    } catch {
      return false;
    }
  }

  private async openCold(from: WorkerRestore | undefined, put: (row: OperatorRow) => void): Promise<void> {
    await this.giveUp();
    const { store, identity } = this.options;
    const rows = from && ascendingRows(pieces(store, from.files, from.keyGroups), { ...from, identity });
    const base = await this.openBase(rows);
    if (from) {
      for (const row of await memoryRowsOf(base)) put(row);
      this.recovery = 'cold';
    }
    this.base = base;
  }

  /** What is there, or a new one of these rows. */
  private async openBase(rows?: AsyncIterable<readonly StoreRow[]>): Promise<LevelBase> {
    const { storage, identity } = this.options;
    this.store = await (rows ? storage.fillStore(this.path, rows) : storage.openStore(this.path));
    return LevelBase.open(this.store, identity);
  }

  /** The files that came after what the base holds; undefined where it does not fit. */
  private lacking(
    { applied, begun }: Mark,
    { files, checkpoint, ancestors }: WorkerRestore,
  ): readonly FileRef[] | undefined {
    const chain = new Set([checkpoint.id, ...ancestors]);
    if (!applied || !chain.has(applied.id) || !begun || !chain.has(begun.id)) return undefined;
    if (files.some(({ epoch }) => epoch === undefined)) return undefined;
    const later = files.filter(({ epoch }) => (epoch as number) > applied.epoch);
    // A merged file says no more what was removed.
    return later.some(({ merged }) => merged) ? undefined : later;
  }

  /** Writes the files' rows on top, and that the base is where the checkpoint was. */
  private async bring(
    base: LevelBase,
    { keyGroups, checkpoint }: WorkerRestore,
    files: readonly FileRef[],
  ): Promise<void> {
    const { applied } = base.mark;
    if (applied?.id === checkpoint.id && files.length === 0) return;
    const size: Size = { rows: 0, bytes: 0 };
    for await (const piece of pieces(this.options.store, files, keyGroups)) {
      const rows = piece[Symbol.iterator]();
      for (let some = take(rows, ROWS_PER_WRITE, size); some.rows.length > 0; some = take(rows, ROWS_PER_WRITE, size))
        await base.write(some.rows, { applied, begun: checkpoint });
    }
    await base.write([], { applied: checkpoint, begun: checkpoint });
  }
}

async function memoryRowsOf(base: LevelBase): Promise<OperatorRow[]> {
  const rows: OperatorRow[] = [];
  for await (const page of base.memoryRows()) for (const [operator, row] of page) rows.push({ operator, ...row });
  return rows;
}

/** So many rows, or fewer: up to a pause (undefined), or to the last. */
function take(rows: Iterator<RawRow | undefined>, count: number, size: Size): { rows: RawRow[]; last: boolean } {
  const taken: RawRow[] = [];
  while (taken.length < count) {
    const { done, value } = rows.next();
    if (done || value === undefined) return { rows: taken, last: done === true };
    taken.push(value);
    size.rows += 1;
    size.bytes += value.key.length + (value.value?.length ?? 0);
  }
  return { rows: taken, last: false };
}
