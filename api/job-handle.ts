/**
 * A running job, as the program that started it sees it.
 */
import { MillraceError } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';
import { type Meter, sumOfMeters } from '../core/meter.js';
import { TIME_MAX, TIME_MIN } from '../core/time.js';
import type { CheckpointInfo, Coordinator, JobOutcome, JobStatus } from '../engine/coordinator/coordinator.js';
import type { LogicalPlan } from '../engine/graph/nodes.js';
import type { StageMetrics } from '../engine/worker/metrics.js';

/** Counters of one operator, summed over its subtasks. */
export interface OperatorMetrics {
  readonly name: string;
  readonly type: string;
  readonly recordsIn: number;
  /** On its main output. */
  readonly recordsOut: number;
  /** The least of its subtasks', epoch ms; undefined before the first. */
  readonly watermark: number | undefined;
  /** Keys it holds state for. */
  readonly keys: number;
  /** What it measures of itself, by name: agents and what else asks models do. */
  readonly meters: readonly Meter[];
}

/** Counters of a job as of a moment ago. */
export interface JobMetrics {
  readonly status: JobStatus;
  readonly restarts: number;
  /** The last complete checkpoint, an earlier run's included; undefined before the first, or without checkpoints. */
  readonly checkpoint: CheckpointInfo | undefined;
  /** Records that sources have put out. */
  readonly events: number;
  /**
   * The least of the sources' watermarks, epoch ms, those left out that are idle or give no times; undefined before the first,
   * Infinity after the end.
   */
  readonly watermark: number | undefined;
  readonly operators: readonly OperatorMetrics[];
}

/** How a job ended, and what it collected. */
export interface JobResult<R> {
  readonly status: JobOutcome;
  /** It went on from a checkpoint that an earlier run had left. */
  readonly resumed: boolean;
  /** An earlier run had come to the end: there was nothing to do, and there are no results. `fresh` starts over. */
  readonly alreadyFinished: boolean;
  /** What the job's result stream gave, unless the handle was iterated over. */
  readonly results: readonly R[];
  /** The same for every `collect()` sink, by its name. */
  readonly collected: Readonly<Record<string, readonly unknown[]>>;
  readonly metrics: JobMetrics;
}

/**
 * Await it for the end of the job, or iterate over it for the records of its result stream while it runs. Either
 * way each record is handed out once, and what is not taken holds the job back.
 */
export class JobHandle<R> implements PromiseLike<JobResult<R>>, AsyncIterable<R> {
  readonly #coordinator: Coordinator;
  readonly #plan: LogicalPlan;
  /** Names of all `collect()` sinks. */
  readonly #collects: ReadonlySet<string>;
  #iterated = false;
  #observed = false;
  #settled: Promise<JobResult<R>> | undefined;

