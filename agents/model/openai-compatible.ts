/**
 * A client of chat completions as OpenAI's API has them, which most providers and local servers speak. By `fetch` alone: retries,
 * time-outs and budgets are the agent's.
 */
import type {
  ChatAnswer,
  ChatMessage,
  ChatModel,
  ChatRequest,
  JsonSchema,
  ModelCall,
  ToolCall,
  ToolSpec,
  Usage,
} from './chat-model.js';
import { ModelError } from './model-error.js';
import { type OpenAiEndpoint, postJson } from './openai-http.js';
import { serverSentEvents } from './server-sent-events.js';

/** A chat model of such an API. */
export interface OpenAiCompatible extends OpenAiEndpoint {
  /** Has answers come piece by piece: for `onText`, and so that long ones do not look stalled. Default: false. */
  readonly stream?: boolean;
}

/**
 * A model behind an API that is compatible with OpenAI's.
 *
 * @example
 * const model = openAiCompatible({
 *   model: 'gpt-5-mini',
 *   baseUrl: 'https://api.openai.com/v1',
 *   apiKey: secret('OPENAI_API_KEY'),
 * })
 */
export function openAiCompatible(options: OpenAiCompatible): ChatModel {
  return { id: options.id ?? options.model, chat: (request, call) => chat(options, request, call) };
}

async function chat(options: OpenAiCompatible, request: ChatRequest, call: ModelCall): Promise<ChatAnswer> {
  const response = await postJson(options, '/chat/completions', bodyOf(options, request), call);
  try {
    return options.stream ? await streamed(response, call) : answerOf((await response.json()) as Completion);
  } catch (error) {
    if (call.signal.aborted) throw new ModelError('aborted', 'the call was aborted', { cause: error });
    if (error instanceof ModelError) throw error;
    throw new ModelError('malformed', `${options.model} gave an answer that can't be read`, { cause: error });
  }
}

function bodyOf({ model, stream, body }: OpenAiCompatible, request: ChatRequest): Record<string, unknown> {
  const { messages, tools, output, maxOutputTokens, temperature } = request;
  return {
    model,
    messages: messages.map(messageOf),
    ...(tools && tools.length > 0 && { tools: tools.map(toolOf) }),
    ...(output && { response_format: { type: 'json_schema', json_schema: formatOf(output) } }),
    ...(maxOutputTokens !== undefined && { max_completion_tokens: maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
    ...body,
  };
}

/** Strict where it may be: then every object is closed, and every property of it required. */
function formatOf({ name, schema }: NonNullable<ChatRequest['output']>): Record<string, unknown> {
  const closed = closedSchema(schema) as JsonSchema;
  return { name, schema: closed, strict: isStrict(closed) };
}

/** Objects that say nothing of other properties have none. */
function closedSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closedSchema);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closedSchema(value)]));
  return isObjectSchema(inner) && !('additionalProperties' in inner)
    ? { ...inner, additionalProperties: false }
    : inner;
}

function isStrict(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrict);
  if (typeof schema !== 'object' || schema === null) return true;
  if (!Object.values(schema).every(isStrict)) return false;
  if (!isObjectSchema(schema)) return (schema as { type?: unknown }).type !== 'object';
  const { properties, required = [], additionalProperties } = schema;
  return additionalProperties === false && Object.keys(properties).every((name) => required.includes(name));
}

interface ObjectSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
}

function isObjectSchema(schema: object): schema is ObjectSchema {
  const { type, properties } = schema as Partial<ObjectSchema>;
  return type === 'object' && typeof properties === 'object' && properties !== null;
}

function messageOf(message: ChatMessage): Record<string, unknown> {
  if (message.role === 'tool')
    return {
      role: 'tool',
      tool_call_id: message.callId,
      content: message.failed ? `Error: ${message.text}` : message.text,
    };
  if (message.role !== 'assistant') return { role: message.role, content: message.text };
  const calls = message.calls ?? [];
  return {
    role: 'assistant',
    content: message.text,
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, tool, input, malformed }) => ({
        id,
        type: 'function',
        function: { name: tool, arguments: malformed ?? JSON.stringify(input ?? {}) },
      })),
    }),
  };
}

function toolOf({ name, description, input }: ToolSpec): Record<string, unknown> {
  return { type: 'function', function: { name, description, parameters: input } };
}

// Answers

interface Completion {
  readonly model?: string;
  readonly choices?: readonly {
    readonly finish_reason?: string | null;
    readonly message?: {
      readonly content?: WireContent;
      readonly refusal?: string | null;
      readonly tool_calls?: readonly WireCall[] | null;
    };
    readonly delta?: { readonly content?: string | null; readonly tool_calls?: readonly WireCall[] | null };
  }[];
  readonly usage?: WireUsage | null;
  readonly error?: { readonly message?: string };
}

