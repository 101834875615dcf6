/**
 * Where records in flight are kept, so that they are in checkpoints: with the subtask, which may hand them to any other after
 * a restore; or with their keys.
 */
import type { Pane } from '../../state/backend.js';
import type { OperatorContext } from '../operator.js';
import type { Flight, InFlight } from './flight.js';

/** A record in flight, in a checkpoint. */
export type Saved = readonly [record: unknown, timestamp: number];

export interface Keeping {
  /** Those that are in the checkpoint that the job goes on from; with their keys' slots. */
  restore(): Iterable<readonly [...Saved, slot: number]>;
  added(flying: InFlight): void;
  /** Its result is out. */
  removed(flying: InFlight): void;
  snapshot(flight: Flight): readonly Saved[] | undefined;
}

export class SubtaskKeeping implements Keeping {
  readonly #restored: readonly (readonly Saved[])[];

  constructor(restored: readonly unknown[]) {
    this.#restored = restored as readonly (readonly Saved[])[];
  }

  *restore(): Iterable<readonly [...Saved, slot: number]> {
    for (const [record, timestamp] of this.#restored.flat()) yield [record, timestamp, -1];
  }

  added(): void {}

  removed(): void {}

  snapshot(flight: Flight): readonly Saved[] {
    return Array.from(flight, ({ record, timestamp }) => [record, timestamp] as const);
  }
}

/** All in one pane: it holds the keys that have some, whose slots then stay theirs. */
export class KeyKeeping implements Keeping {
  readonly #pane: () => Pane<Saved[]>;

  constructor({ state }: OperatorContext) {
    const panes = state.panes<Saved[]>('in-flight');
    this.#pane = () => panes.pane(0);
  }

  *restore(): Iterable<readonly [...Saved, slot: number]> {
    const pane = this.#pane();
    for (let at = 0; at < pane.size; at += 1)
      for (const [record, timestamp] of pane.valueAt(at)) yield [record, timestamp, pane.slotAt(at)];
  }

  added({ record, timestamp, slot }: InFlight): void {
    const pane = this.#pane();
    pane.set(slot, [...(pane.get(slot) ?? []), [record, timestamp]]);
  }

  /** Those of a key leave in the order in which they came. */
  removed({ slot }: InFlight): void {
    const pane = this.#pane();
    const left = (pane.get(slot) ?? []).slice(1);
    if (left.length > 0) pane.set(slot, left);
    else pane.remove(slot);
  }

  snapshot(): undefined {
    return undefined;
  }
}
