/**
 * Checkpoints of a running attempt, one at a time: trigger, gather, write the manifest, commit, tell.
 *
 *   trigger → barriers → every worker acknowledges → manifest durable → sinks commit → workers hear `complete`
 *
 * Invariants: nothing is committed before the manifest that holds its handles is durable; the next checkpoint begins
 * only after all that; epochs rise by one and are never used again; once `abandon` has resolved nothing more is written
 * or committed.
 */
import type { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import { type FileRef, type Manifest, type StateRange, sizeOf } from '../../checkpoint/manifest.js';
import { MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { LIMITS } from '../../core/limits.js';
import type { PhysicalPlan } from '../graph/chain.js';
import type { WorkerPart } from '../worker/worker-checkpoints.js';
import type { Attempt, CheckpointParts } from './attempt.js';
import { uidsOf } from './changed-names.js';
import type { CheckpointInfo } from './coordinator.js';
import { partsOf, rangesOf } from './manifest-parts.js';
import type { Merging } from './merging.js';
import { randomId } from './random-id.js';
import type { SinkHandles } from './sinks.js';

export interface CheckpointingOptions {
  readonly store: CheckpointStore;
  readonly plan: PhysicalPlan;
  readonly host: Host;
  readonly parallelism: number;
  /** The first branch of the job's history, if this attempt begins it. */
  readonly lineage: string;
  readonly everyMs: number;
  /** One that takes longer is given up. */
  readonly timeoutMs: number;
  readonly attempt: Attempt;
  readonly merging: Merging;
  /** The newest checkpoint; what the attempt started from. */
  readonly newest: Manifest | undefined;
  commit(handles: SinkHandles): Promise<void>;
  completed(info: Omit<CheckpointInfo, 'count'>): void;
}

export interface TakeOptions {
  /** The job stops there. */
  readonly last: boolean;
  readonly ended: Manifest['ended'];
  /** Called as soon as it is complete, before anything of it can be removed. */
  readonly written?: (manifest: Manifest) => void;
}

export class Checkpointing {
  readonly #options: CheckpointingOptions;
  #newest: Manifest | undefined;
  /** The last one begun; numbers of those given up are not used again. */
  #epoch: number;
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #cancelTimeout: (() => void) | undefined;
  #stopped = false;
  #abandoned = false;

  constructor(options: CheckpointingOptions) {
    this.#options = options;
    this.#newest = options.newest;
    this.#epoch = options.newest?.epoch ?? 0;
  }

  /** Begins to take one every interval, or as soon as a worker asks for it. Failures fail the attempt. */
  start(): void {
    const { host, everyMs, attempt } = this.#options;
    if (this.#stopped) return;
    if (attempt.asked) this.#takeNext();
    else this.#cancelTimer = host.timer(everyMs, () => this.#takeNext());
  }

  /** Workers hold more rows than they can keep: takes the next one now, if none is under way. */
  hurry(): void {
    if (this.#stopped || !this.#cancelTimer) return;
    this.#cancelTimer();
    this.#takeNext();
  }

  #takeNext(): void {
    this.#cancelTimer = undefined;
    this.take({ last: false, ended: undefined }).then(
      () => this.start(),
      (error: unknown) => this.#options.attempt.failWith(error),
    );
  }

  /** No more of them by themselves; resolves when none is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    await this.#running;
    await this.#options.merging.settled();
  }

  /**
   * The attempt is over: what is under way goes no further. Resolves when it has come to rest, since a manifest that
   * appears later would be newer than what the next attempt starts from.
   */
  async abandon(): Promise<void> {
    this.#abandoned = true;
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelTimeout?.();
    await this.#running;
  }

  /** One checkpoint, after the one under way if there is one. */
  take(options: TakeOptions): Promise<void> {
    const before = this.#running ?? Promise.resolve();
    const running = before.then(() => this.#take(options));
    this.#running = running.catch(() => {});
    return running;
  }

  async #take({ last, ended, written }: TakeOptions): Promise<void> {
    this.#goOn();
    const { attempt, host, store, merging, commit, completed } = this.#options;
    const startedAt = host.elapsed();
    this.#epoch += 1;
    const epoch = this.#epoch;
    const acknowledged = await this.#acknowledged(epoch, last);
    this.#goOn();
    if (!acknowledged) return attempt.abort(epoch);
    const { parts, enumerators } = acknowledged;
    const manifest = this.#manifest(epoch, ended, parts, enumerators);
    await store.writeManifest(manifest);
    written?.(manifest);
    this.#newest = manifest;
    merging.listed(manifest.ranges);
    this.#goOn();
    await commit(new Map(Object.entries(manifest.sinks)));
    this.#goOn();
    attempt.complete(epoch, manifest.id);
    await store.prune(merging.pending);
    if (!last) merging.consider(manifest.ranges, appliedOf(parts));
    const durationMs = host.elapsed() - startedAt;
    const pauseMs = Math.max(...parts.map((part) => part.pauseMs));
    completed({ epoch, durationMs, pauseMs, sizeBytes: sizeOf(manifest), completedAt: host.now() });
  }

  #goOn(): void {
    if (this.#abandoned) throw new MillraceError('MILL_CHECKPOINT_FAILED', 'the job ended before it was complete');
  }

  /** Undefined when it has taken too long. The last one may take as long as it likes: nothing goes on without it. */
  async #acknowledged(epoch: number, last: boolean): Promise<CheckpointParts | undefined> {
    const { attempt, host, timeoutMs } = this.#options;
    const acknowledged = attempt.checkpoint(epoch, last);
    if (last) return acknowledged;
    const timedOut = new Promise<undefined>((resolve) => {
      this.#cancelTimeout = host.timer(timeoutMs, () => resolve(undefined));
    });
    return Promise.race([acknowledged, timedOut]).finally(() => this.#cancelTimeout?.());
  }

  #manifest(
    epoch: number,
    ended: Manifest['ended'],
    parts: readonly WorkerPart[],
    enumerators: Readonly<Record<string, unknown>>,
  ): Manifest {
    const { plan, host, parallelism } = this.#options;
    const snapshots = parts.flatMap(({ subtasks }) => subtasks);
    return {
      job: plan.logical.job,
      id: randomId(host),
      parent: this.#newest?.id,
      ancestors: ancestorsOf(this.#newest),
      epoch,
      path: this.#path(epoch),
      rewoundTo: undefined,
      maxParallelism: plan.logical.maxParallelism,
      parallelism,
      createdAt: host.now(),
      ended,
      ranges: this.#ranges(parts),
      ...partsOf(plan, snapshots, enumerators),
      uids: uidsOf(plan.logical),
    };
  }

  #path(epoch: number): Manifest['path'] {
    const path = this.#newest?.path ?? [{ branch: this.#options.lineage, epoch }];
    return path.map((step, at) => (at === path.length - 1 ? { ...step, epoch } : step));
  }

  /** With merged files in place of those they were made of. */
  #ranges(parts: readonly WorkerPart[]): StateRange[] {
    const { parallelism, plan, merging } = this.#options;
    const { maxParallelism } = plan.logical;
    const written = (worker: number): readonly FileRef[] => parts.find((part) => part.worker === worker)?.files ?? [];
    const ranges = rangesOf(this.#newest?.ranges ?? [], written, { parallelism, maxParallelism });
    return ranges.map((range) => ({ ...range, files: merging.replace(range.files) }));
  }
}

/** By worker, as by range. */
function appliedOf(parts: readonly WorkerPart[]): number[] {
  const applied: number[] = [];
  for (const part of parts) applied[part.worker] = part.applied;
  return applied;
}

function ancestorsOf(parent: Manifest | undefined): string[] {
  return parent ? [parent.id, ...parent.ancestors].slice(0, LIMITS.ancestorsMax) : [];
}
