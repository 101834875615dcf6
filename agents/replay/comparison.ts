/**
 * A run as it was, beside the same run of another agent.
 */
import { packPlain } from '../../core/codec.js';
import type { ChatAnswer } from '../model/chat-model.js';
import type { RunRecord } from '../run-record.js';
import { type HumanRequest, REQUESTS } from '../tool-calls.js';
import { type Difference, type Divergence, differences, type Rerun } from './rerun.js';

/** One side of a comparison. */
export interface RunSide {
  readonly version: string;
  readonly outcome: RunRecord['outcome'];
  readonly reply: unknown;
  /** Tools that were called, in order, with what they were called with. */
  readonly plan: readonly { readonly tool: string; readonly input: unknown }[];
  readonly modelCalls: number;
  readonly tokens: number;
  /** What its steps took, by the clock; 0 where all of them were answered from the record. */
  readonly ms: number;
}

/** How two runs on one input differ. Plain data. */
export interface RunComparison {
  readonly id: string;
  readonly key: unknown;
  readonly input: unknown;
  readonly before: RunSide;
  readonly after: RunSide;
  /** Equal to the byte: replies, other outputs, outcome. */
  readonly same: boolean;
  /** Where the replies differ. */
  readonly fields: readonly Difference[];
  readonly samePlan: boolean;
  /** Why it failed this time; undefined: it did not. */
  readonly error: string | undefined;
  /** The first step that the record does not answer. */
  readonly divergence: Divergence | undefined;
}

export function compare(recorded: RunRecord, { record, error, divergence }: Rerun): RunComparison {
  const [before, after] = [sideOf(recorded), sideOf(record)];
  return {
    id: recorded.id,
    key: recorded.key,
    input: recorded.input,
    before,
    after,
    same: isSame(whatCameOf(recorded), whatCameOf(record)),
    fields: differences(recorded.reply, record.reply, ''),
    samePlan: isSame(before.plan, after.plan),
    error,
    divergence,
  };
}

/** When a person was asked, and until when, is not what was asked. */
function whatCameOf({ outcome, reply, outputs }: RunRecord): unknown {
  const timeless = outputs.map(({ to, value }) => {
    if (to !== REQUESTS) return { to, value };
    const { at: _at, deadline: _deadline, ...request } = value as HumanRequest;
    return { to, value: request };
  });
  return [outcome, reply, timeless];
}

/** Compared as JSON has them: that is how records are archived. */
function isSame(a: unknown, b: unknown): boolean {
  return Buffer.compare(packPlain(throughJson(a)), packPlain(throughJson(b))) === 0;
}

function throughJson(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}

function sideOf({ version, outcome, reply, steps }: RunRecord): RunSide {
  const ordered = [...steps].sort((a, b) => a.step - b.step);
  const models = ordered.filter(({ kind }) => kind === 'model');
  return {
    version,
    outcome,
    reply,
    plan: ordered.flatMap(({ kind, name, request }) =>
      kind === 'tool' ? [{ tool: name, input: (request as { input: unknown }).input }] : [],
    ),
    modelCalls: models.length,
    tokens: models.reduce((sum, { answer }) => sum + tokensOf(answer), 0),
    ms: ordered.reduce((sum, { ms }) => sum + ms, 0),
  };
}

function tokensOf(answer: RunRecord['steps'][0]['answer']): number {
  if (!('value' in answer)) return 0;
  const { usage } = (answer.value as { answer: ChatAnswer }).answer;
  return usage.inputTokens + usage.outputTokens;
}
