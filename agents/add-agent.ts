/**
 * Puts an agent behind a keyed stream.
 */
import type { KeyedStream } from '../api/keyed-stream.js';
import { Stream } from '../api/stream.js';
import { MillraceError } from '../core/errors.js';
import type { Key } from '../core/key.js';
import { type Duration, durationMs } from '../core/time.js';
import type { Agent } from './agent.js';
import type { AgentFailure } from './agent-failure.js';
import { AGENT_SIDES, agentFactory, FAILURES, RUNS } from './agent-operator.js';
import { UNCLAIMED } from './mailbox.js';
import { EMITTED } from './run-context.js';
import type { RunRecord } from './run-record.js';
import { type Decision, type HumanRequest, REQUESTS } from './tool-calls.js';

/** How an agent runs in a job. */
export interface AgentStreamOptions<K extends Key, I, E, D extends Decision = Decision> {
  /** Agents of older versions, whose runs may still be open: these end with the version that they began with. */
  readonly previous?: readonly Agent<I, unknown>[];
  /** What `ctx.waitForEvent` waits for, by the same key. */
  readonly events?: KeyedStream<K, E>;
  /** What people have decided about `requests`, by the same key. */
  readonly decisions?: KeyedStream<K, D>;
  /** Runs at work at once in each subtask, those not counted that only wait; default 100. */
  readonly maxInFlight?: number;
  /** Inputs that wait in each subtask, kept in state, before what comes has to wait outside; default 1,000. */
  readonly mailbox?: number;
  /**
   * How long, in event time, events and decisions are kept that come before the run that they are for; default: not at all,
   * they are `unclaimed`. For streams of which one may be read faster than the other, as after an outage.
   */
  readonly early?: Duration;
  /** The name that it has in older checkpoints. */
  readonly renamedFrom?: string;
}

/** What comes of an agent. */
export interface AgentStreams<I, O> {
  readonly replies: Stream<O>;
  /** Runs that have failed, with the input and all their steps. */
  readonly failures: Stream<AgentFailure<I>>;
  /** Every run that has ended, whole: an archive, if it ends in a sink. */
  readonly runs: Stream<RunRecord<I>>;
  /** What people are to decide: approvals, acts in doubt. */
  readonly requests: Stream<HumanRequest>;
  /** What runs have put out by `ctx.emit`. */
  readonly emitted: Stream<unknown>;
  /** Events and decisions that no run of their key has taken, or not in time: see `early`. */
  readonly unclaimed: Stream<unknown>;
}

const MAX_IN_FLIGHT = 100;
const MAILBOX = 1_000;

/**
 * Runs an agent for each record of a keyed stream: one run of a key at a time, many keys at once.
 *
 * Exactly once: runs, what they have been answered and what they change in state are part of checkpoints; what they do outside
 * is done as the effect of each tool says. State: a row for each key with a run or a waiting input, a number for each key,
 * and what the agent declares.
 *
 * @example
 * const { replies, failures } = addAgent(tickets.keyBy((t) => t.customer), 'triage', triage)
 * replies.to('triaged', sink)
 */
export function addAgent<K extends Key, I, O, E = never, D extends Decision = Decision>(
  stream: KeyedStream<K, I>,
  name: string,
  agent: Agent<I, O>,
  options: AgentStreamOptions<K, I, E, D> = {},
): AgentStreams<I, O> {
  const { previous = [], events, decisions, renamedFrom } = options;
  const { graph } = stream;
  const versions = [...previous.map(({ version }) => version), agent.version];
  const twice = versions.find((version, at) => versions.indexOf(version) !== at);
  if (twice !== undefined) throw invalid(`agent ${name} has two versions ${twice}`);
  const nothing = { origins: [], partition: stream.input.partition };
  const node = graph.operator({
    type: 'agent',
    name,
    renamedFrom,
    description: `version ${agent.version}`,
    inputs: [stream.input, events?.input ?? nothing, decisions?.input ?? nothing],
    sides: AGENT_SIDES,
    keyed: true,
    factory: agentFactory({
      agent: agent as Agent<never, unknown>,
      previous: previous as readonly Agent<never, unknown>[],
      maxInFlight: countOf(options.maxInFlight ?? MAX_IN_FLIGHT, 'maxInFlight'),
      mailbox: countOf(options.mailbox ?? MAILBOX, 'mailbox'),
      earlyMs: durationMs(options.early ?? 0, 'early'),
    }),
  });
  const side = <T>(of: string): Stream<T> => new Stream<T>(graph, [{ node, side: of }]);
  return {
    replies: new Stream<O>(graph, [{ node, side: undefined }]),
    failures: side(FAILURES),
    runs: side(RUNS),
    requests: side(REQUESTS),
    emitted: side(EMITTED),
    unclaimed: side(UNCLAIMED),
  };
}

function countOf(count: number, option: string): number {
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw invalid(`${option} is ${count}`);
}

function invalid(text: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', text);
}
