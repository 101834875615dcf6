/**
 * Runs a CPU-heavy function on the pool's threads, several records at a time, and puts results out in input order.
 *
 * Invariants: at most `capacity` tasks are in flight; watermarks, barriers and the end wait until none is.
 */
import type { Inbox } from '../core/batch.js';
import type { Operator, OperatorContext, OperatorFactory } from './operator.js';

interface Task {
  readonly records: readonly unknown[];
  readonly timestamps: readonly number[];
  outcome: { readonly outputs: readonly unknown[] } | { readonly error: unknown } | undefined;
  /** Outputs put out already. */
  put: number;
}

/** `batch`: records a task. */
export function offloadFactory(apply: (record: never) => unknown, batch: number): OperatorFactory {
  return (context) => new OffloadOperator(apply, batch, context);
}

class OffloadOperator implements Operator {
  readonly #apply: (record: never) => unknown;
  readonly #batch: number;
  readonly #capacity: number;
  readonly #context: OperatorContext;
  readonly #tasks: Task[] = [];
  readonly #abort = new AbortController();

  constructor(apply: (record: never) => unknown, batch: number, context: OperatorContext) {
    this.#apply = apply;
    this.#batch = batch;
    this.#context = context;
    // One running and one waiting for each thread keeps all of them busy.
    this.#capacity = 2 * context.host.pool.threads;
  }

  process(inbox: Inbox): void {
    this.#putReady();
    while (!inbox.drained && this.#tasks.length < this.#capacity) this.#start(inbox);
  }

  onWake(): void {
    this.#putReady();
  }

  onWatermark(): boolean {
    return this.#idle();
  }

  onEnd(): boolean {
    return this.#idle();
  }

  readyForBarrier(): boolean {
    return this.#idle();
  }

  close(): void {
    this.#abort.abort();
  }

  #idle(): boolean {
    this.#putReady();
    return this.#tasks.length === 0;
  }

  #start(inbox: Inbox): void {
    const { batch, cursor } = inbox;
    const end = Math.min(batch.count, cursor + this.#batch);
    const task: Task = {
      records: batch.records.slice(cursor, end),
      timestamps: [...batch.timestamps.subarray(cursor, end)],
      outcome: undefined,
      put: 0,
    };
    this.#tasks.push(task);
    inbox.cursor = end;
    void this.#run(task);
  }

  async #run(task: Task): Promise<void> {
    const { host, uid } = this.#context;
    try {
      task.outcome = { outputs: await host.pool.run(uid, task.records, this.#abort.signal, this.#apply) };
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      task.outcome = { error };
    }
    this.#context.wake();
  }

  /** Puts out what is ready, in order, as far as there is room. */
  #putReady(): void {
    for (;;) {
      const task = this.#tasks[0];
      if (!task?.outcome) return;
      if ('error' in task.outcome) {
        this.#tasks.shift();
        this.#reject(task, task.outcome.error);
      } else if (this.#put(task, task.outcome.outputs)) {
        this.#tasks.shift();
      } else return;
    }
  }

  #put(task: Task, outputs: readonly unknown[]): boolean {
    const { output } = this.#context;
    for (; task.put < outputs.length; task.put += 1) {
      if (output.full) return false;
      output.push(outputs[task.put], task.timestamps[task.put] as number);
    }
    return true;
  }

  /** Which record of a task failed is not known: all of them are given up. */
  #reject(task: Task, error: unknown): void {
    task.records.forEach((record, at) => this.#context.reject(error, record, task.timestamps[at] as number));
  }
}
