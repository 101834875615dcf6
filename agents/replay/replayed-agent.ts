/**
 * Stands for an agent where a whole job is replayed: executes, for each input, the run that was recorded of it.
 *
 * Invariants: what runs put out leaves in the order of their inputs, and watermarks wait for the runs before them, so that a
 * replay gives the same each time. Events and decisions are not needed: waits are answered as they were.
 */
import type { Inbox } from '../../core/batch.js';
import type { Host } from '../../core/host.js';
import type { Operator, OperatorContext, OperatorFactory } from '../../operators/operator.js';
import type { Agent } from '../agent.js';
import { failureOf } from '../agent-failure.js';
import { AGENT_SIDES, FAILURES, RUNS } from '../agent-operator.js';
import { holdTools } from '../held-tools.js';
import { ModelHealth } from '../model-attempts.js';
import type { RunRecord } from '../run-record.js';
import { type Calls, type Rerun, rerun } from './rerun.js';
import type { RunBook } from './run-book.js';

export interface ReplayedAgentSpec {
  readonly agent: Agent<never, unknown>;
  readonly calls: Calls;
  readonly book: RunBook;
  /** For what is live. */
  hostOf(host: Host): Host;
  /** Told of each run that has been executed again, in the order of the inputs. */
  told(recorded: RunRecord, again: Rerun): void;
}

const IN_FLIGHT = 16;

export function replayedAgentFactory(spec: ReplayedAgentSpec): OperatorFactory {
  return (context) => new ReplayedAgent(spec, context);
}

interface Flying {
  readonly timestamp: number;
  readonly recorded: RunRecord;
  again: Rerun | undefined;
}

class ReplayedAgent implements Operator {
  readonly #spec: ReplayedAgentSpec;
  readonly #context: OperatorContext;
  readonly #health = new ModelHealth();
  readonly #host: Host;
  readonly #flying: Flying[] = [];
  readonly #releaseTools: () => Promise<void>;

  constructor(spec: ReplayedAgentSpec, context: OperatorContext) {
    this.#spec = spec;
    this.#context = context;
    this.#host = spec.hostOf(context.host);
    this.#releaseTools = holdTools([spec.agent]);
  }

  process(inbox: Inbox): void {
    const { records, timestamps, slots, count } = inbox.batch;
    if (inbox.port > 0) inbox.cursor = count;
    for (; inbox.cursor < count && this.#flying.length < IN_FLIGHT; inbox.cursor += 1) {
      const at = inbox.cursor;
      const recorded = this.#spec.book.take(this.#context.state.keyOf(slots[at] as number), records[at]);
      if (recorded) this.#start(recorded, timestamps[at] as number);
    }
  }

  onWake(): void {
    while (this.#flying[0]?.again && !this.#isFull) this.#put(this.#flying.shift() as Flying);
    if (this.#flying[0]?.again) this.#context.wake();
  }

  onWatermark(): boolean {
    return this.#isIdle;
  }

  readyForIdle(): boolean {
    return this.#isIdle;
  }

  onEnd(): boolean {
    return this.#isIdle;
  }

  close(): Promise<void> {
    return this.#releaseTools();
  }

  #start(recorded: RunRecord, timestamp: number): void {
    const { agent, calls } = this.#spec;
    const flying: Flying = { timestamp, recorded, again: undefined };
    this.#flying.push(flying);
    rerun(agent, recorded, { calls, host: this.#host, health: this.#health }).then(
      (again) => {
        flying.again = again;
        this.#context.wake();
      },
      (error: unknown) => this.#context.fail(error),
    );
  }

  #put({ timestamp, recorded, again }: Flying): void {
    const { record, thrown } = again as Rerun;
    for (const { to, value } of record.outputs) this.#context.side(to).push(value, timestamp);
    if (record.outcome === 'replied') this.#context.output.push(record.reply, timestamp);
    else this.#context.side(FAILURES).push(failureOf(record, thrown), timestamp);
    this.#context.side(RUNS).push(record, timestamp);
    this.#spec.told(recorded, again as Rerun);
  }

  get #isIdle(): boolean {
    this.onWake();
    return this.#flying.length === 0;
  }

  get #isFull(): boolean {
    return this.#context.output.full || AGENT_SIDES.some((side) => this.#context.side(side).full);
  }
}