  /** @internal */
  constructor(coordinator: Coordinator, plan: LogicalPlan) {
    this.#coordinator = coordinator;
    this.#plan = plan;
    const sinks = plan.nodes.filter(({ kind, type }) => kind === 'sink' && type === 'collect');
    this.#collects = new Set(sinks.map(({ uid }) => uid));
    // A failure that nobody looks at must not pass silently.
    coordinator.done.catch((error: unknown) => {
      if (!this.#observed) void Promise.reject(error);
    });
  }

  /** Where the job is in its life. */
  get status(): JobStatus {
    return this.#coordinator.status;
  }

  /** Counters as of a moment ago. */
  async metrics(): Promise<JobMetrics> {
    const subtasks = await this.#coordinator.metrics();
    return jobMetrics(
      this.#plan,
      this.#coordinator,
      subtasks.flatMap(({ stages }) => stages),
    );
  }

  /**
   * Ends the sources where they are; what is under way reaches the sinks, which commit. With checkpoints that is a
   * last one, from which the next run goes on; a savepoint of it is made in the directory `savepoint`, if given. With
   * `drain`, event time ends too: open windows fire as they stand. Resolves at the end.
   */
  async stop(options: { readonly drain?: boolean; readonly savepoint?: string } = {}): Promise<void> {
    this.#coordinator.stop(options);
    await this.#coordinator.done;
    const { savepoint } = options;
    // The job may have come to its end before it heard of this.
    if (savepoint !== undefined && this.#coordinator.savedTo !== savepoint) await this.savepoint(savepoint);
  }

  /**
   * Takes a checkpoint and copies it, with all state, to a directory of yours, which must not exist or be empty. It can
   * be moved, kept and started from (`from`), with another number of workers. Of a job that is over it is the last
   * checkpoint. Cost: reads and writes all state once, beside the running job.
   *
   * @example
   * await handle.savepoint('savepoints/before-upgrade')
   * run(import.meta, orders, { state: 'state-2', from: 'savepoints/before-upgrade' })
   */
  savepoint(directory: string): Promise<CheckpointInfo> {
    return this.#coordinator.savepoint(directory);
  }

  /** Ends the job at once. Transactional sinks show nothing that was not committed. */
  async cancel(): Promise<void> {
    this.#observed = true;
    await this.#coordinator.cancel();
  }

  // biome-ignore lint/suspicious/noThenProperty: a handle is awaited for the job's end
  then<A = JobResult<R>, B = never>(
    onFulfilled?: ((result: JobResult<R>) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#observed = true;
    this.#settled ??= this.#settle();
    return this.#settled.then(onFulfilled, onRejected);
  }

  /** Records of the result stream as they come; throws at the end if the job failed. Leaving the loop stops nothing: what
   * comes after it is dropped. */
  async *[Symbol.asyncIterator](): AsyncIterator<R> {
    this.#observed = true;
    this.#iterated = true;
    const name = this.#plan.results;
    if (name === undefined) {
      throw new MillraceError('MILL_PLAN_INVALID', `job ${this.#plan.job} returns no results`, {
        hint: "Return stream.to(name, collect()) from the job's definition.",
      });
    }
    yield* this.results(name) as AsyncIterable<R>;
  }

  /** Records of the `collect()` sink of that name as they come. */
  async *results(name: string): AsyncIterable<unknown> {
    if (!this.#collects.has(name)) {
      throw new MillraceError('MILL_OPTION_INVALID', `job ${this.#plan.job} has no collect() sink named ${name}`, {
        hint: `It has ${[...this.#collects].join(', ') || 'none'}.`,
      });
    }
    this.#observed = true;
    this.#iterated = true;
    const { results } = this.#coordinator;
    try {
      for (let records = await results.take((uid) => uid === name); records; ) {
        yield* records;
        records = await results.take((uid) => uid === name);
      }
    } finally {
      // Whoever leaves the loop early wants no more of them; the job goes on without.
      results.discard(name);
    }
  }

  async #settle(): Promise<JobResult<R>> {
    const collected = this.#iterated ? {} : await this.#collect();
    const status = await this.#coordinator.done;
    const results = (collected[this.#plan.results ?? ''] ?? []) as readonly R[];
    const { resumed, alreadyFinished } = this.#coordinator;
    return { status, resumed, alreadyFinished, results, collected, metrics: await this.metrics() };
  }

  async #collect(): Promise<Record<string, unknown[]>> {
    const collected: Record<string, unknown[]> = {};
    for (const uid of this.#collects) collected[uid] = [];
    await Promise.all(Object.keys(collected).map((uid) => this.#collectFrom(uid, collected[uid] as unknown[])));
    return collected;
  }

  async #collectFrom(uid: string, into: unknown[]): Promise<void> {
    for (;;) {
      const records = await this.#coordinator.results.take((other) => other === uid);
      if (!records) return;
      for (const record of records) into.push(record);
      if (into.length > LIMITS.resultsMax) await this.#overflow(uid);
    }
  }

  async #overflow(uid: string): Promise<never> {
    await this.#coordinator.cancel();
    throw new MillraceError('MILL_RESULTS_OVERFLOW', `${uid} collected more than ${LIMITS.resultsMax} records`, {
      operator: uid,
      declaredAt: this.#plan.nodes.find((node) => node.uid === uid)?.declaredAt,
    });
  }
}

function jobMetrics(plan: LogicalPlan, coordinator: Coordinator, stages: readonly StageMetrics[]): JobMetrics {
  const operators = plan.nodes.flatMap((node): OperatorMetrics[] => {
    const mine = stages.filter(({ uid }) => uid === node.uid);
    return mine.length === 0 ? [] : [operatorMetrics(node.uid, node.type, mine)];
  });
  const sources = new Set(plan.nodes.filter(({ kind }) => kind === 'source').map(({ uid }) => uid));
  const ofSources = operators.filter(({ name }) => sources.has(name));
  return {
    status: coordinator.status,
    restarts: coordinator.restarts,
    checkpoint: coordinator.lastCheckpoint,
    events: ofSources.reduce((sum, { recordsOut }) => sum + recordsOut, 0),
    watermark: leastWatermark(stages.filter(({ uid }) => sources.has(uid))),
    operators,
  };
}

function operatorMetrics(name: string, type: string, stages: readonly StageMetrics[]): OperatorMetrics {
  const sum = (of: (stage: StageMetrics) => number): number => stages.reduce((total, stage) => total + of(stage), 0);
  return {
    name,
    type,
    recordsIn: sum((stage) => stage.recordsIn),
    recordsOut: sum((stage) => stage.recordsOut),
    watermark: leastWatermark(stages),
    keys: sum((stage) => stage.keys),
    meters: sumOfMeters(stages.flatMap(({ meters }) => meters)),
  };
}

/** Where all are idle, of those that have come so far as to have one. */
function leastWatermark(stages: readonly StageMetrics[]): number | undefined {
  const awaited = stages.filter(({ idle }) => !idle);
  const counted = awaited.length > 0 ? awaited : stages.filter(({ watermark }) => watermark > TIME_MIN);
  const least = counted.reduce((time, { watermark }) => Math.min(time, watermark), TIME_MAX);
  return least === TIME_MIN || counted.length === 0 ? undefined : least;
}
