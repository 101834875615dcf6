/**
 * How a run calls a tool: think early, act late.
 *
 *   read         at once
 *   idempotent   covered → intent durable → made → answer durable
 *   once         likewise; an intent without an answer, or an answer that is lost: `reconcile`, or a person
 *   outbox       kept with the key, and sent by the operator once a completed checkpoint holds it
 *
 * "Covered": everything that the run has taken in is in a completed checkpoint, so that no rollback takes the reason of an
 * act back.
 */
import type { Host } from '../core/host.js';
import { validate } from '../core/schema.js';
import { fetchWithin } from './allowed-hosts.js';
import { isLost } from './lost-answer.js';
import type { Run } from './run.js';
import type { Asked } from './run-host.js';
import { idempotencyKeyOf } from './run-row.js';
import { pause, withTimeout } from './timeout.js';
import type { Reconciled, Tool, ToolContext } from './tool.js';

/** What a person has decided. */
export interface Decision {
  /** The run that asked, and the step. */
  readonly run: string;
  readonly step: number;
  /** Of an approval. */
  readonly approved?: boolean;
  /** Of an act in doubt: what became of it, and what it gave. */
  readonly outcome?: 'done' | 'not-done';
  readonly result?: unknown;
  readonly by?: string;
  readonly note?: string;
}

/** Something that a person is to decide: plain data. */
export interface HumanRequest {
  readonly run: string;
  readonly step: number;
  readonly operator: string;
  readonly key: unknown;
  readonly kind: 'approval' | 'in-doubt';
  /** What is asked, or the tool in doubt. */
  readonly subject: unknown;
  readonly input?: unknown;
  readonly idempotencyKey?: string;
  /** Processing time, epoch ms, at which it was asked. */
  readonly at?: number;
  /** Of an approval with a time-out: until when an answer counts, epoch ms, and in which time. */
  readonly deadline?: { readonly at: number; readonly time: 'event' | 'processing' } | undefined;
}

const ATTEMPTS = 4;
const DELAY_MS = 500;

/** The side output of requests to people. */
export const REQUESTS = 'requests';

export interface Calling {
  readonly run: Run;
  readonly operator: string;
  readonly host: Host;
}

/** What is called, and as which step. */
export interface ToolStep {
  readonly name: string;
  readonly tool: Tool;
  readonly input: unknown;
  readonly step: number;
}

/** The tool's answer. Throws what it throws, and `MILL_RECORD_REJECTED` for an input that it does not take. */
export async function callTool(calling: Calling, { name, tool, input, step }: ToolStep): Promise<unknown> {
  const { run } = calling;
  const value = validate(tool.input, input);
  const asked: Asked = { kind: 'tool', name, request: { input: value } };
  const known = run.answered(step, asked);
  if (known) return known.value;
  const call = { run, host: calling.host, operator: calling.operator, name, tool, input: value, step, asked };
  switch (tool.effect) {
    case 'read':
      return run.perform(step, asked, () => made(call));
    case 'outbox':
      return run.askNow({ ...asked, inState: true }, () => posted(call), step);
    case 'idempotent':
      return run.act(() => idempotent(call));
    case 'once':
      return run.act(() => once(call));
  }
}

interface Call extends Calling {
  readonly name: string;
  readonly tool: Tool;
  readonly input: unknown;
  readonly step: number;
  readonly asked: Asked;
}

async function idempotent(call: Call): Promise<unknown> {
  const { run, step } = call;
  if (!run.wasBegun(step)) await run.begin(step);
  return acted(call, () => madeUntilHeard(call));
}

async function once(call: Call): Promise<unknown> {
  const { run, step } = call;
  if (run.wasBegun(step)) {
    const known = await outcomeOf(call);
    if (known.outcome === 'done') return acted(after(call, known), () => known.result);
  }
  await run.begin(step);
  const attempted = await run.attempt(() => made(call));
  let known: Outcome = {};
  if ('thrown' in attempted && !run.isOver && !isResultInvalid(attempted.thrown)) {
    known = await whatBecame(call, attempted.thrown);
    if (known.outcome === 'done') return acted(after(call, known), () => known.result);
  }
  try {
    return run.settle(step, after(call, known).asked, attempted);
  } finally {
    await run.durable();
  }
}

