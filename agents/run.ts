/**
 * One run of an agent: executes the agent's function and answers what it asks of the outside, from the steps that are
 * recorded as far as there are some, else by asking.
 *
 * Invariants: steps are numbered in the order in which they are asked; a step's answer is recorded before the function gets
 * it; what it has put out is noted, so that a run that is executed again puts nothing out twice. After `abandon` nothing
 * that comes later counts, and the function is never heard of again.
 */
import { MillraceError } from '../core/errors.js';
import { redact, redactThrown, secretIn } from '../core/secrets.js';
import { TIME_MIN } from '../core/time.js';
import { copyOf, plainError, replyOf, valueOf } from './answers.js';
import { changesBetween, fingerprintOf, sumOf } from './fingerprint.js';
import type { Asked, RunHost } from './run-host.js';
import type { Remembered, RunRecord, StepRecord } from './run-record.js';
import type { Answer, Arrived, CallEntry, Deadline, KeyRow, RunRow, StepRow } from './run-row.js';
import type { StagedState } from './staged-state.js';
import { abortController } from './timeout.js';
import { deadlineFrom, type Wait, type WaitFor, type WaitOutcome } from './wait.js';

/** How something has ended, and when it began. */
export type Attempted = { readonly at: number; readonly answer: Answer } & (
  | { readonly value: unknown }
  | { readonly thrown: unknown }
);

/** On a side output. */
export interface RunOutput {
  readonly port: string;
  readonly value: unknown;
}

/** Ids of waits about acts in doubt, which come after those of steps. */
const DOUBTS = 2 ** 32;

export class Run {
  readonly row: RunRow;
  readonly key: unknown;
  readonly slot: number;
  readonly state: StagedState;
  /** Everything it has put out, also before it was executed again. */
  readonly outputs: RunOutput[] = [];
  /** Of these, those that are to go out. */
  #unsent: { readonly output: RunOutput; readonly sum: number }[] = [];
  /** Sums of those that went out before it was executed again, and that it has not put out this time. */
  readonly #sent: number[];
  readonly steps: StepRecord[] = [];
  /** The last checkpoint whose barrier had passed when it took something in; -1: all of it is in a completed one. */
  takenInAt: number;
  /** Likewise, when anything last came of it. */
  activeAt = 0;
  result: { readonly value: unknown } | { readonly error: unknown } | undefined;
  /** What it is shown of the runs before it. */
  readonly recent: readonly Remembered[];
  /** Ends it when its time is over. */
  cancelTimeout: (() => void) | undefined;
  readonly #host: RunHost;
  readonly #controller = abortController();
  /** What the journal knows of it beyond its steps. */
  readonly #ahead: readonly CallEntry[];
  /** Before this execution. */
  readonly #wasBegun: ReadonlySet<number>;
  readonly #waits = new Map<number, Wait>();
  #next = 0;
  /** Steps that are being made, and of these those that hold nobody up. */
  #performing = 0;
  #resting = 0;
  /** Acts that wait to be made, are being made, or are in doubt. */
  #acting = 0;
  #over = false;

  constructor(options: {
    readonly host: RunHost;
    readonly row: RunRow;
    readonly key: unknown;
    readonly slot: number;
    readonly state: StagedState;
    readonly ahead: readonly CallEntry[];
    readonly takenInAt: number;
    readonly recent: readonly Remembered[];
  }) {
    this.#host = options.host;
    this.row = options.row;
    this.key = options.key;
    this.slot = options.slot;
    this.state = options.state;
    this.#ahead = options.ahead;
    this.#wasBegun = new Set(options.row.begun);
    this.#sent = [...options.row.emitted];
    this.takenInAt = options.takenInAt;
    this.recent = options.recent;
  }

  /** Of what it does: aborted when it is abandoned. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** It waits for an event, a time or a person, or for its key's budget, and for nothing else. */
  get isWaiting(): boolean {
    return this.#waits.size + this.#resting > 0 && this.#performing === this.#resting;
  }

