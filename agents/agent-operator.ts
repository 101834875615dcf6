/**
 * Agents as operators: each input of a key becomes a run, one run of a key at a time, many keys at once.
 *
 *   record → mailbox (state) → run → steps (state, journal) → outputs
 *
 * Nothing that waits outside of a checkpoint is lost with the process: inputs, runs with the steps they have made, events
 * that came for them and messages to be sent are rows of keyed state, so barriers pass at any time. A run that was open is
 * executed again and answered from its steps, and from what the journal knows of it beyond them.
 *
 * Invariants: a key with an open run has a row, is pinned while the run is in memory, and its run's writes to state take effect
 * when the run ends. An act is made only once everything that its run has taken in is in a completed checkpoint. The end of
 * input is held until nothing is left that could put something out.
 */
import type { Inbox } from '../core/batch.js';
import { MillraceError } from '../core/errors.js';
import type { Meter } from '../core/meter.js';
import { TIME_MAX, TIME_MIN } from '../core/time.js';
import type { Operator, OperatorContext, OperatorFactory, OperatorSnapshot } from '../operators/operator.js';
import type { ListTable, Pane, TimerKind, TimerTable } from '../state/backend.js';
import { innerName } from '../state/inner-names.js';
import type { Agent } from './agent.js';
import { failureOf, missingVersion } from './agent-failure.js';
import type { AgentSpec } from './agent-spec.js';
import { Allowances, isRefused, type Spent } from './allowance.js';
import { CheckpointGate } from './checkpoint-gate.js';
import { holdTools } from './held-tools.js';
import { KnownCalls } from './known-calls.js';
import { Mailbox, UNCLAIMED } from './mailbox.js';
import { RECENT } from './memory.js';
import { ModelHealth } from './model-attempts.js';
import type { Paid } from './model-calls.js';
import { OutboxSender } from './outbox-sender.js';
import { Run } from './run.js';
import { EMITTED, RunContext } from './run-context.js';
import type { RunHost } from './run-host.js';
import type { Remembered } from './run-record.js';
import {
  type Arrived,
  type CallEntry,
  type Deadline,
  isEmpty,
  type KeyRow,
  newRunRow,
  runId,
  type StepRow,
} from './run-row.js';
import { StagedState } from './staged-state.js';
import { AgentMeters } from './telemetry/agent-meters.js';
import { REQUESTS } from './tool-calls.js';

/** Inputs of the operator, by port. */
const PORTS = ['inputs', 'events', 'decisions'] as const;

/** Side outputs, beside those of `ctx.emit` and of requests. */
export const FAILURES = 'failures';
export const RUNS = 'runs';

/** All that a run has taken in was in the checkpoint that the job has gone on from. */
const RESTORED = -1;

export const AGENT_SIDES = [FAILURES, RUNS, REQUESTS, EMITTED, UNCLAIMED] as const;

const SPECS = new WeakMap<OperatorFactory, AgentSpec>();

export function agentFactory(spec: AgentSpec): OperatorFactory {
  const factory: OperatorFactory = (context, restored) =>
    new AgentOperator(spec, context, restored as readonly Spent[]);
  SPECS.set(factory, spec);
  return factory;
}

/** The agent that an operator runs; undefined: it runs none. */
export function agentOf(factory: OperatorFactory): Agent<never, unknown> | undefined {
  return SPECS.get(factory)?.agent;
}

class AgentOperator implements Operator, RunHost {
  readonly operator: string;
  readonly #spec: AgentSpec;
  readonly #context: OperatorContext;
  readonly #agents: ReadonlyMap<string, Agent<never, unknown>>;
  readonly #rows: Pane<KeyRow>;
  readonly #remembered: ListTable<Remembered>;
  readonly #health = new ModelHealth();
  readonly #meters = new AgentMeters();
  readonly #gate: CheckpointGate;
  readonly #outbox: OutboxSender;
  readonly #mailbox: Mailbox;
  readonly #allowances: Allowances;
  /** Runs in memory, by the slots of their keys. */
  readonly #runs = new Map<number, Run>();
  /** Those with something to be put out, or that have ended. */
  readonly #progressed = new Set<Run>();
  readonly #known: KnownCalls;
  /** Keys whose next input waits for room. */
  #queue: number[] = [];
  /** Keys to be looked at once their state is at hand. */
  readonly #toVisit = new Set<number>();
  /** Slots of keys whose runs wait and are not in memory. */
  readonly #asleep = new Set<number>();
  /** No more inputs, events or decisions will come. */
  inputEnded = false;
  /** The last one that was not the final one. */
  watermark: number;
  #closed = false;
  readonly #releaseTools: () => Promise<void>;