interface Outcome {
  readonly outcome?: 'done' | 'not-done' | 'unknown' | undefined;
  readonly result?: unknown;
  /** By a person. */
  readonly isDecided?: boolean;
}

/** A decision is state, and comes again if no checkpoint holds it: then the step is to take it again. */
function after(call: Call, { isDecided }: Outcome): Call {
  return isDecided ? { ...call, asked: { ...call.asked, inState: true } } : call;
}

/** Of an act that may have been made: as the receiver says, or else a person. */
async function outcomeOf(call: Call): Promise<Outcome> {
  const known = await reconciled(call);
  return known.outcome === 'unknown' ? { ...(await doubted(call)), isDecided: true } : known;
}

/** Of an act that has failed: an answer that is lost leaves open whether it was made, as a crash does. */
function whatBecame(call: Call, thrown: unknown): Promise<Outcome> {
  return isLost(thrown) ? outcomeOf(call) : reconciled(call);
}

/** Again with the same key where an answer is lost: the receiver knows whether it has been there. */
async function madeUntilHeard(call: Call): Promise<unknown> {
  const { run, host } = call;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await made(call);
    } catch (error) {
      if (run.isOver || !isLost(error) || attempt === ATTEMPTS) throw error;
      await pause(host, DELAY_MS * 2 ** (attempt - 1), run.signal);
    }
  }
}

/** Its answer counts once it is durable. */
async function acted(call: Call, work: () => unknown): Promise<unknown> {
  const { run, step, asked } = call;
  try {
    return await run.perform(step, asked, work);
  } finally {
    await run.durable();
  }
}

async function made({ run, host, tool, input, step }: Call): Promise<unknown> {
  const result = await withTimeout(host, tool.timeoutMs, run.signal, (signal) =>
    tool.run(input as never, contextOf({ run, host, step, signal, hosts: tool.hosts })),
  );
  return tool.output ? validate(tool.output, result) : result;
}

/** It was made, whatever is wrong with what it gave. */
function isResultInvalid(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'MILL_RECORD_REJECTED';
}

async function reconciled({ run, host, tool, input, step }: Call): Promise<Reconciled<unknown>> {
  const { reconcile } = tool;
  if (!reconcile) return { outcome: 'unknown' };
  try {
    return await withTimeout(host, tool.timeoutMs, run.signal, (signal) =>
      reconcile(input as never, contextOf({ run, host, step, signal, hosts: tool.hosts })),
    );
  } catch {
    // Whoever can't be asked has not said that nothing was done.
    return { outcome: 'unknown' };
  }
}

/** Asks a person what became of an act, and waits, however long that takes. */
async function doubted({ run, host, operator, name, input, step }: Call): Promise<Decision> {
  const idempotencyKey = idempotencyKeyOf(run.row.id, step);
  const request: HumanRequest = {
    run: run.row.id,
    step,
    operator,
    key: run.key,
    kind: 'in-doubt',
    subject: name,
    input,
    idempotencyKey,
    at: host.now(),
  };
  return (await run.resolveDoubt(step, request, decisionOf(run, step).matches)) as Decision;
}

/** What a wait for a person's decision takes. */
export function decisionOf(run: Run, step: number) {
  const matches = (value: unknown): boolean => {
    const { run: of, step: which } = (value ?? {}) as Partial<Decision>;
    return of === run.row.id && which === step;
  };
  return { from: 'decisions', matches, time: 'processing' } as const;
}

/** Kept with the key until its receiver has it. */
function posted({ run, name, input, step }: Call): undefined {
  const message = { tool: name, version: run.row.version, input, idempotencyKey: idempotencyKeyOf(run.row.id, step) };
  run.change((row) => row.outbox.push(message));
  return undefined;
}

export function contextOf(of: {
  readonly run: Run;
  readonly host: Host;
  readonly step: number;
  readonly signal: AbortSignal;
  readonly hosts?: readonly string[] | undefined;
}): ToolContext {
  return {
    idempotencyKey: idempotencyKeyOf(of.run.row.id, of.step),
    signal: of.signal,
    key: of.run.key,
    fetch: fetchWithin(of.hosts, (input, init) => of.host.fetch(input, init)) as typeof fetch,
  };
}
