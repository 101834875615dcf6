/**
 * The test kit: `import { everyWay, harness, jobHarness, simulate } from 'millrace/testing'`.
 */

export {
  ModelServer,
  type ModelServerOptions,
  type ModelServerRequest,
  startModelServer,
} from '../agents/model-server/model-server.js';
export type {
  Latency,
  ModelRule,
  ModelScript,
  RuleAnswer,
  RuleCondition,
  RuleFault,
} from '../agents/model-server/rules.js';
export { deepFreeze } from '../core/plain.js';
export type { StateRow } from '../state/backend.js';
export type { Emitted } from './capture.js';
export { type ConformanceCheck, type ConformanceOptions, chatModelConformance } from './chat-model-conformance.js';
export {
  type Channels,
  type EveryWayOptions,
  type EveryWayReport,
  everyWay,
  type Outputs,
  type Phase,
  type Step,
} from './every-way.js';
export {
  harness,
  type InputTarget,
  type JobHarness,
  jobHarness,
  type OperatorHarness,
  type SendOptions,
} from './harness.js';
export type { HarnessOptions, HarnessTarget, PendingTimer, RestoreOptions } from './harness-core.js';
export { HarnessSnapshot } from './harness-snapshot.js';
export { type SimulateOptions, type SimulationResult, simulate } from './simulate.js';
