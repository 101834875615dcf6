/**
 * What flows through the claims job: records of its streams, rows of its database, and what is decided.
 */
import { z } from 'zod';

const time = z.iso.datetime();

/** A claim, as the customer has filled it in. */
export const Claim = z.object({
  id: z.string().regex(/^C-\d+$/),
  policy: z.string(),
  /** When it came in. */
  at: time,
  kind: z.enum(['water', 'hail', 'theft', 'glass', 'collision']),
  cents: z.number().int().positive(),
  /** Where the money is to go. */
  iban: z.string(),
  shop: z.string(),
  text: z.string(),
  /** Number of the police report. */
  police: z.string().optional(),
});
export type Claim = z.infer<typeof Claim>;

/** What a customer has answered to a letter. */
export const Answer = z.object({
  claim: z.string(),
  at: time,
  text: z.string(),
  police: z.string().optional(),
  /** A damage report, whole. */
  report: z.string().optional(),
});
export type Answer = z.infer<typeof Answer>;

/** What a person has decided about a request of the agent. */
export const Approval = z.object({
  claim: z.string(),
  run: z.string(),
  step: z.number(),
  approved: z.boolean(),
  by: z.string(),
  at: time,
});
export type Approval = z.infer<typeof Approval>;

/** A policy, as the database has it. */
export interface Policy {
  readonly id: string;
  readonly holder: string;
  readonly product: 'home' | 'car';
  readonly coverage: number;
  readonly deductible: number;
  readonly starts: string;
  readonly ends: string;
}

/** A claim with all that the agent finds when it begins. */
export interface ClaimFile extends Claim {
  readonly holder: Policy | null;
  /** Claims that came by the same repair shop within the seven days before that midnight. */
  readonly shopClaims: number;
  /** Policies whose claims named the same account within the fourteen days before that midnight. */
  readonly accountPolicies: number;
  readonly answers: readonly Answer[];
}

/** How a claim ends. */
export interface Decision {
  readonly claim: string;
  readonly decision: 'paid' | 'review' | 'rejected' | 'closed';
  readonly cents: number;
  readonly why: string;
  /** Of the customer. */
  readonly answers: number;
}

export function timeOf({ at }: { readonly at: string }): number {
  return Date.parse(at);
}

/** `1234.50`, of cents. */
export function euros(cents: number): string {
  return (cents / 100).toFixed(2);
}
