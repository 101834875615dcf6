/**
 * The loop that lets a model decide: model → tools → model …, until its answer fits the schema of the replies. What goes
 * wrong on the way is the model's to mend, within limits: tools that fail or do not exist, and one answer that does not fit.
 */
import type { StandardSchemaV1 } from '../core/schema.js';
import { jsonSchemaOf } from './json-schema.js';
import type { Memory } from './memory.js';
import type { ChatMessage, ChatModel, ChatRequest, ToolCall, ToolSpec } from './model/chat-model.js';
import { DATA_RULE } from './prompt-data.js';
import { REPAIRS, readReply, repairText } from './reply.js';
import type { AgentContext } from './run-context.js';
import type { Tool } from './tool.js';

/** What a model is told, and what it may answer. */
export interface LoopOptions<I, S extends StandardSchemaV1> {
  /** The model, or several: the next one answers where one fails. */
  readonly model: ChatModel | readonly ChatModel[];
  readonly instructions: string;
  /** What is asked, for an input. Wrap what comes from outside in `data()`. */
  prompt(input: I, memory: Memory): string;
  /** What replies must look like: a schema with a JSON Schema. */
  readonly output: S;
  readonly tools?: Readonly<Record<string, Tool>>;
  /** Characters of a tool's result that the model is shown; default 20,000. */
  readonly resultChars?: number;
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
}

const RESULT_CHARS = 20_000;
type Execute = (input: never, ctx: AgentContext) => Promise<unknown>;

export function loopOf<S extends StandardSchemaV1>(options: LoopOptions<never, S>): Execute {
  const { tools = {}, output } = options;
  const specs = Object.entries(tools).map(([name, tool]) => specOf(name, tool));
  const format = { name: 'reply', schema: jsonSchemaOf(output, 'the replies') };
  return async (input, ctx) => {
    const { memory } = ctx;
    const messages: ChatMessage[] = [
      { role: 'system', text: `${options.instructions}\n\n${DATA_RULE}` },
      { role: 'user', text: options.prompt(input, memory) },
    ];
    for (let repairs = 0; ; ) {
      const answer = await ctx.model(requestOf(options, messages, specs, format));
      messages.push({ role: 'assistant', text: answer.text, ...(answer.calls.length > 0 && { calls: answer.calls }) });
      if (answer.calls.length > 0) {
        messages.push(...(await resultsOf(answer.calls, ctx, options.resultChars ?? RESULT_CHARS)));
        continue;
      }
      const reply = readReply(output, answer);
      if ('value' in reply) return reply.value;
      if (repairs === REPAIRS) throw reply.error;
      repairs += 1;
      messages.push({ role: 'user', text: repairText(reply.error) });
    }
  };
}

function specOf(name: string, { description, input }: Tool): ToolSpec {
  return { name, description, input: jsonSchemaOf(input, `the tool ${name}`) };
}

function requestOf(
  { maxOutputTokens, temperature }: LoopOptions<never, StandardSchemaV1>,
  messages: readonly ChatMessage[],
  tools: readonly ToolSpec[],
  output: NonNullable<ChatRequest['output']>,
): ChatRequest {
  return {
    messages: [...messages],
    output,
    ...(tools.length > 0 && { tools }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
  };
}

/** Of all calls, made side by side. */
function resultsOf(calls: readonly ToolCall[], ctx: AgentContext, chars: number): Promise<ChatMessage[]> {
  return Promise.all(calls.map((call) => resultOf(call, ctx, chars)));
}

async function resultOf(call: ToolCall, ctx: AgentContext, chars: number): Promise<ChatMessage> {
  const said = { role: 'tool', callId: call.id, tool: call.tool } as const;
  try {
    if (call.malformed !== undefined) throw new Error(`the arguments are no JSON: ${call.malformed.slice(0, 200)}`);
    const result = await ctx.tool(call.tool, call.input);
    return { ...said, text: shortened(textOf(result), chars) };
  } catch (error) {
    if (isFinal(error)) throw error;
    return { ...said, text: shortened(error instanceof Error ? error.message : String(error), chars), failed: true };
  }
}

/** The run is over, whatever the model would make of it. */
function isFinal(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return code === 'MILL_AGENT_LIMIT' || code === 'MILL_AGENT_DIVERGED' || code === 'MILL_AGENT_INPUT_ENDED';
}

function textOf(result: unknown): string {
  if (result === undefined) return 'done';
  return typeof result === 'string' ? result : JSON.stringify(result, plainNumber);
}

/** bigints have no JSON. */
function plainNumber(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function shortened(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars)} … (${text.length - chars} more characters left out)`;
}
