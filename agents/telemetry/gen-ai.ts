/**
 * What calls of models and tools are named in traces and metrics: OpenTelemetry's conventions for generative AI, as of 1.38, which
 * are still in development. When they change, they change here.
 */

/** Names of attributes. */
export const GEN_AI = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  agent: 'gen_ai.agent.name',
  agentVersion: 'gen_ai.agent.version',
  conversation: 'gen_ai.conversation.id',
  requestModel: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  maxTokens: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedTokens: 'gen_ai.usage.cache_read.input_tokens',
  tokenType: 'gen_ai.token.type',
  tool: 'gen_ai.tool.name',
  toolArguments: 'gen_ai.tool.call.arguments',
  toolResult: 'gen_ai.tool.call.result',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
  errorType: 'error.type',
} as const;

/** Names of metrics. */
export const TOKEN_USAGE = 'gen_ai.client.token.usage';
export const OPERATION_DURATION = 'gen_ai.client.operation.duration';

/** Upper bounds of buckets, as the conventions ask for them. */
export const TOKEN_BOUNDS: readonly number[] = Array.from({ length: 14 }, (_, power) => 4 ** power);
export const DURATION_BOUNDS: readonly number[] = Array.from({ length: 14 }, (_, power) => 2 ** power / 100);

/** Of a model whose id names one: `openai/gpt-5-mini`. */
export function providerOf(modelId: string): string | undefined {
  const at = modelId.indexOf('/');
  return at > 0 ? modelId.slice(0, at) : undefined;
}

/** Of something thrown, or of an error as it is kept. */
export function errorTypeOf(error: unknown): string {
  const { failure, code, name } = (error ?? {}) as { failure?: unknown; code?: unknown; name?: unknown };
  const known = [failure, code, name].find((each) => typeof each === 'string' && each !== '');
  return (known as string | undefined) ?? '_OTHER';
}
