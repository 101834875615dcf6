/**
 * One parallel instance of a chain, as its host sees it: what it has put out, what its rows have changed by, what it
 * has acknowledged. To the subtask it is all of the world.
 */
import { MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import type { InputChannel, OutputChannel } from '../../engine/exchange/channel.js';
import type { Link } from '../../engine/graph/chain.js';
import { Subtask, type SubtaskHello, type SubtaskHost } from '../../engine/worker/subtask.js';
import type { SubtaskSnapshot } from '../../engine/worker/subtask-snapshot.js';
import type { KeyedState, RowWriter, StateRow } from '../../state/backend.js';
import { MemoryState } from '../../state/memory/memory-state.js';

export interface Wiring {
  inputs(link: Link): readonly InputChannel[];
  outputs(link: Link): readonly OutputChannel[];
  random(): number;
}

/** Rows by their place in state, whichever instance holds them. */
export type Rows = Map<string, StateRow>;

export const placeOf = (uid: string, { table, kind, key, subkey }: Omit<StateRow, 'value' | 'keyGroup'>): string =>
  JSON.stringify([uid, table, kind, key, subkey ?? null]);

export class HostedInstance implements SubtaskHost {
  readonly subtask: Subtask;
  readonly host: Host;
  /** Not yet part of a complete checkpoint. */
  readonly results: unknown[] = [];
  snapshot: SubtaskSnapshot | undefined;
  hasEnded = false;
  failure: MillraceError | undefined;
  readonly #wiring: Wiring;
  readonly #maxParallelism: number;
  /** Rows changed since the checkpoint before the last barrier; undefined: removed. */
  readonly #delta = new Map<string, StateRow | undefined>();
  /** How many of the results came before the last barrier. */
  #cut = 0;

  constructor(hello: SubtaskHello, wiring: Wiring) {
    this.#wiring = wiring;
    this.#maxParallelism = hello.plan.logical.maxParallelism;
    this.host = emptyHost(() => wiring.random());
    this.subtask = new Subtask(hello, this);
  }

  inputs(link: Link): readonly InputChannel[] {
    return this.#wiring.inputs(link);
  }

  outputs(link: Link): readonly OutputChannel[] {
    return this.#wiring.outputs(link);
  }

  keyedState(): KeyedState {
    return new MemoryState({ maxParallelism: this.#maxParallelism, journal: true });
  }

  /** Called when the barrier reaches the operator: all that was put out so far has passed the sink behind it. */
  rowWriter(uid: string): RowWriter {
    this.#cut = this.results.length;
    return {
      put: (table, kind, keyGroup, key, subkey, value) => {
        const row = { table, kind, keyGroup, key, subkey, value: structuredClone(value) };
        this.#delta.set(placeOf(uid, row), row);
      },
      remove: (table, kind, _keyGroup, key, subkey) => {
        this.#delta.set(placeOf(uid, { table, kind, key, subkey }), undefined);
      },
    };
  }

  wake(): void {}

  fail(error: MillraceError): void {
    this.failure = error;
  }

  acknowledge(snapshot: SubtaskSnapshot): void {
    this.snapshot = snapshot;
  }

  ended(): void {
    this.hasEnded = true;
  }

  collect(_uid: string, records: readonly unknown[]): boolean {
    this.results.push(...records);
    return true;
  }

  /** The checkpoint is complete: its rows go to `rows`, its results are returned. */
  commit(checkpoint: number, rows: Rows): unknown[] {
    while (!this.subtask.drainSealed(Number.MAX_SAFE_INTEGER));
    for (const [place, row] of this.#delta) {
      if (row) rows.set(place, row);
      else rows.delete(place);
    }
    this.#delta.clear();
    this.subtask.complete(checkpoint);
    const committed = this.results.splice(0, this.#cut);
    this.#cut = 0;
    return committed;
  }
}

/** Nothing of the outside is there but chance, and a clock that stands still. */
function emptyHost(random: () => number): Host {
  const absent = (): never => {
    throw new MillraceError('MILL_BUG', 'the subtask reaches for something that its host does not have');
  };
  return {
    now: () => 0,
    elapsed: () => 0,
    random,
    timer: absent,
    fetch: absent,
    print: absent,
    pool: { threads: 1, run: absent },
    get storage() {
      return absent();
    },
  };
}
