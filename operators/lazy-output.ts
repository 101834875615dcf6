/**
 * What a user function has returned and not all of which is put out yet: pulled as room permits, so that a million
 * records from one never stand in memory.
 *
 * Invariant: an iterator in progress is finished, or closed after it has thrown, before the next one starts.
 */
import type { Batch } from '../core/batch.js';

/** What user functions return: nothing, or records to put out. */
export type Results<T> = Iterable<T> | undefined | void;

export class LazyOutput {
  #iterator: Iterator<unknown> | undefined;
  #timestamp = 0;

  get pending(): boolean {
    return this.#iterator !== undefined;
  }

  /** Puts out `results` as far as there is room; true when all of them are out. */
  put(results: Iterable<unknown>, timestamp: number, output: Batch): boolean {
    if (Array.isArray(results) && results.length <= output.room) {
      for (let at = 0; at < results.length; at += 1) output.push(results[at], timestamp);
      return true;
    }
    this.#iterator = results[Symbol.iterator]();
    this.#timestamp = timestamp;
    return this.resume(output);
  }

  /** Goes on with what `put` left. */
  resume(output: Batch): boolean {
    const iterator = this.#iterator;
    if (!iterator) return true;
    try {
      while (!output.full) {
        const next = iterator.next();
        if (next.done) {
          this.#iterator = undefined;
          return true;
        }
        output.push(next.value, this.#timestamp);
      }
    } catch (error) {
      this.#iterator = undefined;
      throw error;
    }
    return false;
  }

  close(): void {
    this.#iterator?.return?.();
    this.#iterator = undefined;
  }
}
