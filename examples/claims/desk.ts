/**
 * The desk: what has become of the claims, read from what the job has written, and the decisions of people.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import type { HumanRequest } from 'millrace/agents';
import { rowsOf } from '../rows-of.js';
import type { Approval, Claim, Decision } from './records.js';

/** The job asks for an approval, under the claim's number. */
export interface Request extends HumanRequest {
  readonly key: string;
  readonly subject: { readonly claim: string; readonly cents: number };
}

export interface Standing {
  readonly claims: readonly Claim[];
  readonly decisions: readonly Decision[];
  readonly failures: readonly { readonly key: string; readonly error: { readonly message: string } }[];
  /** Requests for approval that nobody has answered, and for which it is not too late. */
  readonly waiting: readonly Request[];
  /** Claims that the job is still at. */
  readonly open: number;
}

export function readStanding(data: string, out: string): Standing {
  const claims = rowsOf<Claim>(`${data}/claims.ndjson`);
  const decisions = rowsOf<Decision>(`${out}/decisions`);
  const failures = rowsOf<Standing['failures'][0]>(`${out}/failures`);
  const ended = new Set([...decisions.map(({ claim }) => claim), ...failures.map(({ key }) => key)]);
  const answered = new Set(rowsOf<Approval>(`${out}/approvals`).map(({ run }) => run));
  const waiting = rowsOf<Request>(`${out}/requests`)
    .filter(({ key, run }) => !ended.has(key) && !answered.has(run))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return { claims, decisions, failures, waiting, open: claims.length - ended.size - waiting.length };
}

/** Writes a decision where the job reads it. */
export function decide(out: string, { key, run, step }: Request, approved: boolean): void {
  const approval: Approval = { claim: key, run, step, approved, by: 'the desk', at: new Date().toISOString() };
  mkdirSync(`${out}/approvals`, { recursive: true });
  appendFileSync(`${out}/approvals/desk.ndjson`, `${JSON.stringify(approval)}\n`);
}
