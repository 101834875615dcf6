/**
 * Runs as traces: a span for the run, and below it one for each step. Ids follow from the run's, so a run that is told twice is the
 * same trace.
 */
import { createHash } from 'node:crypto';
import { describeValue } from '../../core/errors.js';
import type { ChatRequest } from '../model/chat-model.js';
import type { Paid } from '../model-calls.js';
import type { RunRecord, StepRecord } from '../run-record.js';
import { errorTypeOf, GEN_AI, providerOf } from './gen-ai.js';
import { type Attributes, attributesOf, nanosOf, type OtlpAttribute, type OtlpResource, SCOPE } from './otlp.js';

/** What goes into traces. */
export interface OtlpTracesOptions {
  /** `service.name`; default `'millrace'`. */
  readonly service?: string;
  /** Also what models and tools were asked and have answered; default: no, since it may be anybody's business. */
  readonly content?: boolean;
  /** Of the resource, beside the service's name. */
  readonly attributes?: Readonly<Record<string, string>>;
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly status: { readonly code: number; readonly message?: string };
}

/** A request to `/v1/traces`, as JSON. */
export interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: OtlpResource;
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const INTERNAL = 1;
const CLIENT = 3;
const OK = 1;
const ERROR = 2;

/**
 * Runs, as an agent's `runs` has them, as a request to an OpenTelemetry collector: a trace each, with the names of the GenAI
 * conventions. `otlpSink` sends them.
 *
 * @example
 * await fetch('http://localhost:4318/v1/traces', { method: 'POST', body: JSON.stringify(otlpTraces(runs)) })
 */
export function otlpTraces(runs: Iterable<RunRecord>, options: OtlpTracesOptions = {}): OtlpTraces {
  const { service = 'millrace', attributes = {}, content = false } = options;
  const resource = { attributes: attributesOf({ 'service.name': service, ...attributes }) };
  const spans = [...runs].flatMap((run) => spansOf(run, content));
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: SCOPE, spans }] }] };
}

function spansOf(run: RunRecord, content: boolean): OtlpSpan[] {
  const traceId = run.id.padEnd(32, '0').slice(0, 32);
  const root = spanIdOf(run.id, 'run');
  const steps = run.steps.filter(({ kind }) => kind !== 'clock' && kind !== 'random');
  return [
    { traceId, spanId: root, ...rootOf(run) },
    ...steps.map((step) => ({
      traceId,
      spanId: spanIdOf(run.id, String(step.step)),
      parentSpanId: root,
      ...stepOf(step, content),
    })),
  ];
}

type Described = Omit<OtlpSpan, 'traceId' | 'spanId' | 'parentSpanId'>;

function rootOf({ id, operator, version, key, number, outcome, at, ms }: RunRecord): Described {
  return {
    name: `invoke_agent ${operator}`,
    kind: INTERNAL,
    ...during(at, ms),
    attributes: attributesOf({
      [GEN_AI.operation]: 'invoke_agent',
      [GEN_AI.agent]: operator,
      [GEN_AI.agentVersion]: version,
      [GEN_AI.conversation]: typeof key === 'string' ? key : describeValue(key),
      'millrace.run.id': id,
      'millrace.run.number': number,
      'millrace.run.outcome': outcome,
    }),
    status: { code: outcome === 'failed' ? ERROR : OK },
  };
}

function stepOf(step: StepRecord, content: boolean): Described {
  const { kind, name, answer, at, ms } = step;
  const failed = 'error' in answer ? answer.error : undefined;
  const [title, own] =
    kind === 'model' ? chatOf(step, content) : kind === 'tool' ? toolOf(step, content) : [`${kind} ${name}`, {}];
  return {
    name: title,
    kind: kind === 'model' ? CLIENT : INTERNAL,
    ...during(at, ms),
    attributes: attributesOf({
      ...own,
      'millrace.step': step.step,
      'millrace.step.kind': kind,
      [GEN_AI.errorType]: failed && errorTypeOf(failed),
    }),
    status: failed ? { code: ERROR, message: failed.message } : { code: OK },
  };
}

function chatOf({ name, request, answer }: StepRecord, content: boolean): readonly [string, Attributes] {
  const { maxOutputTokens, temperature, messages } = request as ChatRequest;
  const paid = 'value' in answer ? (answer.value as Paid) : undefined;
  const model = paid?.by ?? name;
  const asked = {
    [GEN_AI.operation]: 'chat',
    [GEN_AI.provider]: providerOf(model),
    [GEN_AI.requestModel]: model,
    [GEN_AI.maxTokens]: maxOutputTokens,
    [GEN_AI.temperature]: temperature,
    [GEN_AI.inputMessages]: content ? JSON.stringify(messages) : undefined,
  };
  return [`chat ${model}`, paid ? { ...asked, ...answeredBy(paid, content) } : asked];
}

function answeredBy({ usd, answer, hedged }: Paid, content: boolean): Attributes {
  const { text, calls, finish, usage, model } = answer;
  return {
    [GEN_AI.responseModel]: model,
    [GEN_AI.finishReasons]: [finish],
    [GEN_AI.inputTokens]: usage.inputTokens,
    [GEN_AI.outputTokens]: usage.outputTokens,
    [GEN_AI.cachedTokens]: usage.cachedTokens,
    'millrace.hedges': hedged ? 1 : undefined,
    'millrace.cost.usd': usd > 0 ? usd : undefined,
    [GEN_AI.outputMessages]: content ? JSON.stringify([{ role: 'assistant', text, calls }]) : undefined,
  };
}

function toolOf({ name, request, answer }: StepRecord, content: boolean): readonly [string, Attributes] {
  const result = 'value' in answer ? answer.value : undefined;
  return [
    `execute_tool ${name}`,
    {
      [GEN_AI.operation]: 'execute_tool',
      [GEN_AI.tool]: name,
      [GEN_AI.toolArguments]: content ? textOf((request as { input?: unknown }).input) : undefined,
      [GEN_AI.toolResult]: content ? textOf(result) : undefined,
    },
  ];
}

function textOf(value: unknown): string | undefined {
  return JSON.stringify(value, (_name, each) => (typeof each === 'bigint' ? String(each) : each));
}

function during(at: number, ms: number): Pick<OtlpSpan, 'startTimeUnixNano' | 'endTimeUnixNano'> {
  return { startTimeUnixNano: nanosOf(at), endTimeUnixNano: nanosOf(at + ms) };
}

function spanIdOf(run: string, part: string): string {
  return createHash('sha256').update(`${run} ${part}`).digest('hex').slice(0, 16);
}
