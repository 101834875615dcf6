/**
 * A client of chat completions as OpenAI's API has them, which most providers and local servers speak. By `fetch` alone: retries,
 * time-outs and budgets are the agent's.
 */
import type {
  ChatAnswer,
  ChatMessage,
  ChatModel,
  ChatRequest,
  ModelCall,
  ToolCall,
  ToolSpec,
  Usage,
} from './chat-model.js';
import { failureOfStatus, ModelError, retryAfterOf } from './model-error.js';
import { serverSentEvents } from './server-sent-events.js';

/** Where a model is to be had. */
export interface OpenAiCompatible {
  /** As its provider names it: `gpt-5-mini`. */
  readonly model: string;
  /** Of the API, to which `/chat/completions` is added: `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** The key, or what gives it when a call is made; it is in no record and no error. Default: none. */
  readonly apiKey?: string | (() => string | Promise<string>);
  /** Beside those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Has answers come piece by piece: for `onText`, and so that long ones do not look stalled. Default: false. */
  readonly stream?: boolean;
  /** What records and prices call it; default: `model`. */
  readonly id?: string;
  /** Fields of the request beside those that are made from it: `{ reasoning_effort: 'low' }`. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/**
 * A model behind an API that is compatible with OpenAI's.
 *
 * @example
 * const model = openAiCompatible({
 *   model: 'gpt-5-mini',
 *   baseUrl: 'https://api.openai.com/v1',
 *   apiKey: () => process.env.OPENAI_API_KEY ?? '',
 * })
 */
export function openAiCompatible(options: OpenAiCompatible): ChatModel {
  return { id: options.id ?? options.model, chat: (request, call) => chat(options, request, call) };
}

async function chat(options: OpenAiCompatible, request: ChatRequest, call: ModelCall): Promise<ChatAnswer> {
  const response = await send(options, request, call);
  try {
    return options.stream ? await streamed(response, call) : answerOf((await response.json()) as Completion);
  } catch (error) {
    if (call.signal.aborted) throw new ModelError('aborted', 'the call was aborted', { cause: error });
    if (error instanceof ModelError) throw error;
    throw new ModelError('malformed', `${options.model} gave an answer that can't be read`, { cause: error });
  }
}

async function send(options: OpenAiCompatible, request: ChatRequest, call: ModelCall): Promise<Response> {
  const { signal } = call;
  const { apiKey, headers, baseUrl, model } = options;
  const key = typeof apiKey === 'function' ? await apiKey() : apiKey;
  const body = JSON.stringify(bodyOf(options, request));
  const response = await call
    .fetch(`${baseUrl.replace(/\/$/, '')}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }), ...headers },
      body,
      signal,
    })
    .catch((error: unknown) => {
      const failure = signal.aborted ? 'aborted' : 'network';
      throw new ModelError(failure, `${model} could not be reached`, { cause: error });
    });
  if (response.ok) return response;
  const text = (await response.text().catch(() => '')).slice(0, 500);
  throw new ModelError(failureOfStatus(response.status, text), `${model} answered with ${response.status}: ${text}`, {
    status: response.status,
    retryAfterMs: retryAfterOf(response.headers),
  });
}

function bodyOf({ model, stream, body }: OpenAiCompatible, request: ChatRequest): Record<string, unknown> {
  const { messages, tools, output, maxOutputTokens, temperature } = request;
  return {
    model,
    messages: messages.map(messageOf),
    ...(tools && tools.length > 0 && { tools: tools.map(toolOf) }),
    ...(output && { response_format: { type: 'json_schema', json_schema: { ...output, strict: true } } }),
    ...(maxOutputTokens !== undefined && { max_completion_tokens: maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
    ...body,
  };
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
    readonly message?: { readonly content?: string | null; readonly tool_calls?: readonly WireCall[] | null };
    readonly delta?: { readonly content?: string | null; readonly tool_calls?: readonly WireCall[] | null };
  }[];
  readonly usage?: WireUsage | null;
  readonly error?: { readonly message?: string };
}

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

function answerOf({ model, choices, usage }: Completion): ChatAnswer {
  const [choice] = choices ?? [];
  if (!choice?.message) throw new TypeError('it has no message');
  const calls = (choice.message.tool_calls ?? []).map((call, at) => callOf(call, at));
  return built(choice.message.content ?? '', calls, choice.finish_reason, usage, model);
}

async function streamed(response: Response, { onText }: ModelCall): Promise<ChatAnswer> {
  let text = '';
  let finish: string | null | undefined;
  let usage: WireUsage | null | undefined;
  let model: string | undefined;
  const calls: { id: string; name: string; args: string }[] = [];
  for await (const event of serverSentEvents(response)) {
    if (event === '[DONE]') break;
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
    for (const delta of deltas ?? []) addDelta(calls, delta);
  }
  // A stream that was cut off is well-formed as far as it goes.
  if (!finish) throw new ModelError('malformed', 'the stream ended before the answer did');
  const whole = calls.map(({ id, name, args }, at) => callOf({ id, function: { name, arguments: args } }, at));
  return built(text, whole, finish, usage, model);
}

function addDelta(calls: { id: string; name: string; args: string }[], delta: WireCall): void {
  const at = delta.index ?? Math.max(0, calls.length - 1);
  calls[at] ??= { id: '', name: '', args: '' };
  const call = calls[at];
  call.id += delta.id ?? '';
  call.name += delta.function?.name ?? '';
  call.args += delta.function?.arguments ?? '';
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
