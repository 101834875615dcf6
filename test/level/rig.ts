/**
 * A worker's level backend without the worker: one operator, whose state a test changes and reads; checkpoints are
 * taken, completed and applied when the test says so.
 */
import { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import type { FileRef } from '../../checkpoint/manifest.js';
import { RowsFileWriter } from '../../checkpoint/rows-file.js';
import { Batch, Inbox } from '../../core/batch.js';
import type { MillraceError } from '../../core/errors.js';
import type { Storage } from '../../core/host.js';
import { hashKey } from '../../core/key.js';
import { LevelBackend } from '../../engine/worker/level-backend.js';
import type { WorkerRestore } from '../../engine/worker/restore.js';
import type { LevelState } from '../../state/level/level-state.js';

export const OPERATOR = 'op';

export interface Taken {
  readonly id: string;
  readonly epoch: number;
  readonly files: readonly FileRef[];
  readonly ancestors: readonly string[];
}

const RANGE = { first: 0, end: 128 };

export class Rig {
  readonly backend: LevelBackend;
  readonly state: LevelState;
  failure: MillraceError | undefined;
  private readonly store: CheckpointStore;
  private last: Taken;
  private names = 0;

  private constructor(
    storage: Storage,
    directory: string,
    from: Taken | undefined,
    { range = RANGE, cacheBytes = 1 << 20 }: { readonly range?: typeof RANGE; readonly cacheBytes?: number },
  ) {
    this.store = new CheckpointStore(storage, directory);
    this.backend = new LevelBackend({
      worker: 0,
      identity: { maxParallelism: 128, ...range },
      storage,
      store: this.store,
      cacheBytes,
      lagMax: 1,
      fail: (error) => {
        this.failure = error;
      },
      wake: () => {},
    });
    this.state = this.backend.state(OPERATOR) as LevelState;
    this.state.value('v');
    this.last = from ?? { id: 'none', epoch: 0, files: [], ancestors: [] };
  }

  /** Like a worker that starts from a checkpoint, or from nothing. */
  static async open(
    storage: Storage,
    directory: string,
    from?: Taken,
    options: { readonly range?: typeof RANGE; readonly cacheBytes?: number } = {},
  ): Promise<Rig> {
    await storage.makeDirectory(`${directory}/state`);
    await storage.syncDirectory(directory);
    await storage.syncDirectory(`${directory}/..`);
    const rig = new Rig(storage, directory, from, options);
    const range = options.range ?? RANGE;
    await rig.backend.open(from && restoreOf(from, range), (row) => rig.state.restore(row));
    return rig;
  }

  /** Numbers the keys of a batch once their rows are there. */
  async slotsOf(keys: readonly unknown[]): Promise<Int32Array> {
    const batch = new Batch(Math.max(1, keys.length));
    for (const key of keys) batch.pushKeyed(null, 0, key, hashKey(key));
    const inbox = new Inbox(batch);
    while (!this.state.prepare(inbox)) await this.turn();
    return batch.slots.slice(0, keys.length);
  }

  async set(values: Readonly<Record<string, unknown>>): Promise<void> {
    const keys = Object.keys(values);
    const slots = await this.slotsOf(keys);
    for (const [at, key] of keys.entries()) this.state.value('v').set(slots[at] as number, values[key]);
  }

  async remove(key: string): Promise<void> {
    const [slot] = await this.slotsOf([key]);
    this.state.value('v').remove(slot as number);
  }

  async get(key: string): Promise<unknown> {
    const [slot] = await this.slotsOf([key]);
    return this.state.value('v').get(slot as number);
  }

  /** Seals and writes; durable, not complete. */
  async take(id: string): Promise<Taken> {
    const { epoch, files, ancestors, id: parent } = this.last;
    const writer = new RowsFileWriter();
    this.state.seal(writer.of(OPERATOR), epoch + 1);
    while (!this.state.drainSealed(100));
    const rows = writer.finish();
    this.names += 1;
    const file = await this.store.writeRows(`${String(epoch + 1).padStart(12, '0')}-${id}-${this.names}`, rows);
    this.backend.written(epoch + 1, rows);
    return {
      id,
      epoch: epoch + 1,
      files: [...files, { ...file, epoch: epoch + 1 }],
      ancestors: [parent, ...ancestors],
    };
  }

  /** Complete, and not applied yet. */
  complete(taken: Taken): void {
    this.last = taken;
    this.backend.completed(taken.epoch, taken.id);
  }

  async checkpoint(id: string): Promise<Taken> {
    const taken = await this.take(id);
    this.complete(taken);
    await this.apply();
    return taken;
  }

  /** Everything that is complete reaches the base; with `steps`, only some of it. */
  async apply(steps = 1_000): Promise<void> {
    for (let step = 0; this.backend.lag > 0 && step < steps; ) {
      if (this.backend.step()) step += 1;
      await this.turn();
    }
  }

  /** All that may leave memory does, with another key at hand. */
  async evictAll(): Promise<void> {
    this.state.evict(0);
    await this.slotsOf(['another']);
    for (let turn = 0; turn < 3; turn += 1) this.state.evict(Number.POSITIVE_INFINITY);
  }

  /** Lets the disk work. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failure) throw this.failure;
  }
}

function restoreOf({ id, epoch, files, ancestors }: Taken, keyGroups: typeof RANGE): WorkerRestore {
  const nothing = { states: new Map(), watermarks: new Map(), randoms: new Map() };
  return { ...nothing, files, keyGroups, checkpoint: { id, epoch }, ancestors };
}
