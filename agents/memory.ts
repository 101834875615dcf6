/**
 * What a key remembers of the runs before: the last ones as they were, and older ones summed up by a model.
 *
 * Invariants: summing up is a step of the run that begins with too much, recorded and paid for like any other; what it gives takes
 * effect with the run's writes to state, and so not if the run fails.
 */
import { MillraceError } from '../core/errors.js';
import { innerName } from '../state/inner-names.js';
import type { ChatModel, ChatRequest } from './model/chat-model.js';
import { DATA_RULE, data } from './prompt-data.js';
import type { Remembered } from './run-record.js';
import type { StagedState } from './staged-state.js';

/** When and how a model sums up what a key remembers. */
export interface Summarise {
  /** About how many tokens what is remembered may have. */
  readonly above: number;
  /** Runs that stay as they were; default 4. */
  readonly keep?: number;
  /** Who sums up; default: the agent's model. */
  readonly model?: ChatModel | readonly ChatModel[];
  /** What is to be kept in mind. Default: facts, decisions and what is open. */
  readonly instructions?: string;
}

/** What is remembered of a key. */
export interface MemoryOptions {
  /** The last inputs and replies that are shown to the next run. */
  readonly last: number;
  /** Has what is older summed up, before it is forgotten. Default: it is forgotten. */
  readonly summarise?: Summarise;
}

/** What a run is shown of the runs of its key before it. */
export interface Memory {
  /** Of what is older than `recent`; undefined: there is nothing older. */
  readonly summary: string | undefined;
  /** The last ones, oldest first. */
  readonly recent: readonly Remembered[];
}

/** The options, checked. */
export interface MemorySpec {
  readonly last: number;
  readonly summarise: (Required<Omit<Summarise, 'model'>> & { readonly models: readonly ChatModel[] }) | undefined;
}

const KEEP = 4;
/** Of English; others have fewer. */
const CHARS_PER_TOKEN = 4;
const INSTRUCTIONS =
  'Sum up what has happened so far, for whoever goes on with it: facts, decisions, and what is open. Use at most 200 words.';

const SUMMARY = innerName('agent', 'summary');
export const RECENT = innerName('agent', 'memory');

export function memorySpec(options: MemoryOptions | undefined, models: readonly ChatModel[]): MemorySpec {
  const { last, summarise } = options ?? { last: 0 };
  if (!Number.isSafeInteger(last) || last < 0) throw invalid(`memory.last is ${last}`);
  if (!summarise) return { last, summarise };
  const { above, keep = KEEP, instructions = INSTRUCTIONS, model = models } = summarise;
  if (!(above > 0)) throw invalid(`memory.summarise.above is ${above}`);
  if (!Number.isSafeInteger(keep) || keep < 0 || keep >= last)
    throw invalid(`memory.summarise.keep is ${keep}, of ${last}`);
  const own = [model].flat() as readonly ChatModel[];
  if (own.length === 0) throw invalid('there is no model for memory.summarise');
  return { last, summarise: { above, keep, instructions, models: own } };
}

/** What a run finds, with older runs summed up where there are too many, or too long ones. */
export async function memoryOf(
  { last, summarise }: MemorySpec,
  recent: readonly Remembered[],
  state: StagedState,
  ask: (models: readonly ChatModel[], request: ChatRequest) => Promise<{ readonly text: string }>,
): Promise<Memory> {
  if (!summarise) return { summary: undefined, recent };
  const summaries = state.value<string>(SUMMARY);
  const summary = summaries.get(state.slot);
  const [old, kept] = [recent.slice(0, recent.length - summarise.keep), recent.slice(-summarise.keep || recent.length)];
  const tokens = textOf(recent).length / CHARS_PER_TOKEN;
  if (old.length === 0 || (tokens <= summarise.above && recent.length < last)) return { summary, recent };
  const { text } = await ask(summarise.models, {
    messages: [
      { role: 'system', text: `${summarise.instructions}\n\n${DATA_RULE}` },
      {
        role: 'user',
        text: `${summary === undefined ? '' : `Summed up before: ${data(summary)}\n`}${data(textOf(old))}`,
      },
    ],
  });
  summaries.set(state.slot, text);
  state.list<Remembered>(RECENT).set(state.slot, kept);
  return { summary: text, recent: kept };
}

function textOf(recent: readonly Remembered[]): string {
  return JSON.stringify(recent, (_name, value) => (typeof value === 'bigint' ? String(value) : value));
}

function invalid(text: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', text);
}
