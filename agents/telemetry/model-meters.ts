/**
 * What an operator's calls of models have taken, in time and tokens. Answers that come from a journal, a record or a cache are not
 * counted: they were not asked for.
 */
import { type Meter, Meters } from '../../core/meter.js';
import {
  DURATION_BOUNDS,
  errorTypeOf,
  GEN_AI,
  OPERATION_DURATION,
  providerOf,
  TOKEN_BOUNDS,
  TOKEN_USAGE,
} from './gen-ai.js';

/** What a call has used: of chat models and of embeddings. */
interface Used {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export class ModelMeters {
  readonly #meters = new Meters();
  readonly #operation: 'chat' | 'embeddings';

  constructor(operation: 'chat' | 'embeddings') {
    this.#operation = operation;
  }

  get all(): readonly Meter[] {
    return this.#meters.all;
  }

  answered(model: string, ms: number, { inputTokens, outputTokens }: Used): void {
    const of = this.#of(model);
    this.#meters.note(OPERATION_DURATION, 's', of, ms / 1_000, DURATION_BOUNDS);
    this.#tokens(of, 'input', inputTokens);
    if (this.#operation === 'chat') this.#tokens(of, 'output', outputTokens);
  }

  failed(model: string, ms: number, error: unknown): void {
    const of = { ...this.#of(model), [GEN_AI.errorType]: errorTypeOf(error) };
    this.#meters.note(OPERATION_DURATION, 's', of, ms / 1_000, DURATION_BOUNDS);
  }

  /** Another attempt is made. */
  retried(model: string): void {
    this.#meters.count('millrace.model.retries', '{retry}', this.#of(model));
  }

  /** Two requests were made, and one was given up. */
  hedged(model: string): void {
    this.#meters.count('millrace.model.hedges', '{request}', this.#of(model));
  }

  #tokens(of: Meter['attributes'], type: 'input' | 'output', tokens: number): void {
    this.#meters.note(TOKEN_USAGE, '{token}', { ...of, [GEN_AI.tokenType]: type }, tokens, TOKEN_BOUNDS);
  }

  #of(model: string): Meter['attributes'] {
    const provider = providerOf(model);
    return {
      [GEN_AI.operation]: this.#operation,
      ...(provider !== undefined && { [GEN_AI.provider]: provider }),
      [GEN_AI.requestModel]: model,
    };
  }
}
