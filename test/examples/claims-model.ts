/**
 * What must become of each claim, by plain loops over the month's files: without streams, without a model, and without what
 * the example's own rules and windows say.
 */
import { readFileSync } from 'node:fs';
import type { Answer, Claim, Decision, Policy } from '../../examples/claims/records.js';
import type { World } from '../../examples/claims/world.js';

const DAY_MS = 86_400_000;
const MODEL = { busy: 15, shared: 3, paidBefore: 3, approvalCents: 10_000_00, answerDays: 14, answersMax: 2 };

export interface Expected extends Omit<Decision, 'why'> {
  /** It has to be approved first: then this is what becomes of it. */
  readonly approval: boolean;
  readonly letters: number;
}

export function claimsModel(directory: string, world: World): ReadonlyMap<string, Expected> {
  const claims = rows<Claim>(`${directory}/claims.ndjson`);
  const answers = rows<Answer>(`${directory}/answers.ndjson`);
  return new Map(claims.map((claim) => [claim.id, expected(claim, claims, answers, world)]));
}

function expected(claim: Claim, claims: readonly Claim[], answers: readonly Answer[], world: World): Expected {
  const policy = world.policies.find(({ id }) => id === claim.policy);
  const end = (decision: Decision['decision'], given = 0, cents = 0, letters = given): Expected => ({
    claim: claim.id,
    decision,
    cents,
    answers: given,
    letters,
    approval: cents >= MODEL.approvalCents,
  });
  if (!policy || claim.at.slice(0, 10) < policy.starts || claim.at.slice(0, 10) > policy.ends) return end('rejected');
  const before = (days: number): Claim[] => claims.filter((other) => isWithin(other, claim, days));
  const accounts = new Set(before(14).flatMap(({ iban, policy: of }) => (iban === claim.iban ? [of] : [])));
  if (claim.text.includes('Ignore all previous instructions') || accounts.size >= MODEL.shared) return end('review');

  const until = Date.parse(claim.at) + MODEL.answerDays * DAY_MS;
  const inTime = answers.filter((answer) => answer.claim === claim.id && Date.parse(answer.at) <= until);
  let report = world.reports.get(claim.id);
  let police = claim.police;
  let given = 0;
  const isBusy = before(7).filter(({ shop }) => shop === claim.shop).length >= MODEL.busy;
  const paidBefore = world.paid.filter(({ policy: of }) => of === policy.id).length;
  for (;;) {
    const missesNumber = claim.kind === 'theft' && police === undefined;
    if (!missesNumber && isBusy && paidBefore >= MODEL.paidBefore) return end('review', given);
    if (!missesNumber && report !== undefined) break;
    if (given === MODEL.answersMax) return end('review', given);
    const answer = inTime[given];
    if (!answer) return end('closed', given, 0, given + 1);
    given += 1;
    report ??= answer.report;
    police ??= answer.police;
  }
  if (report.includes('NOT consistent')) return end('review', given);
  return { ...end('review', given), ...paid(claim, policy, report, world) };
}

function paid({ cents }: Claim, policy: Policy, report: string, { sanctioned }: World): Partial<Expected> {
  const confirmed = Math.round(Number(/EUR ([\d.]+)/.exec(report)?.[1]) * 100);
  const due = Math.min(cents, confirmed, policy.coverage) - policy.deductible;
  if (due <= 0) return { decision: 'rejected' };
  if (sanctioned.includes(policy.holder)) return { decision: 'review' };
  return { decision: 'paid', cents: due, approval: due >= MODEL.approvalCents };
}

/** Within so many days before the midnight before the claim. */
function isWithin(other: Claim, claim: Claim, days: number): boolean {
  const midnight = Math.floor(Date.parse(claim.at) / DAY_MS) * DAY_MS;
  const at = Date.parse(other.at);
  return at >= midnight - days * DAY_MS && at < midnight;
}

function rows<T>(path: string): T[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}
