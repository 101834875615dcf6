/**
 * Vectors of texts, several in a request; what has been asked before comes from the cache.
 */
import { MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { FailedRecord } from '../../operators/async/async-operator.js';
import type { CacheSpec } from '../../operators/async/lookup-cache.js';
import { AnswerCache } from '../answer-cache.js';
import type { EmbeddingModel } from '../model/embedding-model.js';
import { firstAnswer, ModelHealth } from '../model-attempts.js';

export interface EmbedSpec {
  readonly models: readonly EmbeddingModel[];
  readonly inputOf: (record: never) => unknown;
  readonly cache: CacheSpec;
  readonly attempts: number;
}

export class Embedding {
  readonly #spec: EmbedSpec;
  readonly #host: Host;
  /** Of its models. */
  readonly health = new ModelHealth('embeddings');
  readonly #cache: AnswerCache;

  constructor(spec: EmbedSpec, host: Host) {
    this.#spec = spec;
    this.#host = host;
    this.#cache = new AnswerCache(spec.cache, () => host.now());
  }

  /** One for each record, in their order; `FailedRecord` where there is no text, or it is too long by itself. */
  async several(records: readonly unknown[], signal: AbortSignal): Promise<readonly unknown[]> {
    const texts = records.map((record) => this.#spec.inputOf(record as never));
    const vectors = new Map<unknown, unknown>();
    const open = [...new Set(texts)].filter((text) => {
      const known = typeof text === 'string' && text.trim() !== '' ? this.#cache.get(text)?.[0] : withoutText(text);
      if (known !== undefined) vectors.set(text, known);
      return known === undefined;
    }) as string[];
    const asked = open.length > 0 ? await this.#asked(open, signal) : [];
    for (const [at, text] of open.entries()) {
      vectors.set(text, asked[at]);
      if (!(asked[at] instanceof FailedRecord)) this.#cache.set(text, asked[at]);
    }
    return texts.map((text) => vectors.get(text));
  }

  async #asked(texts: readonly string[], signal: AbortSignal): Promise<readonly unknown[]> {
    const { models, attempts } = this.#spec;
    const asking = { models, attempts, health: this.health, host: this.#host, signal };
    try {
      const { answer } = await firstAnswer(asking, (model, call) => model.embed(texts, call));
      return answer.vectors;
    } catch (error) {
      if ((error as { failure?: unknown }).failure !== 'tooLong') throw error;
      if (texts.length === 1) return [new FailedRecord(error)];
      const middle = Math.ceil(texts.length / 2);
      const halves = [texts.slice(0, middle), texts.slice(middle)];
      return (await Promise.all(halves.map((half) => this.#asked(half, signal)))).flat();
    }
  }
}

function withoutText(text: unknown): FailedRecord {
  const what = typeof text === 'string' ? 'an empty text' : `a text that is ${text === null ? 'null' : typeof text}`;
  return new FailedRecord(new MillraceError('MILL_RECORD_REJECTED', `a record has ${what} to embed`));
}
