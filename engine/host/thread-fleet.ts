/**
 * Workers as threads: each imports the job's module (thread-main.ts) and hosts subtask i of every chain.
 *
 * Invariant: whatever ends a thread, its listener hears `gone` exactly once, with a typed error when it was not asked.
 */
import { Worker as Thread } from 'node:worker_threads';
import { asMillraceError, MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import type { Fleet, Launch, WorkerHandle, WorkerListener } from '../coordinator/fleet.js';
import type { PhysicalPlan } from '../graph/chain.js';
import { allocateRings, type Rings } from '../worker/channels.js';
import type { ToCoordinator } from '../worker/messages.js';
import type { WorkerRestore } from '../worker/restore.js';
import type { EngineSettings } from '../worker/settings.js';
import type { JobAddress } from './job-module.js';
import { connectToPool, isPoolMessage } from './task-pool.js';

export interface ThreadFleetOptions {
  readonly plan: PhysicalPlan;
  readonly address: JobAddress;
  readonly workers: number;
  readonly settings: EngineSettings;
  readonly host: Host;
  /** Heap limit of each worker. */
  readonly workerMemoryMb: number | undefined;
}

/**
 * Records live for a few batches. With Node's default of 48 MiB many are still alive at a collection and get promoted;
 * with three times as much the flights job costs 0.85 times the CPU, the keyed sum 0.92 times.
 */
const YOUNG_GENERATION_MB = 144;

/** What a thread is started with. */
export interface ThreadData {
  readonly millrace: 'worker';
  readonly address: JobAddress;
  readonly index: number;
  readonly parallelism: number;
  readonly runId: string;
  readonly settings: EngineSettings;
  readonly rings: Rings;
  readonly doorbells: Int32Array;
  readonly stateDirectory: string | undefined;
  readonly restore: WorkerRestore | undefined;
}

export class ThreadFleet implements Fleet {
  readonly host: Host;
  readonly parallelism: number;
  readonly #options: ThreadFleetOptions;

  constructor(options: ThreadFleetOptions) {
    this.#options = options;
    this.host = options.host;
    this.parallelism = options.workers;
  }

  launch({ runId, stateDirectory, restore, listener }: Launch): readonly WorkerHandle[] {
    const { plan, address, workers, settings } = this.#options;
    const rings = allocateRings(plan, workers, settings.ringBytes);
    const doorbells = new Int32Array(new SharedArrayBuffer(4 * workers));
    return Array.from({ length: workers }, (_, index) => {
      const data: ThreadData = {
        millrace: 'worker',
        address,
        index,
        parallelism: workers,
        runId,
        settings,
        rings,
        doorbells,
        stateDirectory,
        restore: restore(index),
      };
      return this.#start(data, listener(index));
    });
  }

  #start(data: ThreadData, listener: WorkerListener): WorkerHandle {
    const { workerMemoryMb } = this.#options;
    const thread = new Thread(new URL('./thread-main.js', import.meta.url), {
      name: `millrace-${data.index}`,
      workerData: data,
      // A module that reads its arguments must build the same job here as on the main thread.
      argv: process.argv.slice(2),
      resourceLimits: {
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
        ...(workerMemoryMb === undefined ? {} : { maxOldGenerationSizeMb: workerMemoryMb }),
      },
    });
    connectToPool(thread);
    let error: MillraceError | undefined;
    let asked = false;
    let opened = false;
    thread.on('message', (message: ToCoordinator) => {
      if (isPoolMessage(message)) return;
      opened ||= message.kind === 'opened';
      listener.message(message);
    });
    thread.on('error', (thrown: unknown) => {
      error = threadError(thrown, data.index);
    });
    thread.on('exit', (code) => listener.gone(error ?? (asked ? undefined : exitError(code, opened, data))));
    return {
      post: (message) => thread.postMessage(message),
      terminate: async () => {
        asked = true;
        await thread.terminate();
      },
    };
  }
}

/** Anything can be thrown, null too, and arrives here as it is. */
function threadError(thrown: unknown, subtask: number): MillraceError {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  return asMillraceError(
    thrown,
    code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'MILL_WORKER_OUT_OF_MEMORY' : 'MILL_WORKER_FAILED',
    { subtask },
  );
}

function exitError(code: number, opened: boolean, { index, address }: ThreadData): MillraceError {
  if (code === 0 && !opened) {
    const text = `importing ${address.module} has come to nothing: it waits for something that never comes, before job ${address.job} is defined`;
    return new MillraceError('MILL_JOB_NOT_IN_MODULE', text, { subtask: index });
  }
  const text = `worker ${index} ended with exit code ${code}: something in it called process.exit`;
  return new MillraceError('MILL_WORKER_EXITED', text, { subtask: index });
}
