/** One life of a process under simulation: a job from its start to its end, to a typed failure, or to its death. */
import type { JobDefinition } from 'millrace';
import { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import { mergeIn } from '../../checkpoint/merge-in.js';
import { Coordinator, type JobOutcome } from '../../engine/coordinator/coordinator.js';
import type { RestartPolicy } from '../../engine/coordinator/restart-strategy.js';
import type { StartOptions } from '../../engine/coordinator/starting-point.js';
import { physicalPlan } from '../../engine/graph/chain.js';
import type { MemoryStorage } from '../../engine/host/memory-storage.js';
import { Simulation } from '../../engine/host/simulated-host.js';
import type { VirtualClock } from '../../engine/host/virtual-clock.js';
import { DEFAULT_SETTINGS, type EngineSettings } from '../../engine/worker/settings.js';

/** The state directory of every life. */
export const STATE = '/state';

export interface Life {
  readonly disk: MemoryStorage;
  readonly seed: number;
  readonly definition: JobDefinition;
  readonly workers: number;
  readonly start?: StartOptions;
  readonly restart?: RestartPolicy;
  readonly settings?: Partial<EngineSettings>;
  readonly clock?: VirtualClock;
  readonly diesAt?: number;
  /** What the program does while the job runs. */
  readonly meanwhile?: (coordinator: Coordinator) => Promise<void>;
}

/** How it ended; undefined: the process has died. Rejects as the job does. */
export async function live(life: Life): Promise<JobOutcome | undefined> {
  const { disk, seed, workers, clock, diesAt, meanwhile } = life;
  const simulation = new Simulation({
    seed,
    workers,
    disk,
    settings: { ...DEFAULT_SETTINGS, batchRecords: 4, ringBytes: 1 << 12, ...life.settings },
    ...(clock === undefined ? {} : { clock }),
    ...(diesAt === undefined ? {} : { diesAt }),
  });
  const coordinator = coordinatorOf(life, simulation);
  const outcome = await simulation.run(Promise.all([coordinator.done, meanwhile?.(coordinator)]));
  return outcome?.[0];
}

function coordinatorOf(
  { definition, start = {}, restart = { kind: 'none' } }: Life,
  simulation: Simulation,
): Coordinator {
  const plan = physicalPlan(definition.plan());
  const store = new CheckpointStore(simulation.storage, STATE);
  return new Coordinator({
    plan,
    fleet: simulation.fleet(plan, simulation.host()),
    restart,
    fresh: false,
    checkpoints: {
      store,
      everyMs: 4,
      timeoutMs: 60_000,
      filesMax: 1,
      merge: (task) => mergeIn(simulation.storage, STATE, task),
    },
    start,
  });
}

/** Lines of all visible files in a directory, sorted; throws when a file in progress is left. */
export async function linesOn(disk: MemoryStorage, directory: string): Promise<string[]> {
  const lines: string[] = [];
  for (const { name } of await disk.list(directory)) {
    if (name.startsWith('.')) throw new Error(`a stray ${name}`);
    const bytes = new Uint8Array((await disk.stat(`${directory}/${name}`))?.sizeBytes ?? 0);
    await (await disk.read(`${directory}/${name}`)).read(bytes, 0);
    const text = new TextDecoder().decode(bytes);
    lines.push(...text.split('\n').filter((line) => line !== ''));
  }
  return lines.sort();
}
