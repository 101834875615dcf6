/**
 * Everything a job is written with: `import { job, run, files, csv, print } from 'millrace'`.
 */
export { type Progress, showProgress } from '../cli/progress.js';
export { csv } from '../connectors/files/csv.js';
export { fileSink } from '../connectors/files/file-sink.js';
export { files } from '../connectors/files/files-source.js';
export { lines } from '../connectors/files/lines.js';
export { ndjson } from '../connectors/files/ndjson.js';
export { type Callback, type CallbackInfo, callback } from '../connectors/memory/callback-sink.js';
export { collect } from '../connectors/memory/collect-sink.js';
export { type GenerateOptions, generate } from '../connectors/memory/generator-source.js';
export { fromIterable, type IterableInput } from '../connectors/memory/iterable-source.js';
export { print } from '../connectors/memory/print-sink.js';
export { type ErrorCode, type ErrorKind, MillraceError } from '../core/errors.js';
export type { Key } from '../core/key.js';
export type { Meter } from '../core/meter.js';
export type { InferOutput, StandardSchemaV1 } from '../core/schema.js';
export type { Duration } from '../core/time.js';
export type { CheckpointInfo, JobOutcome, JobStatus } from '../engine/coordinator/coordinator.js';
export type { RestartPolicy } from '../engine/coordinator/restart-strategy.js';
export type { ExplainedOperator, ExplainedOutput, ExplainedPlan } from '../engine/graph/explain.js';
export type { DeadLetter } from '../engine/worker/dead-letter.js';
export type { AggregateBuilder, Aggregator } from '../operators/aggregate/aggregates.js';
export type { Change, ChangeKind } from '../operators/changelog.js';
export {
  type AfterMatch,
  noSkip,
  type SkipOptions,
  skipPastLastEvent,
  skipToFirst,
  skipToLast,
  skipToNext,
} from '../operators/pattern/after-match.js';
export type { ConditionTime } from '../operators/pattern/evaluation.js';
export type { Upsert } from '../operators/ranking/materialize.js';
export type { Committer, CommitterContext, OutputPoint, Sink, SinkContext, SinkWriter } from '../operators/sink.js';
export type { Source, Split, SplitReader } from '../operators/source.js';
export {
  type CalendarUnit,
  calendar,
  countWindow,
  cumulate,
  globalWindow,
  session,
  sliding,
  type TimeWindows,
  tumbling,
  type Window,
  type WindowAssigner,
} from '../operators/window/assigners.js';
export { type Evictor, type EvictorOptions, evictor, type TimedRecord } from '../operators/window/evictors.js';
export type { Trigger, TriggerContext, TriggerResult } from '../operators/window/trigger.js';
export { trigger } from '../operators/window/triggers.js';
export type { Firing, WindowContext } from '../operators/window/window-fold.js';
export { state } from '../state/descriptors.js';
export type { AllWindowedStream } from './all-windowed-stream.js';
export type { AsyncOptions, BatchAsyncOptions, Batched, CallContext, KeyedAsyncOptions, Retry } from './async.js';
export type {
  BroadcastConnectedStreams,
  BroadcastContext,
  BroadcastFunctions,
  BroadcastJoin,
  BroadcastJoinOptions,
  BroadcastRecordContext,
  BroadcastStream,
  KeyedBroadcastContext,
  KeyedBroadcastFunctions,
  KeyedBroadcastStreams,
  ReadableHandles,
} from './broadcast.js';
export type { ConnectedStreams } from './connected-streams.js';
export type { EventTimeOptions, WatermarkGenerator } from './event-time.js';
export { type Explanation, explain } from './explain.js';
export { type JobBuilder, type JobDefinition, type JobOptions, job, type SourceOptions } from './job.js';
export type { JobHandle, JobMetrics, JobResult, OperatorMetrics } from './job-handle.js';
export type {
  ChangelogJoin,
  ChangelogJoinType,
  ChangelogPair,
  ChangesOptions,
  CoGroupWindows,
  IntervalJoin,
  JoinedStream,
  JoinOptions,
  JoinType,
  LeftOf,
  RightOf,
  TemporalJoinOptions,
  WindowJoin,
} from './join-types.js';
export type { KeyedStream } from './keyed-stream.js';
export { type Lookup, type LookupCacheOptions, tableOf } from './lookups.js';
export type { Match, MatchOptions, MatchResults, TimedOut } from './match.js';
export type {
  DynamicMatchOptions,
  PatternRule,
  Patterns,
  RuleMatch,
  RuleMatches,
  RuleTimedOut,
} from './match-dynamic.js';
export { deadLetter, type OnError } from './on-error.js';
export type { Output } from './output.js';
export type { AddStep, Pattern, PatternStart, RecordsOf, SoFar, Taken } from './pattern.js';
export { type ConnectedFunctions, type ProcessContext, type ProcessFunctions, side } from './process.js';
export type { ProcessedStream } from './processed-stream.js';
export type { Deduplicate, Ranked, Suppress, TopN } from './ranking.js';
export { type InlineRunOptions, type RunOptions, run } from './run.js';
export type { RunningOptions } from './running.js';
export type { OperatorOptions, SinkOptions, Stream } from './stream.js';
export type { WindowedStream } from './windowed-stream.js';
export type { KeyedWindowOptions, WindowedOptions, WindowOptions, WindowResults } from './windows.js';
