/**
 * The contract of chat models: what the agent loop asks of a model, and all that it needs to know of one. Everything that goes
 * in and comes out is plain data: it is kept in the journal, and served again from there.
 */

/** A JSON Schema, as plain data. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** A model that answers a conversation. */
export interface ChatModel {
  /** Names it in records, budgets and prices: `openai/gpt-5-mini`. */
  readonly id: string;
  /** One call, without retries. Rejects with a `ModelError`. */
  chat(request: ChatRequest, call: ModelCall): Promise<ChatAnswer>;
}

/** What a call may use of the outside. */
export interface ModelCall {
  readonly signal: AbortSignal;
  readonly fetch: typeof globalThis.fetch;
  /** Pieces of the text, as they come. */
  readonly onText?: (delta: string) => void;
}

/** A conversation so far, and what the next answer may be. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly ToolSpec[];
  /** The answer is to be JSON of this schema. */
  readonly output?: { readonly name: string; readonly schema: JsonSchema };
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
}

/** One message of a conversation. */
export type ChatMessage =
  | { readonly role: 'system' | 'user'; readonly text: string }
  | { readonly role: 'assistant'; readonly text: string; readonly calls?: readonly ToolCall[] }
  | {
      readonly role: 'tool';
      readonly callId: string;
      readonly tool: string;
      readonly text: string;
      readonly failed?: boolean;
    };

/** A tool, as models are told of it. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  readonly input: JsonSchema;
}

/** A call that a model asks for. */
export interface ToolCall {
  readonly id: string;
  readonly tool: string;
  readonly input: unknown;
  /** Its arguments as they came, where they are no JSON. */
  readonly malformed?: string;
}

/** What a model has answered: text, calls of tools, or both. */
export interface ChatAnswer {
  readonly text: string;
  readonly calls: readonly ToolCall[];
  readonly finish: 'stop' | 'tools' | 'length' | 'filter';
  readonly usage: Usage;
  /** The model that has answered, as its provider says. */
  readonly model?: string;
}

/** What a call has cost, in tokens. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens?: number;
}
