/**
 * Agents as operators: `millrace/agents`.
 */
import './keyed-agent.js';

export type { AgentStreamOptions, AgentStreams } from './add-agent.js';
export type {
  Act,
  Agent,
  AgentBase,
  Budget,
  CodeAgentOptions,
  Guard,
  ModelAgentOptions,
  Price,
  Tools,
  Verdict,
} from './agent.js';
export { agent } from './agent.js';
export type { AgentFailure } from './agent-operator.js';
export { data, type LoopOptions } from './loop.js';
export type {
  ChatAnswer,
  ChatMessage,
  ChatModel,
  ChatRequest,
  JsonSchema,
  ModelCall,
  ToolCall,
  ToolSpec,
  Usage,
} from './model/chat-model.js';
export type { AgentContext, ApproveOptions, Remembered, WaitOptions } from './run-context.js';
export type { RunRecord, StepRecord } from './run-record.js';
export type { Answer, StepKind } from './run-row.js';
export type { Effect, Reconciled, Tool, ToolContext, ToolOptions } from './tool.js';
export { tool } from './tool.js';
export type { Decision, HumanRequest } from './tool-calls.js';
