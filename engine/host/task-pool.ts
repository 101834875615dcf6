/**
 * The pool of threads for work of a millisecond or more: one a process, on the main thread (piscina), which workers
 * reach by messages. A task is the name of an operator and some inputs; the pool's threads import the job's module
 * themselves (pool-task.ts).
 */
import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { parentPort, type Worker as Thread } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { asMillraceError, type ErrorData, MillraceError } from '../../core/errors.js';
import type { TaskPool } from '../../core/host.js';
import type { JobAddress } from './job-module.js';

/** What a pool thread is asked to do. Plain data. */
export interface PoolTask {
  readonly address: JobAddress;
  readonly operator: string;
  readonly inputs: readonly unknown[];
}

type Request =
  | { readonly pool: 'run'; readonly id: number; readonly task: PoolTask }
  | { readonly pool: 'abort'; readonly id: number };
type Response = {
  readonly pool: 'done';
  readonly id: number;
  readonly outputs?: readonly unknown[];
  readonly error?: ErrorData;
};

let piscina: Piscina | undefined;

/** Threads are started at the first task, and end when they have been idle for a while. */
function sharedPool(): Piscina {
  piscina ??= new Piscina({
    filename: new URL('./pool-task.js', import.meta.url).href,
    minThreads: 0,
    maxThreads: availableParallelism(),
    idleTimeout: 5_000,
    argv: process.argv.slice(2),
  });
  return piscina;
}

async function runTask(task: PoolTask, signal: AbortSignal): Promise<readonly unknown[]> {
  const result = (await sharedPool().run(task, { signal })) as { outputs: readonly unknown[] } | { error: ErrorData };
  if ('error' in result) throw MillraceError.fromJSON(result.error);
  return result.outputs;
}

/** On the main thread. Without an address functions can't be found elsewhere, so they run right here. */
export class MainPool implements TaskPool {
  readonly threads = availableParallelism();
  readonly #address: JobAddress | undefined;

  constructor(address: JobAddress | undefined) {
    this.#address = address;
  }

  async run(
    operator: string,
    inputs: readonly unknown[],
    signal: AbortSignal,
    apply: (input: never) => unknown,
  ): Promise<readonly unknown[]> {
    // One listener a task in flight, of which an operator has as many as it likes.
    setMaxListeners(0, signal);
    if (this.#address) return runTask({ address: this.#address, operator, inputs }, signal);
    return Promise.all(inputs.map(async (input) => apply(input as never)));
  }
}

/** In a worker thread: asks the main thread. */
export class PoolClient implements TaskPool {
  readonly threads = availableParallelism();
  readonly #address: JobAddress;
  readonly #waiting = new Map<number, { resolve(outputs: readonly unknown[]): void; reject(error: unknown): void }>();
  #next = 0;

  constructor(address: JobAddress) {
    this.#address = address;
  }

  run(operator: string, inputs: readonly unknown[], signal: AbortSignal): Promise<readonly unknown[]> {
    const id = this.#next;
    this.#next += 1;
    const task: PoolTask = { address: this.#address, operator, inputs };
    parentPort?.postMessage({ pool: 'run', id, task } satisfies Request);
    setMaxListeners(0, signal);
    const abort = (): void => parentPort?.postMessage({ pool: 'abort', id } satisfies Request);
    signal.addEventListener('abort', abort, { once: true });
    const answer = new Promise<readonly unknown[]>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    return answer.finally(() => signal.removeEventListener('abort', abort));
  }

  /** True when the message was an answer of the pool. */
  receive(message: unknown): boolean {
    if (!isPoolMessage(message)) return false;
    const { id, outputs, error } = message as Response;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(MillraceError.fromJSON(error));
    else waiting?.resolve(outputs ?? []);
    return true;
  }
}

/** On the main thread: answers a worker's requests. */
export function connectToPool(thread: Thread): void {
  const running = new Map<number, AbortController>();
  const answer = (response: Response): void => {
    running.delete(response.id);
    thread.postMessage(response);
  };
  thread.on('message', (message: unknown) => {
    if (!isPoolMessage(message)) return;
    const request = message as Request;
    if (request.pool === 'abort') return running.get(request.id)?.abort();
    const { id, task } = request;
    const controller = new AbortController();
    running.set(id, controller);
    runTask(task, controller.signal).then(
      (outputs) => answer({ pool: 'done', id, outputs }),
      (error: unknown) => answer({ pool: 'done', id, error: asMillraceError(error, 'MILL_FUNCTION_FAILED').toJSON() }),
    );
  });
  thread.on('exit', () => {
    for (const controller of running.values()) controller.abort();
  });
}

export function isPoolMessage(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'pool' in message;
}
