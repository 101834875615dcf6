/** A model in memory that answers as a function says. */
import type { ChatAnswer, ChatModel, ChatRequest, ToolCall } from 'millrace/agents';

export interface Turn {
  readonly text?: string;
  readonly calls?: readonly ToolCall[];
}

export function answerOf(reply: unknown): Turn {
  return { text: JSON.stringify(reply) };
}

export function scripted(turns: (request: ChatRequest) => Turn | Promise<Turn>, id = 'scripted/one'): ChatModel {
  return {
    id,
    async chat(request): Promise<ChatAnswer> {
      const { text = '', calls = [] } = await turns(request);
      return {
        text,
        calls,
        finish: calls.length > 0 ? 'tools' : 'stop',
        usage: { inputTokens: 100, outputTokens: 10 },
      };
    },
  };
}
