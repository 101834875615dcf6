/**
 * What keyed state wants of the base below it: the rows of keys that are not in memory. One per operator.
 */
import type { StateRow } from '../backend.js';

export interface RowBase {
  /**
   * Reads all rows of lists, maps and values that each key has in the base, and hands them to `done` in the order of the
   * keys, once, now or later; never if that fails, which the base tells whoever opened it.
   */
  fetch(keys: readonly WantedKey[], done: (rows: readonly (readonly BaseRow[])[]) => void): void;
  /** All of these rows, for dumps; where they can't be read at once it throws. */
  rows(): Iterable<StateRow>;
}

export interface WantedKey {
  readonly keyGroup: number;
  readonly key: unknown;
}

export interface BaseRow {
  readonly table: string;
  readonly kind: StateRow['kind'];
  readonly subkey: unknown;
  readonly value: unknown;
}

/** Kinds of tables whose rows may leave memory; timers and panes stay there. */
export function mayLeave(kind: StateRow['kind']): boolean {
  return kind === 'value' || kind === 'list' || kind === 'map';
}
