/**
 * What an agent's operator is made of.
 */
import type { Agent } from './agent.js';

export interface AgentSpec {
  readonly agent: Agent<never, unknown>;
  /** Versions whose runs may still be open. */
  readonly previous: readonly Agent<never, unknown>[];
  /** Runs under way at once in each subtask, those not counted that only wait for events, times or people. */
  readonly maxInFlight: number;
  /** Inputs that wait for their turn in each subtask, before what comes has to wait outside. */
  readonly mailbox: number;
  /** How long, in event time, what comes for a key without a run is kept for the next one. */
  readonly earlyMs: number;
}
