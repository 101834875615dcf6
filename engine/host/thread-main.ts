/**
 * Entry of a worker thread: loads the job, builds the plan, drives a worker until it is closed.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import { asMillraceError } from '../../core/errors.js';
import { type PhysicalPlan, physicalPlan } from '../graph/chain.js';
import { WorkerChannels } from '../worker/channels.js';
import type { ToCoordinator, ToWorker } from '../worker/messages.js';
import { Worker } from '../worker/worker.js';
import { SharedDoorbell } from './doorbell.js';
import { drive } from './drive.js';
import { type LoadableJob, loadJob } from './job-module.js';
import { NodeHost } from './node-host.js';
import { PoolClient } from './task-pool.js';
import type { ThreadData } from './thread-fleet.js';

const data = workerData as ThreadData;
const port = parentPort;
if (!port) throw new TypeError('thread-main.js is started by ThreadFleet');

/** The user's line that declared an operator, once the plan is built. */
let declaredAtOf: (uid: string) => string | undefined = () => undefined;

/** Results that structured cloning refuses fail the job instead of the thread. */
function post(message: ToCoordinator): void {
  try {
    port?.postMessage(message);
  } catch (error) {
    if (message.kind !== 'results') throw error;
    const place = { operator: message.uid, subtask: data.index, declaredAt: declaredAtOf(message.uid) };
    const failure = asMillraceError(error, 'MILL_RECORD_NOT_PLAIN', place);
    port?.postMessage({ kind: 'failed', error: failure.toJSON() } satisfies ToCoordinator);
  }
}

/** A definition that throws here did not on the main thread. */
function buildPlan(job: LoadableJob, params: unknown): PhysicalPlan {
  try {
    return physicalPlan(job.plan(params));
  } catch (error) {
    throw asMillraceError(error, 'MILL_JOB_DIFFERS');
  }
}

async function main(): Promise<void> {
  const { address, index, parallelism, runId, settings, rings } = data;
  const pool = new PoolClient(data.address);
  const host = new NodeHost(pool);
  const job = await loadJob(address);
  const plan = buildPlan(job, address.params);
  declaredAtOf = (uid) => plan.logical.nodes.find((node) => node.uid === uid)?.declaredAt;
  const doorbells = Array.from({ length: parallelism }, (_, at) => new SharedDoorbell(data.doorbells, at));
  const doorbell = doorbells[index] as SharedDoorbell;
  const { stateDirectory } = data;
  const store = stateDirectory === undefined ? undefined : new CheckpointStore(host.storage, stateDirectory);
  const worker = new Worker({
    plan,
    index,
    parallelism,
    runId,
    settings,
    host,
    channels: new WorkerChannels({ index, parallelism, rings, doorbells, settings }),
    store,
    restore: data.restore,
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