  /** A person is asked what became of one of its acts. */
  get isInDoubt(): boolean {
    return [...this.#waits.keys()].some((id) => id >= DOUBTS);
  }

  /** All that it waits for is in its row: executed again, it would wait for the same. */
  get isAsleep(): boolean {
    if (this.#waits.size === 0 || this.#performing + this.#acting > 0) return false;
    return !this.result && this.#unsent.length === 0;
  }

  start(execute: () => Promise<unknown>): void {
    execute().then(
      (value) => this.#end(redact(replyOf(value))),
      (error: unknown) => this.#end({ error: redactThrown(error) }),
    );
  }

  /** The process, or the attempt, ends: what comes later does not count. */
  abandon(): void {
    this.#over = true;
    this.cancelTimeout?.();
    // Nobody listens otherwise, and a reason costs more than a run's step.
    if (this.#performing > 0) this.#controller.abort();
  }

  /** `part`: what of it is the same each time the run is executed. */
  put(port: string, value: unknown, part = value): void {
    if (this.#over) return;
    const output = { port, value: redact(copyOf(value)) };
    this.outputs.push(output);
    const sum = sumOf(part === value ? output : { port, value: redact(copyOf(part)) });
    const sent = this.#sent.indexOf(sum);
    if (sent >= 0) this.#sent.splice(sent, 1);
    else {
      this.#unsent.push({ output, sum });
      this.#host.progressed(this);
    }
  }

  /** What is to go out, and has been taken note of. */
  send(): readonly RunOutput[] {
    const sending = this.#unsent;
    this.#unsent = [];
    if (sending.length > 0) this.#host.change(this, ({ run }) => run?.emitted.push(...sending.map(({ sum }) => sum)));
    return sending.map(({ output }) => output);
  }

  // Steps

  /** Numbers a step: when it is asked, not when it comes to be made, so that numbers do not depend on what takes how long. */
  take(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  /** Whether an act of that number may have been made before a failure, though how it ended is not known. */
  wasBegun(step: number): boolean {
    return this.#wasBegun.has(step) || this.#ahead.some((entry) => entry.step === step && entry.row === undefined);
  }

  /** How a step ended when it was asked before; undefined: it was not, or nobody knows. Throws what it threw. */
  answered(step: number, asked: Asked): { readonly value: unknown } | undefined {
    const name = secretIn(asked.request);
    if (name)
      throw new MillraceError('MILL_SECRET_EXPOSED', `${asked.kind} ${asked.name} was asked with secret ${name}`);
    const row = this.row.steps[step] ?? this.#fromJournal(step, asked) ?? this.#host.recorded?.(this, step, asked);
    if (!row) return undefined;
    this.#check(step, asked, row);
    this.#log(step, asked, row);
    return { value: valueOf(row.answer) };
  }

  /** Asks, unless that was done before; the answer is recorded. For what may be asked again if it is not known. */
  async ask(step: number, asked: Asked, work: () => unknown): Promise<unknown> {
    const known = this.answered(step, asked);
    if (known) return known.value;
    return this.perform(step, asked, work);
  }

  /** Likewise, at once. */
  askNow(asked: Asked, compute: () => unknown, step = this.take()): unknown {
    const known = this.answered(step, asked);
    if (known) return known.value;
    const value = redact(compute());
    if (this.#over) return value;
    this.#record(step, asked, { value: copyOf(value) }, this.#host.now());
    return value;
  }

  /** Does what a step asks, and records how it ends. */
  async perform(step: number, asked: Asked, work: () => unknown): Promise<unknown> {
    return this.settle(step, asked, await this.attempt(work));
  }

  /** Does something, without recording how it has ended. */
  async attempt(work: () => unknown): Promise<Attempted> {
    if (this.#over) await this.#unlessOver();
    const at = this.#host.now();
    this.#performing += 1;
    let attempted: Attempted;
    try {
      const value = redact(await work());
      attempted = { at, answer: { value: copyOf(value) }, value };
    } catch (thrown) {
      attempted = { at, answer: { error: plainError(redactThrown(thrown)) }, thrown: redactThrown(thrown) };
    }
    await this.#unlessOver();
    this.#performing -= 1;
    return attempted;
  }

  /** Records how a step has ended. Throws what it threw. */
  settle(step: number, asked: Asked, attempted: Attempted): unknown {
    this.#record(step, asked, attempted.answer, attempted.at);
    if ('thrown' in attempted) throw attempted.thrown;
    return attempted.value;
  }

  /** All that belongs to an act, from before it is begun: meanwhile the run does more than wait. */
  async act<T>(work: () => Promise<T>): Promise<T> {
    this.#acting += 1;
    try {
      return await work();
    } finally {
      this.#acting -= 1;
    }
  }

  /** Resolves when it may spend something on a model. */
  allowed(): Promise<void> {
    return this.#host.allowed(this);
  }

  /** A wait in the middle of a step, during which the run is not at work. */
  async rest<T>(wait: Promise<T>): Promise<T> {
    this.#resting += 1;
    this.#host.progressed(this);
    try {
      return await wait;
    } finally {
      this.#resting -= 1;
    }
  }

  /** Says in the journal that an act is about to be made; resolves once that, and all it rests on, is durable. */
  async begin(step: number): Promise<void> {
    await this.#host.covered(this);
    await this.#unlessOver();
    this.#host.change(this, ({ run }) => {
      run?.begun.push(step);
      // What was said of an earlier attempt says nothing of this one.
      delete run?.doubts[step];
    });
    this.#host.note(this, { key: this.key, run: this.row.id, step });
    await this.#host.durable();
    await this.#unlessOver();
  }

  async durable(): Promise<void> {
    await this.#host.durable();
    await this.#unlessOver();
  }

  /** Has it make up its mind about a message later: the row of its key keeps it. */
  change(change: (row: KeyRow) => void): void {
    if (!this.#over) this.#host.change(this, change);
  }

  // Waiting

  /** Waits for something to come, or for a time. */
  async waitFor(step: number, asked: Asked, wanted: WaitFor): Promise<WaitOutcome> {
    const known = this.answered(step, asked);
    if (known) return known.value as WaitOutcome;
    if (this.#over) await this.#unlessOver();
    const at = this.#host.now();
    return this.#waited(step, wanted, this.#beganUntil(step, wanted), (outcome) => {
      // What has come will come again after a failure, unless a checkpoint holds that it was taken: so the journal must not.
      const inState = 'value' in outcome;
      this.#record(step, { ...asked, inState }, { value: copyOf(outcome) }, at);
    });
  }

  /**
   * Asks a person what became of the act of this step, and waits for the answer, which is kept. Not a step of its own: in
   * another execution there may be no doubt.
   */
  async resolveDoubt(step: number, request: unknown, matches: (value: unknown) => boolean): Promise<unknown> {
    const known = this.row.doubts[step];
    if (known && 'decision' in known) return known.decision;
    if (!known) this.#host.tell(this, step, request);
    const wanted = { from: 'decisions', matches, timeoutMs: undefined, time: 'processing' } as const;
    const outcome = await this.#waited(DOUBTS + step, wanted, undefined, (decided) => {
      if ('value' in decided)
        this.#host.change(this, ({ run }) => {
          if (run) run.doubts[step] = { decision: decided.value };
        });
    });
    if ('value' in outcome) return outcome.value;
    throw new MillraceError('MILL_EFFECT_IN_DOUBT', 'the input has ended, and nobody has said what became of an act');
  }

  async #waited(
    id: number,
    wanted: WaitFor,
    deadline: Deadline | undefined,
    keep: (outcome: WaitOutcome) => void,
  ): Promise<WaitOutcome> {
    const outcome = await new Promise<WaitOutcome>((resolve, reject) => {
      const { from, matches } = wanted;
      const settle = (ended: WaitOutcome): void => {
        keep(ended);
        resolve(ended);
      };
      this.#waits.set(id, { id, from, matches, deadline, settle, reject });
      if (deadline) this.#host.wakeAt(this, deadline);
      this.#host.progressed(this);
      this.look(this.#host.watermark);
      if (this.#host.inputEnded) this.inputEnded();
    });
    await this.#unlessOver();
    return outcome;
  }

  /** Something has come, or time has: ends the waits that it ends. */
  look(watermark: number): void {
    for (const wait of [...this.#waits.values()].sort((a, b) => a.id - b.id)) {
      const outcome = this.#outcomeOf(wait, watermark);
      if (!outcome) continue;
      this.#waits.delete(wait.id);
      this.#host.progressed(this);
      if ('thrown' in outcome) wait.reject(outcome.thrown);
      else wait.settle(outcome);
    }
  }

  /** Nothing will come any more, and event time is at its end. */
  inputEnded(): void {
    for (const wait of this.#waits.values()) {
      if (wait.deadline?.time === 'processing') continue;
      this.#waits.delete(wait.id);
      wait.settle(wait.deadline ? { timedOut: true } : { ended: true });
    }
  }

  /** Takes in what has come since: `checkpoint` is the last one whose barrier has passed. */
  tookIn(checkpoint: number): void {
    this.takenInAt = Math.max(this.takenInAt, checkpoint);
  }

  /** It ends here, whatever it is about. */
  stop(error: MillraceError): void {
    this.#end({ error });
    this.abandon();
  }

  record(outcome: RunRecord['outcome'], reply: unknown): RunRecord {
    const { id, number, version, input, timestamp, startedAt: at } = this.row;
    const { operator } = this.#host;
    const { reads } = this.state;
    const outputs = this.outputs.map(({ port, value }) => ({ to: port, value }));
    const time = timestamp === TIME_MIN ? null : timestamp;
    const what = { id, operator, key: this.key, number, version, input, timestamp: time, reads, recent: this.recent };
    return redact({ ...what, steps: this.steps, outputs, outcome, reply, at, ms: this.#host.now() - at });
  }

  #outcomeOf(wait: Wait, watermark: number): WaitOutcome | { readonly thrown: unknown } | undefined {
    try {
      const arrived = this.#taken(wait);
      if (arrived) return { value: arrived.value };
    } catch (error) {
      return { thrown: error };
    }
    const { deadline } = wait;
    if (!deadline) return undefined;
    const now = deadline.time === 'event' ? watermark : this.#host.now();
    return deadline.at <= now ? { timedOut: true } : undefined;
  }

  #taken({ from, matches }: Wait): Arrived | undefined {
    let found: Arrived | undefined;
    this.#host.change(this, (row) => {
      const at = row.arrived.findIndex((each) => each.from === from && matches(each.value));
      if (at >= 0) [found] = row.arrived.splice(at, 1);
    });
    return found;
  }

  /** Until when a wait of that step goes on, if it began now; undefined: for ever, or nobody knows. */
  deadlineOf(step: number, wanted: WaitFor): Deadline | undefined {
    const { timestamp, deadlines } = this.row;
    const isByClock = wanted.time === 'processing';
    const from = isByClock ? this.#host.now() : Math.max(timestamp, this.#host.watermark);
    return deadlines[step] ?? deadlineFrom(wanted, from);
  }

  #beganUntil(step: number, wanted: WaitFor): Deadline | undefined {
    const deadline = this.deadlineOf(step, wanted);
    if (!deadline && wanted.timeoutMs !== undefined)
      throw new MillraceError('MILL_TIMESTAMP_MISSING', 'a run waits in event time, and its input has none', {
        hint: "Call eventTime on the stream before the agent, or wait with time: 'processing'.",
      });
    this.#host.change(this, ({ run }) => {
      if (run && deadline) run.deadlines[step] = deadline;
    });
    return deadline;
  }

  // Recording

  #fromJournal(step: number, asked: Asked): StepRow | undefined {
    const entries = this.#ahead.filter((each) => each.step === step);
    const fingerprint = fingerprintOf(asked.request);
    const same = entries.findLast(({ row }) => row && isSame(row, asked, changesBetween(row.request, fingerprint)));
    // Things may have come in another way this time: what was answered then is no answer to this. Acts have been made.
    const isAct = entries.some(({ row }) => row === undefined);
    const { row } = same ?? (isAct ? entries.find((each) => each.row) : undefined) ?? {};
    if (row) this.#keep(step, row, false);
    return row;
  }

  #check(step: number, asked: Asked, row: StepRow): void {
    const fingerprint = fingerprintOf(asked.request);
    const changed = changesBetween(row.request, fingerprint);
    if (isSame(row, asked, changed)) return;
    const error = this.#divergence(step, asked, row, changed);
    this.#host.fail(error);
    throw error;
  }

  #divergence(step: number, asked: Asked, row: StepRow, changed: readonly string[]): MillraceError {
    const { id, version } = this.row;
    const what =
      row.kind === asked.kind && row.name === asked.name
        ? `${asked.kind} ${asked.name} with other ${changed.join(', ')}`
        : `${asked.kind} ${asked.name}, and before it asked ${row.kind} ${row.name}`;
    const text = `run ${id} of version ${version}, executed again, asked in step ${step} for ${what}`;
    return new MillraceError('MILL_AGENT_DIVERGED', text, { operator: this.#host.operator, key: this.key });
  }

  #record(step: number, asked: Asked, answer: Answer, at: number): void {
    const row: StepRow = {
      kind: asked.kind,
      name: asked.name,
      request: fingerprintOf(asked.request),
      answer,
      at,
      ms: this.#host.now() - at,
    };
    this.#keep(step, row, true);
    this.#host.made?.(row);
    if (!asked.inState) this.#host.note(this, { key: this.key, run: this.row.id, step, row });
    this.#log(step, asked, row);
  }

  #keep(step: number, row: StepRow, asked: boolean): void {
    this.#host.change(this, ({ run }) => {
      if (!run) return;
      while (run.steps.length < step) run.steps.push(null);
      run.steps[step] = row;
    });
    this.#host.kept(this, row, asked);
  }

  #log(step: number, { kind, name, request }: Asked, { request: fingerprint, answer, at, ms }: StepRow): void {
    this.steps.push({ step, kind, name, request, fingerprint, answer, at, ms });
  }

  #end(result: { readonly value: unknown } | { readonly error: unknown }): void {
    if (this.#over || this.result) return;
    this.result = result;
    this.#host.progressed(this);
  }

  /** Never resolves once the run is over. */
  #unlessOver(): Promise<void> | undefined {
    return this.#over ? new Promise(() => {}) : undefined;
  }
}

function isSame(row: StepRow, asked: Asked, changed: readonly string[]): boolean {
  return row.kind === asked.kind && row.name === asked.name && changed.length === 0;
}
