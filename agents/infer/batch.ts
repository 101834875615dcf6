/**
 * Several questions in one request: how they are put, and which have been answered so far.
 */
import type { MillraceError } from '../../core/errors.js';
import { type StandardSchemaV1, validate } from '../../core/schema.js';
import type { ChatAnswer } from '../model/chat-model.js';
import { invalidReply } from '../reply.js';
import type { AboutInference, Inferred } from './inference.js';

interface Item {
  readonly prompt: string;
  readonly answers: string[];
  value: { readonly value: unknown } | undefined;
  /** Why its last answer does not do. */
  complaint: string;
}

const MISSING = 'it has no answer';

export class Batch {
  readonly #items: readonly Item[];
  readonly #output: StandardSchemaV1;

  constructor(prompts: readonly string[], output: StandardSchemaV1) {
    this.#items = prompts.map((prompt) => ({ prompt, answers: [], value: undefined, complaint: MISSING }));
    this.#output = output;
  }

  /** All of them, numbered from 1. */
  get question(): string {
    return this.#items.map(({ prompt }, at) => `Item ${at + 1}: ${prompt}`).join('\n\n');
  }

  get isDone(): boolean {
    return this.#items.every(({ value }) => value !== undefined);
  }

  /** What is missing or does not fit, for the model. */
  get complaint(): string {
    const open = this.#items.flatMap(({ value, complaint }, at) => (value ? [] : [`Item ${at + 1}: ${complaint}.`]));
    return `That does not fit.\n${open.join('\n')}\nAnswer for these items again, with their numbers, with JSON that fits.`;
  }

  /** Takes in what a model has said; what is new. */
  read(answer: ChatAnswer): readonly (readonly [prompt: string, value: unknown])[] {
    const results = resultsOf(answer);
    for (const item of this.#items.filter(({ value }) => !value)) {
      item.complaint = 'complaint' in results ? results.complaint : MISSING;
      if ('complaint' in results) item.answers.push(answer.text);
    }
    if ('complaint' in results) return [];
    return results.answers.flatMap(({ item, answer: said }) => this.#readOne(item, said));
  }

  /** As it stands; `failed` says why those without an answer have none, by default that their answers do not fit. */
  outcomes(failed?: (about: AboutInference) => MillraceError): readonly Inferred[] {
    return this.#items.map(({ prompt, answers, value, complaint }) => {
      if (value) return value;
      const about = { prompt, answers };
      return { error: failed ? failed(about) : invalidReply(complaint, about) };
    });
  }

  #readOne(number: unknown, said: unknown): readonly (readonly [prompt: string, value: unknown])[] {
    const item = this.#items[Number(number) - 1];
    if (!item || item.value) return [];
    item.answers.push(JSON.stringify(said) ?? '');
    try {
      item.value = { value: validate(this.#output, said) };
      return [[item.prompt, item.value.value]];
    } catch (error) {
      item.complaint = error instanceof Error ? error.message : String(error);
      return [];
    }
  }
}

interface Results {
  readonly answers: readonly { readonly item?: unknown; readonly answer?: unknown }[];
}

function resultsOf({ text, finish }: ChatAnswer): Results | { readonly complaint: string } {
  if (finish === 'filter') return { complaint: 'the provider has withheld the answer' };
  try {
    const { answers } = JSON.parse(text) as Partial<Results>;
    if (Array.isArray(answers)) return { answers: answers.filter((each) => typeof each === 'object' && each !== null) };
  } catch {
    // As below.
  }
  return { complaint: 'the answer is no JSON of the form that was asked for' };
}
