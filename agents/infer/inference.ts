/**
 * One question about each record, asked of a model, alone or with others in one request. An answer that does not fit may be
 * mended once; what has been asked before is answered from the cache.
 */
import { asMillraceError, MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import type { StandardSchemaV1 } from '../../core/schema.js';
import { FailedRecord } from '../../operators/async/async-operator.js';
import type { CacheSpec } from '../../operators/async/lookup-cache.js';
import { AnswerCache } from '../answer-cache.js';
import type { ChatAnswer, ChatMessage, ChatModel, ChatRequest, JsonSchema } from '../model/chat-model.js';
import { anyAnswer, ModelHealth } from '../model-attempts.js';
import { DATA_RULE, data } from '../prompt-data.js';
import { REPAIRS, readReply, repairText } from '../reply.js';
import { Batch } from './batch.js';
import { batchSchema } from './batch-schema.js';

export interface InferSpec {
  readonly models: readonly ChatModel[];
  readonly instructions: string;
  readonly inputOf: (record: never) => unknown;
  readonly output: StandardSchemaV1;
  readonly schema: JsonSchema;
  readonly cache: CacheSpec;
  readonly attempts: number;
  readonly limits: Pick<ChatRequest, 'maxOutputTokens' | 'temperature'>;
}

/** What is known of a record without an answer: `about` of its dead letter. */
export interface AboutInference {
  /** What the model was shown of the record. */
  readonly prompt: string;
  /** What it said, one text an attempt. */
  readonly answers: readonly string[];
}

/** How an inference has ended. */
export type Inferred = { readonly value: unknown } | { readonly error: MillraceError };

const BATCH_RULE =
  'You are given several items, each with its number. They have nothing to do with one another. Answer for each, with its number.';

export class Inference {
  readonly #spec: InferSpec;
  readonly #host: Host;
  /** Of its models. */
  readonly health = new ModelHealth();
  readonly #cache: AnswerCache;
  readonly #batchSchema: JsonSchema;

  constructor(spec: InferSpec, host: Host) {
    this.#spec = spec;
    this.#host = host;
    this.#cache = new AnswerCache(spec.cache, () => host.now());
    this.#batchSchema = batchSchema(spec.schema);
  }

  /** Of one record; at once if it is known. */
  one(record: unknown, signal: AbortSignal): unknown {
    const prompt = this.#promptOf(record);
    const known = this.#cache.get(prompt);
    return known ? known[0] : this.#asked(prompt, signal);
  }

  /** Of several, in their order; `FailedRecord` for those that have none. The same question is asked once. */
  async several(records: readonly unknown[], signal: AbortSignal): Promise<readonly unknown[]> {
    const prompts = records.map((record) => this.#promptOf(record));
    const answers = new Map<string, unknown>();
    const open = [...new Set(prompts)].filter((prompt) => {
      const known = this.#cache.get(prompt);
      if (known) answers.set(prompt, known[0]);
      return !known;
    });
    const inferred = open.length > 0 ? await this.#askedTogether(open, signal) : [];
    for (const [at, outcome] of inferred.entries())
      answers.set(open[at] as string, 'value' in outcome ? outcome.value : new FailedRecord(outcome.error));
    return prompts.map((prompt) => answers.get(prompt));
  }

  #promptOf(record: unknown): string {
    return data(this.#spec.inputOf(record as never) ?? null);
  }

  async #asked(prompt: string, signal: AbortSignal): Promise<unknown> {
    const messages: ChatMessage[] = [
      { role: 'system', text: `${this.#spec.instructions}\n\n${DATA_RULE}` },
      { role: 'user', text: prompt },
    ];
    const answers: string[] = [];
    for (let repairs = 0; ; repairs += 1) {
      const answer = await this.#answer(messages, this.#spec.schema, signal).catch((error: unknown) => {
        throw withAbout(error, { prompt, answers });
      });
      answers.push(answer.text);
      const reply = readReply(this.#spec.output, answer);
      if ('value' in reply) {
        this.#cache.set(prompt, reply.value);
        return reply.value;
      }
      if (repairs === REPAIRS) throw withAbout(reply.error, { prompt, answers });
      messages.push({ role: 'assistant', text: answer.text }, { role: 'user', text: repairText(reply.error) });
    }
  }

  async #askedTogether(prompts: readonly string[], signal: AbortSignal): Promise<readonly Inferred[]> {
    if (prompts.length === 1) return [await this.#settled(prompts[0] as string, signal)];
    const batch = new Batch(prompts, this.#spec.output);
    const messages: ChatMessage[] = [
      { role: 'system', text: `${this.#spec.instructions}\n\n${BATCH_RULE}\n\n${DATA_RULE}` },
      { role: 'user', text: batch.question },
    ];
    for (let repairs = 0; ; repairs += 1) {
      let answer: ChatAnswer;
      try {
        answer = await this.#answer(messages, this.#batchSchema, signal);
      } catch (error) {
        if (isTooLong(error)) return this.#halved(prompts, signal);
        return batch.outcomes((about) => withAbout(error, about));
      }
      if (answer.finish === 'length') return this.#halved(prompts, signal);
      for (const [prompt, value] of batch.read(answer)) this.#cache.set(prompt, value);
      if (batch.isDone || repairs === REPAIRS) return batch.outcomes();
      messages.push({ role: 'assistant', text: answer.text }, { role: 'user', text: batch.complaint });
    }
  }

  /** The question, or its answer, is too long for one request. */
  async #halved(prompts: readonly string[], signal: AbortSignal): Promise<readonly Inferred[]> {
    const middle = Math.ceil(prompts.length / 2);
    const halves = [prompts.slice(0, middle), prompts.slice(middle)];
    return (await Promise.all(halves.map((half) => this.#askedTogether(half, signal)))).flat();
  }

  async #settled(prompt: string, signal: AbortSignal): Promise<Inferred> {
    try {
      return { value: await this.#asked(prompt, signal) };
    } catch (error) {
      return { error: asMillraceError(error, 'MILL_FUNCTION_FAILED') };
    }
  }

  async #answer(messages: readonly ChatMessage[], schema: JsonSchema, signal: AbortSignal): Promise<ChatAnswer> {
    const { models, attempts, limits } = this.#spec;
    const request = { messages: [...messages], output: { name: 'answer', schema }, ...limits };
    const asking = { models, attempts, health: this.health, host: this.#host, signal };
    return (await anyAnswer(asking, request)).answer;
  }
}

function isTooLong(error: unknown): boolean {
  return (error as { failure?: unknown } | undefined)?.failure === 'tooLong';
}

function withAbout(error: unknown, about: AboutInference): MillraceError {
  const { code, message } = asMillraceError(error, 'MILL_FUNCTION_FAILED');
  return new MillraceError(code, message, { cause: error, about });
}
