/**
 * Entry of a worker thread: loads the job, builds the plan, drives a worker until it is closed.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { asMillraceError } from '../../core/errors.js';
import { MemoryState } from '../../state/memory/memory-state.js';
import { physicalPlan } from '../graph/chain.js';
import { WorkerChannels } from '../worker/channels.js';
import type { ToCoordinator, ToWorker } from '../worker/messages.js';
import { Worker } from '../worker/worker.js';
import { SharedDoorbell } from './doorbell.js';
import { drive } from './drive.js';
import { loadJob } from './job-module.js';
import { NodeHost } from './node-host.js';
import { PoolClient } from './task-pool.js';
import type { ThreadData } from './thread-fleet.js';

const data = workerData as ThreadData;
const port = parentPort;
if (!port) throw new TypeError('thread-main.js is started by ThreadFleet');

/** Results that structured cloning refuses fail the job instead of the thread. */
function post(message: ToCoordinator): void {
  try {
    port?.postMessage(message);
  } catch (error) {
    if (message.kind !== 'results') throw error;
    const failure = asMillraceError(error, 'MILL_RECORD_NOT_PLAIN', { operator: message.uid, subtask: data.index });
    port?.postMessage({ kind: 'failed', error: failure.toJSON() } satisfies ToCoordinator);
  }
}

async function main(): Promise<void> {
  const { address, index, parallelism, runId, settings, rings } = data;
  const pool = new PoolClient(data.address);
  const host = new NodeHost(pool);
  const job = await loadJob(address);
  const plan = physicalPlan(job.plan(address.params));
  const doorbells = Array.from({ length: parallelism }, (_, at) => new SharedDoorbell(data.doorbells, at));
  const doorbell = doorbells[index] as SharedDoorbell;
  const worker = new Worker({
    plan,
    index,
    parallelism,
    runId,
    settings,
    host,
    channels: new WorkerChannels({ index, parallelism, rings, doorbells, settings }),
    keyedState: () => new MemoryState({ maxParallelism: plan.logical.maxParallelism }),
    post,
    wake: () => doorbell.ring(),
  });
  let alive = true;
  port?.on('message', (message: ToWorker) => {
    if (pool.receive(message)) return;
    if (message.kind === 'close') alive = false;
    worker.receive(message);
  });
  await worker.open();
  await drive(worker, doorbell, host, settings.sliceMs, () => alive);
}

main().catch((error: unknown) => {
  post({ kind: 'failed', error: asMillraceError(error, 'MILL_WORKER_FAILED', { subtask: data.index }).toJSON() });
});
