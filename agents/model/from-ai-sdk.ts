/**
 * Models of the AI SDK (its provider specification, version 2 and later), as agents take them. Structural: nothing of the
 * SDK is imported.
 */
import type { ChatAnswer, ChatMessage, ChatModel, ChatRequest, ToolCall } from './chat-model.js';
import { failureOfStatus, ModelError, retryAfterOf } from './model-error.js';

/** A language model of the AI SDK, as far as it is used. */
export interface AiSdkModel {
  readonly provider: string;
  readonly modelId: string;
  /** One call, whole. */
  doGenerate(options: never): PromiseLike<unknown>;
}

interface Generated {
  readonly content: readonly {
    readonly type: string;
    readonly text?: string;
    readonly toolCallId?: string;
    readonly toolName?: string;
    readonly input?: unknown;
  }[];
  /** A text in version 2, an object in version 3. */
  readonly finishReason: string | { readonly unified?: string };
  readonly usage: {
    readonly inputTokens?: Tokens;
    readonly outputTokens?: Tokens;
    readonly cachedInputTokens?: number;
  };
  readonly response?: { readonly modelId?: string };
}

type Tokens = number | { readonly total?: number; readonly cacheRead?: number } | undefined;

/**
 * A model of the AI SDK. Its own retries are not used: the agent's are.
 *
 * @example const model = fromAiSdk(openai('gpt-5-mini'))
 */
export function fromAiSdk(model: AiSdkModel): ChatModel {
  return {
    id: `${model.provider}/${model.modelId}`,
    async chat(request, { signal }): Promise<ChatAnswer> {
      try {
        const generated = (await model.doGenerate(optionsOf(request, signal) as never)) as Generated;
        return answerOf(generated);
      } catch (error) {
        throw failureOf(error, signal, model.modelId);
      }
    },
  };
}

function optionsOf({ messages, tools, output, maxOutputTokens, temperature }: ChatRequest, abortSignal: AbortSignal) {
  return {
    prompt: messages.map(messageOf),
    abortSignal,
    ...(tools && {
      tools: tools.map(({ name, description, input }) => ({ type: 'function', name, description, inputSchema: input })),
      toolChoice: { type: 'auto' },
    }),
    ...(output && { responseFormat: { type: 'json', ...output } }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
  };
}

function messageOf(message: ChatMessage): unknown {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.text };
    case 'user':
      return { role: 'user', content: [{ type: 'text', text: message.text }] };
    case 'assistant':
      return { role: 'assistant', content: partsOf(message.text, message.calls ?? []) };
    case 'tool': {
      const output = { type: message.failed ? 'error-text' : 'text', value: message.text };
      const { callId: toolCallId, tool: toolName } = message;
      return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName, output }] };
    }
  }
}

function partsOf(text: string, calls: readonly ToolCall[]): unknown[] {
  const said = text === '' ? [] : [{ type: 'text', text }];
  return [
    ...said,
    ...calls.map(({ id, tool, input }) => ({ type: 'tool-call', toolCallId: id, toolName: tool, input: input ?? {} })),
  ];
}

function answerOf({ content, finishReason, usage, response }: Generated): ChatAnswer {
  const text = content.flatMap((part) => (part.type === 'text' ? [part.text ?? ''] : [])).join('');
  const calls = content.flatMap((part) => (part.type === 'tool-call' ? [callOf(part)] : []));
  const reason = typeof finishReason === 'string' ? finishReason : finishReason.unified;
  if (reason === 'error') throw new ModelError('malformed', 'the model broke off its answer');
  const cached =
    usage.cachedInputTokens ?? (typeof usage.inputTokens === 'object' ? usage.inputTokens.cacheRead : undefined);
  return {
    text,
    calls,
    finish:
      reason === 'length' ? 'length' : reason === 'content-filter' ? 'filter' : calls.length > 0 ? 'tools' : 'stop',
    usage: {
      inputTokens: totalOf(usage.inputTokens),
      outputTokens: totalOf(usage.outputTokens),
      ...(cached !== undefined && { cachedTokens: cached }),
    },
    ...(response?.modelId !== undefined && { model: response.modelId }),
  };
}

function totalOf(tokens: Tokens): number {
  return typeof tokens === 'object' ? (tokens.total ?? 0) : (tokens ?? 0);
}

/** Its input is JSON text. */
function callOf({ toolCallId = '', toolName = '', input }: Generated['content'][0]): ToolCall {
  if (typeof input !== 'string') return { id: toolCallId, tool: toolName, input: input ?? {} };
  try {
    return { id: toolCallId, tool: toolName, input: input === '' ? {} : JSON.parse(input) };
  } catch {
    return { id: toolCallId, tool: toolName, input: null, malformed: input };
  }
}

/** The SDK's errors of calls say their status, and whether they may pass. */
function failureOf(error: unknown, signal: AbortSignal, model: string): ModelError {
  if (error instanceof ModelError) return error;
  if (signal.aborted) return new ModelError('aborted', 'the call was aborted', { cause: error });
  const {
    statusCode,
    message = String(error),
    responseHeaders,
    isRetryable,
  } = (error ?? {}) as {
    readonly statusCode?: number;
    readonly message?: string;
    readonly responseHeaders?: Readonly<Record<string, string>>;
    readonly isRetryable?: boolean;
  };
  const text = `${model}: ${message}`;
  // Without a status it has not come to an answer: for lack of a network, or before anything was asked.
  const isNetwork = isRetryable ?? error instanceof TypeError;
  if (statusCode === undefined) return new ModelError(isNetwork ? 'network' : 'rejected', text, { cause: error });
  // A good answer that can't be read.
  const failure = statusCode < 300 ? 'malformed' : failureOfStatus(statusCode, message);
  return new ModelError(failure, text, {
    status: statusCode,
    retryAfterMs: retryAfterOf(new Headers(responseHeaders ?? {})),
    cause: error,
  });
}
