/** How a job would run, without running it. */
import { physicalPlan } from '../engine/graph/chain.js';
import { type ExplainedPlan, explainPlan, planText } from '../engine/graph/explain.js';
import type { JobDefinition } from './job.js';

/** A job's plan as plain data; as a string, it is laid out for people. */
export class Explanation implements ExplainedPlan {
  readonly job: string;
  readonly fingerprint: string;
  readonly keyGroups: number;
  readonly chains: ExplainedPlan['chains'];

  /** @internal */
  constructor({ job, fingerprint, keyGroups, chains }: ExplainedPlan) {
    this.job = job;
    this.fingerprint = fingerprint;
    this.keyGroups = keyGroups;
    this.chains = chains;
  }

  /** The plan as text: chains, their operators, and how records get from one to the next. */
  toString(): string {
    return planText(this);
  }
}

/**
 * Shows how a job would run: which operators fuse into chains, and how records travel between those. Nothing is
 * started or opened.
 *
 * @example console.log(String(explain(wordCount)))
 */
export function explain<R, P>(job: JobDefinition<R, P>, params?: Partial<P>): Explanation {
  return new Explanation(explainPlan(physicalPlan(job.plan(params))));
}
