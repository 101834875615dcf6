/**
 * A fleet of one worker on the caller's own thread: for tests, notebooks and programs that want no threads.
 */
import { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import type { Host } from '../../core/host.js';
import type { Fleet, Launch, WorkerHandle } from '../coordinator/fleet.js';
import type { PhysicalPlan } from '../graph/chain.js';
import { WorkerChannels } from '../worker/channels.js';
import type { EngineSettings } from '../worker/settings.js';
import { Worker } from '../worker/worker.js';
import { LocalDoorbell } from './doorbell.js';
import { drive } from './drive.js';

/** Keeps the process alive while a job waits for nothing that Node knows of. */
const KEEP_ALIVE_MS = 2 ** 30;

export class InlineFleet implements Fleet {
  readonly host: Host;
  readonly parallelism = 1;
  readonly #plan: PhysicalPlan;
  readonly #settings: EngineSettings;

  constructor(plan: PhysicalPlan, settings: EngineSettings, host: Host) {
    this.#plan = plan;
    this.#settings = settings;
    this.host = host;
  }

  launch(launch: Launch): readonly WorkerHandle[] {
    return [launchInline(this.#plan, this.#settings, this.host, launch)];
  }
}

function launchInline(
  plan: PhysicalPlan,
  settings: EngineSettings,
  host: Host,
  { runId, stateDirectory, restore, listener: listenerOf }: Launch,
): WorkerHandle {
  const listener = listenerOf(0);
  const store = stateDirectory === undefined ? undefined : new CheckpointStore(host.storage, stateDirectory);
  const doorbell = new LocalDoorbell();
  const channels = new WorkerChannels({ index: 0, parallelism: 1, rings: new Map(), doorbells: [doorbell], settings });
  let alive = true;
  const worker = new Worker({
    plan,
    index: 0,
    parallelism: 1,
    runId,
    settings,
    host,
    channels,
    store,
    restore: restore(0),
    // Never within the caller's call, as between threads.
    post: (message) => queueMicrotask(() => alive && listener.message(message)),
    wake: () => doorbell.ring(),
  });
  const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
  const driven = worker.open().then(() => drive(worker, doorbell, host, settings.sliceMs, () => alive));
  return {
    post: (message) => queueMicrotask(() => alive && worker.receive(message)),
    terminate: async () => {
      if (!alive) return;
      alive = false;
      clearInterval(keepAlive);
      doorbell.ring();
      await driven;
      await worker.close();
      listener.gone(undefined);
    },
  };
}
