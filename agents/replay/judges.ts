/**
 * Who says what a run is worth: labels that somebody has given, a model, or any function.
 */
import { MillraceError } from '../../core/errors.js';
import type { ChatModel, ChatRequest, ModelCall } from '../model/chat-model.js';
import type { RunRecord } from '../run-record.js';
import { differences } from './rerun.js';

/** What a run is worth, from 0 to 1, and why. */
export interface Judgement {
  readonly score: number;
  readonly note?: string | undefined;
}

/** Undefined: it has nothing to say about this run. `call` is for judges that ask a model. */
export type Judge = (run: RunRecord, call: ModelCall) => Judgement | undefined | Promise<Judgement | undefined>;

/** What would have been right, for one run. */
export interface Label {
  /** The run's id. */
  readonly run: string;
  /** The reply, or those fields of it that count. */
  readonly reply: unknown;
}

/**
 * Judges by labels: the score is the share of labelled fields that are right; of a reply that is no object, 1 or 0. Runs that
 * failed are wrong; runs without a label are not judged.
 *
 * @example const judge = byLabels([{ run: '4f2a…', reply: { urgent: true } }])
 */
export function byLabels(labels: Iterable<Label>): Judge {
  const replies = new Map(Array.from(labels, ({ run, reply }) => [run, reply]));
  return ({ id, outcome, reply }) => {
    if (!replies.has(id)) return undefined;
    if (outcome === 'failed') return { score: 0, note: 'it failed' };
    return likeness(replies.get(id), reply);
  };
}

function likeness(wanted: unknown, reply: unknown): Judgement {
  if (!isFields(wanted) || !isFields(reply)) {
    const [first] = differences(wanted, reply, '');
    return first ? { score: 0, note: noteOf([first]) } : { score: 1 };
  }
  const fields = Object.keys(wanted);
  const wrong = fields.flatMap((field) => differences(wanted[field], reply[field], field).slice(0, 1));
  if (wrong.length === 0) return { score: 1 };
  return { score: (fields.length - wrong.length) / fields.length, note: noteOf(wrong) };
}

function noteOf(wrong: ReturnType<typeof differences>): string {
  return wrong
    .map(
      ({ path, before, after }) => `${path || 'the reply'} should be ${before ?? 'nothing'}, not ${after ?? 'nothing'}`,
    )
    .join('; ');
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A model as a judge. */
export interface ModelJudgeOptions {
  readonly model: ChatModel;
  /** What makes a reply good. */
  readonly instructions: string;
  /** What it is shown of a run; default: input, outcome and reply, as JSON. */
  readonly show?: (run: RunRecord) => string;
}

const FORMAT = {
  name: 'judgement',
  schema: {
    type: 'object',
    properties: { score: { type: 'number', minimum: 0, maximum: 1 }, note: { type: 'string' } },
    required: ['score', 'note'],
    additionalProperties: false,
  },
} satisfies ChatRequest['output'];

/**
 * Judges by a model, which gives each run a score from 0 to 1 and says why. One request a run and side; rejects with what the
 * model does, and with `MILL_AGENT_OUTPUT_INVALID` for an answer that is no judgement.
 *
 * @example const judge = byModel({ model, instructions: 'Right is what a careful clerk would have decided.' })
 */
export function byModel({ model, instructions, show = shown }: ModelJudgeOptions): Judge {
  return async (run, call) => {
    const request: ChatRequest = {
      messages: [
        { role: 'system', text: `${instructions}\n\nGive a score from 0, wrong, to 1, right, and say why.` },
        { role: 'user', text: show(run) },
      ],
      output: FORMAT,
    };
    const { text } = await model.chat(request, call);
    return judgementOf(text);
  };
}

function shown({ input, outcome, reply }: RunRecord): string {
  return JSON.stringify({ input, outcome, reply }, null, 2);
}

function judgementOf(text: string): Judgement {
  const { score, note } = parsed(text);
  if (typeof score !== 'number' || !(score >= 0 && score <= 1))
    throw new MillraceError('MILL_AGENT_OUTPUT_INVALID', `the judge's score is no number from 0 to 1: ${text}`);
  return { score, note: typeof note === 'string' ? note : undefined };
}

function parsed(text: string): { readonly score?: unknown; readonly note?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as object;
  } catch (cause) {
    throw new MillraceError('MILL_AGENT_OUTPUT_INVALID', `the judge's answer is no JSON: ${text}`, { cause });
  }
}
