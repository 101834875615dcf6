/**
 * State that is the same in every subtask: tables without keys, which broadcast records alone may change. In memory, and
 * whole in every subtask's snapshot.
 */
import { Batch, Inbox } from '../../core/batch.js';
import { describeValue, MillraceError } from '../../core/errors.js';
import { hashKey } from '../../core/key.js';
import type { StateRow } from '../../state/backend.js';
import type { StateDescriptors } from '../../state/descriptors.js';
import { Expiry } from '../../state/expiry.js';
import { bindHandles } from '../../state/handles.js';
import { MemoryState } from '../../state/memory/memory-state.js';

type Handles = Readonly<Record<string, object>>;

export class BroadcastStore {
  /** For broadcast records. */
  readonly handles: Handles;
  /** For all others: they read. */
  readonly readable: Handles;
  readonly #state = new MemoryState({ maxParallelism: 1 });

  /** `restored`: what `snapshot` of some subtask gave. */
  constructor(descriptors: StateDescriptors, restored: unknown) {
    // A copy: where no thread is between, several subtasks start from the same rows.
    for (const row of structuredClone(restored ?? []) as readonly StateRow[]) this.#state.restore(row);
    // All of it stands under one key, which is never let go.
    const batch = new Batch(1);
    batch.pushKeyed(undefined, 0, null, hashKey(null));
    this.#state.prepare(new Inbox(batch));
    this.#state.slot = batch.slots[0] as number;
    const noClock = (): number => 0;
    const expiry = new Expiry(this.#state, { now: noClock, writtenAt: noClock });
    this.handles = bindHandles(descriptors, this.#state, expiry) as Handles;
    this.readable = Object.fromEntries(Object.entries(this.handles).map(([name, handle]) => [name, reading(handle)]));
  }

  /** A copy: it is written later, and by then accumulators may have changed in place. */
  snapshot(): readonly StateRow[] {
    return structuredClone([...this.#state.rows()]);
  }
}

const READS = ['get', 'has', 'entries', 'keys', 'values'] as const;
const PROPERTIES = ['size', 'first', 'last'] as const;
const CHANGES = ['set', 'add', 'delete', 'clear', 'push', 'unshift', 'pop', 'shift'] as const;

/** What of a handle reads; the rest throws. */
function reading(handle: object): object {
  const target = handle as Record<string, unknown>;
  const shown: Record<string, unknown> = {};
  for (const name of READS) {
    const method = target[name];
    if (typeof method === 'function') shown[name] = method.bind(handle);
  }
  for (const name of CHANGES) if (name in handle) shown[name] = refuse(name);
  for (const name of PROPERTIES)
    if (name in handle) Object.defineProperty(shown, name, { get: () => target[name], enumerable: true });
  return Object.freeze(shown);
}

function refuse(method: string): () => never {
  return () => {
    const text = `broadcast state was changed (${describeValue(method)}) for a record that is not broadcast`;
    throw new MillraceError('MILL_FUNCTION_FAILED', text, {
      hint: 'Change it in onBroadcast alone, which every subtask calls alike.',
    });
  };
}
