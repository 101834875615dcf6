/**
 * The loop around a worker on a real event loop: steps it for a slice, gives other callbacks their turn, sleeps when
 * there is nothing to do.
 */
import type { Host } from '../../core/host.js';
import type { Worker } from '../worker/worker.js';
import type { Bed } from './doorbell.js';

/** Drives `worker` until `alive` says no. Never rejects: a worker reports its failures itself. */
export async function drive(
  worker: Worker,
  bed: Bed,
  host: Host,
  sliceMs: number,
  alive: () => boolean,
): Promise<void> {
  while (alive()) {
    if (stepForSlice(worker, host, sliceMs)) {
      await turn();
      continue;
    }
    bed.arm();
    // Something may have come between the last look and the arming.
    if (worker.step()) bed.disarm();
    else await bed.sleep();
  }
}

/** True when the worker still had something to do at the end of the slice. */
function stepForSlice(worker: Worker, host: Host, sliceMs: number): boolean {
  const until = host.elapsed() + sliceMs;
  while (worker.step()) if (host.elapsed() >= until) return true;
  return false;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
