/**
 * The test kit: `import { harness, jobHarness, simulate } from 'millrace/testing'`.
 */
export { deepFreeze } from '../core/plain.js';
export type { StateRow } from '../state/backend.js';
export type { Emitted } from './capture.js';
export {
  harness,
  type InputTarget,
  type JobHarness,
  jobHarness,
  type OperatorHarness,
  type SendOptions,
} from './harness.js';
export type { HarnessOptions, HarnessTarget, PendingTimer } from './harness-core.js';
export { type SimulateOptions, type SimulationResult, simulate } from './simulate.js';