/** Text, or parts of it. */
type WireContent = string | null | readonly { readonly text?: string }[];

interface WireCall {
  readonly index?: number;
  readonly id?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
}

interface WireUsage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
}

function answerOf({ model, choices, usage, error }: Completion): ChatAnswer {
  if (error) throw new ModelError('overloaded', `the provider gave an error for an answer: ${error.message ?? ''}`);
  const [choice] = choices ?? [];
  if (!choice?.message) throw new TypeError('it has no message');
  const { content, refusal, tool_calls: wireCalls } = choice.message;
  const calls = (wireCalls ?? []).map((call, at) => callOf(call, at));
  const finish = refusal ? 'content_filter' : choice.finish_reason;
  return built(refusal || textOf(content), calls, finish, usage, model);
}

function textOf(content: WireContent | undefined): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text = '' }) => text).join('');
}

async function streamed(response: Response, { onText }: ModelCall): Promise<ChatAnswer> {
  let text = '';
  let finish: string | null | undefined;
  let usage: WireUsage | null | undefined;
  let model: string | undefined;
  let isDone = false;
  const calls = new CallParts();
  for await (const event of serverSentEvents(response)) {
    isDone = event === '[DONE]';
    if (isDone) break;
    const part = JSON.parse(event) as Completion;
    if (part.error) throw new ModelError('overloaded', `the stream broke off: ${part.error.message ?? ''}`);
    model ??= part.model;
    usage = part.usage ?? usage;
    const [choice] = part.choices ?? [];
    finish = choice?.finish_reason ?? finish;
    const { content, tool_calls: deltas } = choice?.delta ?? {};
    if (content) {
      text += content;
      onText?.(content);
    }
    for (const delta of deltas ?? []) calls.add(delta);
  }
  // A stream that was cut off is well-formed as far as it goes; one that ends before it has said what it cost, too.
  if (!finish || (!isDone && !usage)) throw new ModelError('malformed', 'the stream ended before the answer did');
  return built(text, calls.whole(), finish, usage, model);
}

/** Calls of tools as they come in pieces: told apart by their index, or where servers give none by their ids. */
class CallParts {
  readonly #calls = new Map<number, { id: string; name: string; args: string }>();
  #last = -1;

  add({ index, id = '', function: called }: WireCall): void {
    const known = this.#calls.get(this.#last);
    const begins = known === undefined || (id !== '' && known.id !== '' && id !== known.id);
    this.#last = index ?? (begins ? this.#last + 1 : this.#last);
    const call = this.#calls.get(this.#last) ?? { id: '', name: '', args: '' };
    this.#calls.set(this.#last, call);
    // Some servers say both again with every piece.
    call.id ||= id;
    call.name ||= called?.name ?? '';
    call.args += called?.arguments ?? '';
  }

  whole(): ToolCall[] {
    const ascending = [...this.#calls].sort(([a], [b]) => a - b);
    return ascending.map(([, { id, name, args }], at) => callOf({ id, function: { name, arguments: args } }, at));
  }
}

function built(
  text: string,
  calls: readonly ToolCall[],
  finish: string | null | undefined,
  usage: WireUsage | null | undefined,
  model: string | undefined,
): ChatAnswer {
  return { text, calls, finish: finishOf(finish, calls), usage: usageOf(usage), ...(model !== undefined && { model }) };
}

function finishOf(finish: string | null | undefined, calls: readonly ToolCall[]): ChatAnswer['finish'] {
  if (finish === 'length') return 'length';
  if (finish === 'content_filter') return 'filter';
  return calls.length > 0 ? 'tools' : 'stop';
}

/** Some servers give no ids: then the place in the answer is one. */
function callOf({ id, function: called }: WireCall, at: number): ToolCall {
  const text = called?.arguments ?? '';
  const named = { id: id || `call-${at}`, tool: called?.name ?? '' };
  if (text === '') return { ...named, input: {} };
  try {
    return { ...named, input: JSON.parse(text) };
  } catch {
    return { ...named, input: null, malformed: text };
  }
}

function usageOf(usage: WireUsage | null | undefined): Usage {
  const cached = usage?.prompt_tokens_details?.cached_tokens;
  return {
    inputTokens: usage?.prompt_tokens ?? 0,
    outputTokens: usage?.completion_tokens ?? 0,
    ...(cached !== undefined && { cachedTokens: cached }),
  };
}
