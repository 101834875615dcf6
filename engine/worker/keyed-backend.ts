/**
 * What holds a worker's keyed state, behind the operators: on the heap alone, or (level-backend.ts) with a base below it.
 */
import type { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import type { RowsFile } from '../../checkpoint/rows-file.js';
import type { KeyedState, StateRow } from '../../state/backend.js';
import type { Pressure } from '../../state/level/state-cache.js';
import { MemoryState } from '../../state/memory/memory-state.js';
import { restoreRows, type WorkerRestore } from './restore.js';

/** A row to be put back into an operator's state. */
export interface OperatorRow extends StateRow {
  readonly operator: string;
}

export interface KeyedBackend {
  /** The state of one operator; each is asked for once. */
  state(uid: string): KeyedState;
  /** Makes all states what `from` says, before the first record. `put` takes rows that belong in memory. */
  open(from: WorkerRestore | undefined, put: (row: OperatorRow) => void): Promise<void>;
  /** These rows are durable, in the file of a checkpoint that is not complete yet. */
  written(checkpoint: number, rows: RowsFile): void;
  /** The checkpoint is complete, under this id. */
  completed(checkpoint: number, id: string): void;
  /** Some work of its own, between batches; true when there was some. */
  step(): boolean;
  /** The last checkpoint whose rows are all in the base; Infinity without one. */
  readonly applied: number;
  /** What it wants done about rows that can't leave memory. */
  readonly pressure: Pressure;
  close(): Promise<void>;
}

const NO_PRESSURE: Pressure = Object.freeze({ asks: false, holds: false });

export class HeapBackend implements KeyedBackend {
  readonly pressure = NO_PRESSURE;
  readonly applied = Number.POSITIVE_INFINITY;
  readonly #maxParallelism: number;
  readonly #store: CheckpointStore | undefined;

  constructor(maxParallelism: number, store: CheckpointStore | undefined) {
    this.#maxParallelism = maxParallelism;
    this.#store = store;
  }

  state(): KeyedState {
    return new MemoryState({ maxParallelism: this.#maxParallelism, journal: this.#store !== undefined });
  }

  async open(from: WorkerRestore | undefined, put: (row: OperatorRow) => void): Promise<void> {
    if (this.#store && from) await restoreRows(this.#store, from, put);
  }

  written(): void {}

  completed(): void {}

  step(): boolean {
    return false;
  }

  async close(): Promise<void> {}
}
