/**
 * Answers of models by what was asked, of one operator in one subtask. Not in checkpoints: it saves money, and nothing rests on it.
 */
import { createHash } from 'node:crypto';
import { type CacheSpec, LookupCache } from '../operators/async/lookup-cache.js';

export class AnswerCache {
  readonly #isOff: boolean;
  readonly #answers: LookupCache;

  constructor(spec: CacheSpec, now: () => number) {
    this.#isOff = spec.size === 0;
    this.#answers = new LookupCache(spec, now);
  }

  /** In an array; undefined: it has to be asked. */
  get(asked: string): readonly [unknown] | undefined {
    return this.#isOff ? undefined : this.#answers.get(hashOf(asked));
  }

  set(asked: string, answer: unknown): void {
    if (!this.#isOff) this.#answers.set(hashOf(asked), answer);
  }
}

/** All else that an answer depends on is the same for the whole operator. */
function hashOf(asked: string): string {
  return createHash('sha256').update(asked).digest('base64');
}
