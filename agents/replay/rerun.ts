/**
 * Executes an agent on a recorded run, outside of any job: with the state that the run found, and answered as it was. Nothing
 * is done outside: acts are only noted.
 *
 * A step is answered by the recorded one that asked the same, in the order in which they were asked, whatever its number: so an
 * agent that asks less, or in another order, still finds its answers.
 */
import { assert, describeThrown, MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { hashKey, keyGroupOf } from '../../core/key.js';
import { LIMITS } from '../../core/limits.js';
import { TIME_MIN } from '../../core/time.js';
import { MemoryState } from '../../state/memory/memory-state.js';
import type { Agent } from '../agent.js';
import { changesBetween, fingerprintOf } from '../fingerprint.js';
import { ModelHealth } from '../model-attempts.js';
import { Run } from '../run.js';
import { RunContext } from '../run-context.js';
import type { Asked, RunHost } from '../run-host.js';
import type { RunRecord, StepRecord } from '../run-record.js';
import { type KeyRow, newKeyRow, newRunRow, type StepRow } from '../run-row.js';
import { StagedState } from '../staged-state.js';
import type { Tool } from '../tool.js';

/**
 * Who answers models, reading tools and steps: `recorded`, and what was not asked then is a divergence; `live`; or `recorded`
 * as far as it goes and then `live`. Acts are never made.
 */
export type Calls = 'recorded' | 'live' | 'recorded-then-live';

/** An act that would have been made. */
export interface CapturedAct {
  readonly tool: string;
  readonly input: unknown;
}

/** What an agent did differently from the recorded run: the first step that nothing recorded answers. */
export interface Divergence {
  readonly step: number;
  /** What it asked: `model openai/gpt-5-mini`. */
  readonly asked: string;
  /** Where that differs from what was asked most like it: by path, with the first line that differs. */
  readonly changes: readonly Difference[];
}

/** A place where two requests differ. */
export interface Difference {
  /** `messages[1].text`. */
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** A recorded run, executed again. */
export interface Rerun {
  readonly record: RunRecord;
  /** Why it failed; undefined: it did not. */
  readonly error: string | undefined;
  /** What it threw. */
  readonly thrown?: unknown;
  readonly divergence: Divergence | undefined;
  readonly acts: readonly CapturedAct[];
  /** Calls that were made of models, tools and steps. */
  readonly liveCalls: number;
}

export interface RerunOptions {
  readonly calls: Calls;
  /** Clock, timers and network, for what is live. */
  readonly host: Host;
  readonly health?: ModelHealth;
  /** The first step of models, tools and other calls that the record does not answer; default: it answers all that it can. */
  readonly forkAt?: number | undefined;
}

const SLOT_KEY = 'slot';

/** Steps that ask for something beyond the run. */
const IN_THE_WORLD: ReadonlySet<string> = new Set(['model', 'tool', 'step', 'guard']);

/** Resolves when the run has ended, one way or the other; rejects only for faults of its own. */
export async function rerun(
  agent: Agent<never, unknown>,
  recorded: RunRecord,
  { calls, host, health = new ModelHealth(), forkAt = Number.POSITIVE_INFINITY }: RerunOptions,
): Promise<Rerun> {
  const acts: CapturedAct[] = [];
  const prepare = (each: Agent<never, unknown>): Agent<never, unknown> => ({ ...each, tools: capturing(each, acts) });
  const replaying = new Replaying(recorded, calls, host, forkAt);
  const run = replaying.run(agent.version);
  const context = { run, operator: recorded.operator, host, agent: prepare(agent), health, prepare };
  run.start(async () => new RunContext(context).execute(recorded.input));
  await replaying.ended;
  run.abandon();
  const { result } = run;
  assert(result, 'the run has ended');
  const [record, error] =
    'value' in result
      ? [run.record('replied', result.value), undefined]
      : [run.record('failed', undefined), describeThrown(result.error)];
  const thrown = 'error' in result ? result.error : undefined;
  return { record, error, thrown, divergence: replaying.divergence, acts, liveCalls: replaying.liveCalls };
}

/** Tools that read, and others that only note what they are asked for. */
function capturing({ tools }: Agent<never, unknown>, acts: CapturedAct[]): Agent<never, unknown>['tools'] {
  const entries = Object.entries(tools).map(([name, tool]): [string, Tool] => {
    if (tool.effect === 'read') return [name, tool];
    const note = (input: unknown): unknown => {
      acts.push({ tool: name, input });
      return tool.rehearse?.(input as never);
    };
    return [name, { ...tool, effect: 'read', output: undefined, run: note as Tool['run'] }];
  });
  return Object.fromEntries(entries);
}

/** The surroundings of one run. */
class Replaying implements RunHost {
  readonly operator: string;
  readonly watermark = TIME_MIN;
  readonly inputEnded = true;
  readonly ended: Promise<void>;
  divergence: Divergence | undefined;
  liveCalls = 0;
  readonly #recorded: RunRecord;
  readonly #calls: Calls;
  readonly #host: Host;
  /** Steps that have answered nothing yet. */
  readonly #unused: StepRecord[];
  readonly #row: KeyRow = newKeyRow();
  #end!: () => void;

  constructor(recorded: RunRecord, calls: Calls, host: Host, forkAt: number) {
    this.#recorded = recorded;
    this.#calls = calls;
    this.#host = host;
    this.#unused = recorded.steps
      .filter(({ kind, step }) => step < forkAt || !IN_THE_WORLD.has(kind))
      .sort((a, b) => a.step - b.step);
    this.operator = recorded.operator;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  run(version: string): Run {
    const { id, number, input, timestamp, key, reads, recent } = this.#recorded;
    const state = stateOf(reads);
    const row = newRunRow({
      id,
      number,
      version,
      input,
      timestamp: timestamp ?? TIME_MIN,
      startedAt: this.#host.now(),
    });
    this.#row.run = row;
    const staged = new StagedState(state, 0);
    return new Run({
      host: this,
      row,
      key,
      slot: 0,
      state: staged,
      ahead: [],
      takenInAt: -1,
      recent,
    });
  }

  recorded(_run: Run, step: number, asked: Asked): StepRow | undefined {
    if (this.#calls === 'live' && IN_THE_WORLD.has(asked.kind)) return this.#live();
    const fingerprint = fingerprintOf(asked.request);
    const same = this.#unused.findIndex((each) => isSame(each, asked, fingerprint));
    if (same >= 0) return rowOf(this.#unused.splice(same, 1)[0] as StepRecord);
    // Events and people that were not recorded can't be waited for.
    if (this.#calls !== 'recorded' && asked.kind !== 'wait') return this.#live();
    this.divergence ??= this.#divergenceOf(step, asked);
    throw new MillraceError('MILL_AGENT_DIVERGED', `nothing that was recorded answers ${nameOf(asked)}`);
  }

  now(): number {
    return this.#host.now();
  }

  change(_run: Run, change: (row: KeyRow) => void): void {
    change(this.#row);
  }

  note(): void {}

  async durable(): Promise<void> {}

  async covered(): Promise<void> {}

  wakeAt(): void {}

  async allowed(): Promise<void> {}

  kept(): void {}

  tell(): void {}

  progressed(run: Run): void {
    if (run.result) this.#end();
  }

  fail(): void {}

  #live(): undefined {
    this.liveCalls += 1;
    return undefined;
  }

  #divergenceOf(step: number, asked: Asked): Divergence {
    const like = this.#unused.find(({ kind, name }) => kind === asked.kind && name === asked.name);
    return { step, asked: nameOf(asked), changes: like ? differences(like.request, asked.request, '') : [] };
  }
}

function nameOf({ kind, name }: Asked): string {
  return `${kind} ${name}`;
}

function isSame(step: StepRecord, { kind, name }: Asked, fingerprint: StepRow['request']): boolean {
  return step.kind === kind && step.name === name && changesBetween(step.fingerprint, fingerprint).length === 0;
}

function rowOf({ kind, name, fingerprint, answer, at, ms }: StepRecord): StepRow {
  return { kind, name, request: fingerprint, answer, at, ms };
}

/** The state that the run read, of one key. */
function stateOf(reads: RunRecord['reads']): MemoryState {
  const state = new MemoryState({ maxParallelism: LIMITS.maxParallelism });
  const keyGroup = keyGroupOf(hashKey(SLOT_KEY), LIMITS.maxParallelism);
  const put = (table: string, kind: 'value' | 'list' | 'map', subkey: unknown, value: unknown): void =>
    state.restore({ keyGroup, key: SLOT_KEY, table, kind, subkey, value });
  for (const [table, { kind, content }] of Object.entries(reads)) {
    if (kind === 'value') put(table, kind, undefined, content);
    else if (kind === 'list') (content as unknown[]).forEach((element, at) => put(table, kind, at, element));
    else for (const [subkey, value] of content as [unknown, unknown][]) put(table, kind, subkey, value);
  }
  return state;
}

/** Where two plain values differ, down to lines of text. */
export function differences(before: unknown, after: unknown, path: string): readonly Difference[] {
  if (typeof before === 'string' && typeof after === 'string') return lineDifference(before, after, path);
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => {
      const inner = Array.isArray(after) ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
      return differences(before[name], after[name], inner);
    });
  }
  if (Object.is(before, after)) return [];
  return [{ path, before: textOf(before), after: textOf(after) }];
}

function lineDifference(before: string, after: string, path: string): readonly Difference[] {
  if (before === after) return [];
  const [old, now] = [before.split('\n'), after.split('\n')];
  const at = now.findIndex((line, index) => line !== old[index]);
  const line = at < 0 ? now.length : at;
  return [
    { path: old.length > 1 || now.length > 1 ? `${path} line ${line + 1}` : path, before: old[line], after: now[line] },
  ];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
