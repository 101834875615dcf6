/**
 * Agents as operators: `millrace/agents`.
 */
import './embed/embed-streams.js';
import './infer/infer-streams.js';
import './keyed-agent.js';
import './vectors/vector-join.js';

export type { AgentStreamOptions, AgentStreams } from './add-agent.js';
export type {
  Act,
  Agent,
  AgentBase,
  Budget,
  CodeAgentOptions,
  Guard,
  ModelAgentOptions,
  PeriodBudget,
  Price,
  Tools,
  Verdict,
} from './agent.js';
export { agent } from './agent.js';
export type { AgentFailure } from './agent-failure.js';
export type { EmbedOptions } from './embed/embed-streams.js';
export { jsonSchema } from './given-schema.js';
export type { InferOptions, KeyedInferOptions } from './infer/infer-options.js';
export type { AboutInference } from './infer/inference.js';
export type { LoopOptions } from './loop.js';
export type { Given, McpAddress, McpProgram, McpServer } from './mcp/mcp-server.js';
export { listMcpTools, type McpTool, type McpToolList, type McpToolsOptions, mcpTools } from './mcp/mcp-tools.js';
export type { Memory, MemoryOptions, Summarise } from './memory.js';
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
export type { EmbeddingModel, Embeddings } from './model/embedding-model.js';
export { type AiSdkModel, fromAiSdk } from './model/from-ai-sdk.js';
export { ModelError, type ModelFailure } from './model/model-error.js';
export { type OpenAiCompatible, openAiCompatible } from './model/openai-compatible.js';
export { type OpenAiEmbeddings, openAiEmbeddings } from './model/openai-embeddings.js';
export type { OpenAiEndpoint } from './model/openai-http.js';
export type { ModelStreamOptions } from './model-stream-options.js';
export { data } from './prompt-data.js';
export type { RunComparison, RunSide } from './replay/comparison.js';
export { type DarkLaunchOptions, darkLaunch } from './replay/dark-launch.js';
export {
  type EvaluateOptions,
  type EvaluationReport,
  evaluate,
  type JudgedRun,
  type JudgedSide,
} from './replay/evaluate.js';
export { type Fork, type ForkOptions, fork } from './replay/fork.js';
export {
  byLabels,
  byModel,
  type Judge,
  type Judgement,
  type Label,
  type ModelJudgeOptions,
} from './replay/judges.js';
export { type ReplayOptions, replay } from './replay/replay.js';
export { type JobReplay, type JobReplayOptions, replayJob } from './replay/replay-job.js';
export { type Rate, type ReplayReport, reportOf } from './replay/report.js';
export { reportHtml } from './replay/report-html.js';
export { reportText } from './replay/report-text.js';
export type { Calls, Difference, Divergence } from './replay/rerun.js';
export type { AgentContext, ApproveOptions, ToolCalls, WaitOptions } from './run-context.js';
export type { Remembered, RunRecord, StepRecord } from './run-record.js';
export type { Answer, StepKind } from './run-row.js';
export { type Secret, type SecretOptions, secret } from './secret.js';
export type { Read, Reads } from './staged-state.js';
export { type OtlpMetricsOptions, otlpMetrics } from './telemetry/otlp-metrics.js';
export { type OtlpSinkOptions, otlpSink } from './telemetry/otlp-sink.js';
export { type OtlpTracesOptions, otlpTraces } from './telemetry/otlp-traces.js';
export type { Effect, Reconciled, Tool, ToolContext, ToolOptions } from './tool.js';
export { tool } from './tool.js';
export type { Decision, HumanRequest } from './tool-calls.js';
export { type Metric, type Near, type NearestOptions, nearest, type Vector } from './vectors/nearest.js';
export type { VectorJoin } from './vectors/vector-join.js';
