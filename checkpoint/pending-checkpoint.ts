/**
 * A checkpoint on its way: which acknowledgements it still waits for.
 *
 * Invariant: complete exactly once, when every expected part has been acknowledged; a part counts once.
 */
import { assert } from '../core/errors.js';

export class PendingCheckpoint<Part> {
  readonly id: number;
  readonly #missing: Set<string>;
  readonly #parts: Part[] = [];

  /** `expected`: a name for each part, such as `chain/subtask`. */
  constructor(id: number, expected: Iterable<string>) {
    this.id = id;
    this.#missing = new Set(expected);
  }

  /** True when this was the last part missing. */
  acknowledge(name: string, part: Part): boolean {
    assert(this.#missing.delete(name), `checkpoint ${this.id}: unexpected acknowledgement of ${name}`);
    this.#parts.push(part);
    return this.#missing.size === 0;
  }

  get parts(): readonly Part[] {
    return this.#parts;
  }
}