  constructor(spec: AgentSpec, context: OperatorContext, restored: readonly Spent[]) {
    const { state } = context;
    this.#spec = spec;
    this.#context = context;
    this.operator = context.uid;
    // The final one is not said again after a restore.
    this.inputEnded = context.watermark === TIME_MAX;
    this.watermark = this.inputEnded ? TIME_MIN : context.watermark;
    this.#agents = new Map([...spec.previous, spec.agent].map((agent) => [agent.version, agent]));
    this.#rows = state.panes<KeyRow>(innerName('agent', 'rows')).pane(0);
    this.#remembered = state.list<Remembered>(RECENT);
    this.#known = new KnownCalls(context);
    this.#gate = new CheckpointGate(context);
    this.#outbox = new OutboxSender(context, this.#agents, this.#gate, (slot, key) => this.#sent(slot, key));
    this.#allowances = new Allowances(context, restored);
    this.#mailbox = new Mailbox({
      context,
      rows: this.#rows,
      known: this.#known,
      mailbox: spec.mailbox,
      earlyMs: spec.earlyMs,
      begin: (slot) => this.#begin(slot),
      came: (slot) => this.#came(slot),
    });
    this.#releaseTools = holdTools(this.#agents.values());
  }

  open(): void {
    this.#known.open();
    for (let at = 0; at < this.#rows.size; at += 1) {
      const slot = this.#rows.slotAt(at);
      const row = this.#rows.get(slot) as KeyRow;
      if (this.#known.attach(row, this.#keyOf(slot))) this.#rows.set(slot, row);
      this.#mailbox.restored(row);
      for (const message of row.outbox) this.#outbox.add(slot, this.#keyOf(slot), message);
      if (row.run || row.waiting.length > 0) this.#toVisit.add(slot);
    }
    this.#context.wake();
  }

  process(inbox: Inbox): void {
    if (PORTS[inbox.port] === 'inputs') this.#mailbox.takeInputs(inbox);
    else this.#mailbox.takeEvents(inbox, PORTS[inbox.port] as Arrived['from']);
  }

  onWake(): void {
    for (const run of [...this.#progressed]) {
      if (this.#isFull) return this.#context.wake();
      this.#progressed.delete(run);
      this.#flush(run);
    }
    this.#startWaiting();
    this.#visitAll();
  }

  onWatermark(watermark: number): boolean {
    if (watermark < TIME_MAX) this.watermark = watermark;
    if (!this.#fire('event', watermark)) return false;
    if (watermark < TIME_MAX) return true;
    this.inputEnded = true;
    for (const run of this.#runs.values()) run.inputEnded();
    for (const slot of this.#asleep) this.#toVisit.add(slot);
    this.#context.wake();
    return true;
  }

  onProcessingTime(now: number): boolean {
    return this.#fire('processing', now);
  }

  holdsEnd(): boolean {
    return this.#mailbox.waiting > 0 || this.#runs.size > 0 || this.#outbox.size > 0 || this.#unstarted;
  }

  snapshot(checkpoint: number): OperatorSnapshot {
    this.#gate.cut(checkpoint);
    this.#known.carry();
    return { state: this.#allowances.spent };
  }

  onCheckpointComplete(checkpoint: number): void {
    this.#gate.complete(checkpoint);
    for (const run of this.#runs.values()) if (run.isAsleep && this.#gate.holds(run.activeAt)) this.#layDown(run);
  }

  onCheckpointAborted(): void {
    this.#gate.aborted();
  }

  meters(): readonly Meter[] {
    const [mailbox, outbox] = [this.#mailbox.waiting, this.#outbox.size];
    const budget = this.#allowances.ofAgent(this.#spec.agent);
    const runs = this.#runs.values();
    return this.#meters.all({ runs, asleep: this.#asleep.size, mailbox, outbox, budget, health: this.#health });
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const run of this.#runs.values()) run.abandon();
    this.#outbox.close();
    this.#gate.close();
    return this.#releaseTools();
  }

  /** Something has come for a key that has a run, or will have one. */
  #came(slot: number): void {
    const run = this.#runs.get(slot);
    run?.tookIn(this.#gate.cutAt);
    run?.look(this.watermark);
    if (run || !this.#asleep.has(slot)) return;
    this.#toVisit.add(slot);
    this.#context.wake();
  }

  // Runs

  /** The key's next input becomes a run, if there is room. */
  #begin(slot: number): void {
    if (!this.#hasFreeRun) {
      this.#queue.push(slot);
      return;
    }
    const row = this.#rows.get(slot) as KeyRow;
    const [input, timestamp, number] = this.#mailbox.next(row);
    const key = this.#keyOf(slot);
    const id = runId(this.operator, key, number, input);
    const { version } = this.#spec.agent;
    const startedAt = this.now();
    row.run = newRunRow({ id, number, version, input, timestamp, startedAt });
    this.#rows.set(slot, row);
    this.#execute(slot, row, this.#gate.cutAt);
  }

  /** Executes the key's open run from its beginning. */
  #execute(slot: number, { run: row, ahead }: KeyRow, takenInAt: number): void {
    if (!row) return;
    const agent = this.#agents.get(row.version);
    if (!agent) return this.fail(missingVersion(row.version, this.operator, this.#keyOf(slot)));
    const { state, host } = this.#context;
    state.pin(slot);
    const own = ahead.filter(({ run }) => run === row.id);
    const run = new Run({
      host: this,
      row,
      key: this.#keyOf(slot),
      slot,
      state: new StagedState(state, slot),
      ahead: own,
      takenInAt,
      recent: this.#remembered.get(slot).slice(),
    });
    this.#asleep.delete(slot);
    this.#runs.set(slot, run);
    this.#limitTime(run, agent);
    run.start(async () => {
      const ctx = new RunContext({ run, operator: this.operator, host, agent, health: this.#health });
      return ctx.execute(row.input);
    });
  }

  #limitTime(run: Run, { budget: { timeoutMs } }: Agent<never, unknown>): void {
    if (timeoutMs === Number.POSITIVE_INFINITY) return;
    const { host } = this.#context;
    const left = Math.max(0, run.row.startedAt + timeoutMs - host.now());
    const error = new MillraceError('MILL_AGENT_LIMIT', `the run has used up its ${timeoutMs} ms`);
    run.cancelTimeout = host.timer(left, () => run.stop(error));
  }

  /** What a run that waits has taken in is in a completed checkpoint: it need not be in memory to wait. */
  #layDown(run: Run): void {
    const { slot, row } = run;
    run.abandon();
    this.#leave(run);
    this.#asleep.add(slot);
    const { timeoutMs } = this.#agentOf(run).budget;
    if (timeoutMs < Number.POSITIVE_INFINITY) this.#wakeAt(slot, { at: row.startedAt + timeoutMs, time: 'processing' });
  }

  /** Out of memory. */
  #leave(run: Run): void {
    run.cancelTimeout?.();
    this.#allowances.ended(run);
    this.#progressed.delete(run);
    this.#runs.delete(run.slot);
    this.#context.state.unpin(run.slot);
  }

  get #hasFreeRun(): boolean {
    if (this.#runs.size < this.#spec.maxInFlight) return true;
    let active = 0;
    for (const run of this.#runs.values()) if (!run.isWaiting) active += 1;
    return active < this.#spec.maxInFlight;
  }

  /** Some restored run has not been executed yet. */
  get #unstarted(): boolean {
    for (let at = 0; at < this.#rows.size; at += 1)
      if (this.#rows.valueAt(at).run && !this.#runs.has(this.#rows.slotAt(at))) return true;
    return false;
  }

  /** Keys that wait for room: their state may have to be fetched first. */
  #startWaiting(): void {
    if (this.#queue.length === 0 || !this.#hasFreeRun) return;
    for (const slot of this.#queue.splice(0)) this.#toVisit.add(slot);
  }

  #visitAll(): void {
    const slots = [...this.#toVisit];
    if (slots.length === 0 || !this.#context.state.prepareSlots(slots, () => this.#context.wake())) return;
    this.#toVisit.clear();
    for (const slot of slots) this.#visit(slot);
  }

  #fire(kind: TimerKind & ('event' | 'processing'), until: number): boolean {
    const { state } = this.#context;
    const timers: TimerTable = state.timers(kind);
    while (timers.earliest <= until && timers.earliest < TIME_MAX) {
      if (this.#isFull) return false;
      this.#visit(timers.take(until), kind === 'event' ? until : this.watermark);
    }
    return true;
  }

  /** Time has come for a wait of the key's run, or there is room for one. */
  #visit(slot: number, watermark = this.watermark): void {
    this.#allowances.forget(slot, this.#spec.agent);
    const row = this.#rows.get(slot);
    if (!row) return;
    const run = this.#runs.get(slot);
    if (run) {
      run.tookIn(this.#gate.cutAt);
      run.look(watermark);
    } else if (row.run) this.#execute(slot, row, this.#hasNews(slot, row) ? this.#gate.cutAt : RESTORED);
    else if (row.waiting.length > 0) this.#begin(slot);
    else this.#mailbox.giveUp(slot, row, watermark, (timestamp) => this.#stamp(timestamp));
  }

  /** Something has come for its run, or time has, since the checkpoint that the job has gone on from. */
  #hasNews(slot: number, { arrived }: KeyRow): boolean {
    return this.#asleep.has(slot) || arrived.length > 0;
  }

  // What goes out

  get #isFull(): boolean {
    const { output } = this.#context;
    return output.full || AGENT_SIDES.some((side) => this.#context.side(side).full);
  }

  #flush(run: Run): void {
    const time = this.#stamp(run.row.timestamp);
    for (const { port, value } of run.send()) this.#context.side(port).push(value, time);
    if (run.result) this.#end(run, run.result, time);
  }

  #end(run: Run, result: NonNullable<Run['result']>, time: number): void {
    const { slot, row } = run;
    const replied = 'value' in result;
    try {
      if (replied) this.#keepResults(run, result.value);
    } catch (error) {
      return this.#end(run, { error }, time);
    }
    if (replied) this.#context.output.push(result.value, time);
    const record = run.record(replied ? 'replied' : 'failed', replied ? result.value : undefined);
    if (!replied) this.#context.side(FAILURES).push(failureOf(record, result.error), time);
    this.#context.side(RUNS).push(record, time);
    this.#meters.ended(result, this.now() - row.startedAt);
    this.#leave(run);
    this.#next(slot, row.id);
  }

  /** Its writes take effect. */
  #keepResults(run: Run, reply: unknown): void {
    run.state.commit();
    const { last } = this.#agentOf(run).memory;
    if (last === 0) return;
    const recent = [...this.#remembered.get(run.slot), { input: run.row.input, reply }];
    this.#remembered.set(run.slot, recent.slice(-last));
  }

  #next(slot: number, id: string): void {
    const row = this.#rows.get(slot) as KeyRow;
    row.run = null;
    row.ahead = row.ahead.filter((entry) => entry.run !== id);
    this.#known.ended(id);
    if (row.waiting.length === 0)
      this.#mailbox.leave(slot, row, this.inputEnded, (timestamp) => this.#stamp(timestamp));
    if (isEmpty(row)) this.#rows.remove(slot);
    else this.#rows.set(slot, row);
    if (row.waiting.length > 0) this.#begin(slot);
    this.#context.wake();
  }

  /** Never late, however long the run has taken. */
  #stamp(timestamp: number): number {
    return this.watermark === TIME_MIN ? timestamp : Math.max(timestamp, this.watermark + 1);
  }

  // For runs

  now(): number {
    return this.#context.host.now();
  }

  change(run: Run, change: (row: KeyRow) => void): void {
    const { slot } = run;
    const row = this.#closed ? undefined : this.#rows.get(slot);
    if (!row) return;
    const messages = row.outbox.length;
    change(row);
    run.activeAt = this.#gate.cutAt;
    this.#rows.set(slot, row);
    for (const message of row.outbox.slice(messages)) this.#outbox.add(slot, this.#keyOf(slot), message);
  }

  note({ key }: Run, entry: CallEntry): void {
    this.#context.calls?.note(key, entry);
  }

  durable(): Promise<void> {
    return this.#context.calls?.durable() ?? Promise.resolve();
  }

  covered(run: Run): Promise<void> {
    return this.#gate.passed(() => run.takenInAt);
  }

  allowed(run: Run): Promise<void> {
    return this.#allowances.begin(run, this.#agentOf(run));
  }

  kept(run: Run, { kind, answer }: StepRow, asked: boolean): void {
    if (this.#closed || kind !== 'model' || isRefused(answer)) return;
    if (asked) this.#allowances.answered(run);
    this.#allowances.add(run, this.#agentOf(run), 'value' in answer ? (answer.value as Paid) : undefined);
  }

  made(row: StepRow): void {
    if (!this.#closed) this.#meters.made(row);
  }

  wakeAt({ slot }: Run, deadline: Deadline): void {
    if (!this.#closed) this.#wakeAt(slot, deadline);
  }

  #wakeAt(slot: number, { at, time }: Deadline): void {
    this.#context.state.timers(time).add(slot, at);
    this.#context.wake();
  }

  progressed(run: Run): void {
    if (this.#closed) return;
    run.activeAt = this.#gate.cutAt;
    this.#progressed.add(run);
    this.#context.wake();
  }

  tell(run: Run, step: number, request: unknown): void {
    this.#context.side(REQUESTS).push(request, this.#stamp(run.row.timestamp));
    this.change(run, ({ run: open }) => {
      if (open) open.doubts[step] = {};
    });
    this.#context.wake();
  }

  fail(error: MillraceError): void {
    this.#context.fail(error);
  }

  #sent(slot: number, idempotencyKey: string): void {
    const row = this.#closed ? undefined : this.#rows.get(slot);
    if (!row) return;
    row.outbox = row.outbox.filter((message) => message.idempotencyKey !== idempotencyKey);
    if (isEmpty(row)) this.#rows.remove(slot);
    else this.#rows.set(slot, row);
    this.#context.wake();
  }

  #agentOf({ row }: Run): Agent<never, unknown> {
    return this.#agents.get(row.version) as Agent<never, unknown>;
  }

  #keyOf(slot: number): unknown {
    return this.#context.state.keyOf(slot);
  }
}
