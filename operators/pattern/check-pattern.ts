/**
 * Refuses patterns that mean nothing, or that Flink refuses, before a job runs.
 */
import type { AfterMatch } from './after-match.js';
import { isNot, type PatternDefinition, type Step, takingSteps } from './definition.js';
import { invalidPattern } from './invalid-pattern.js';

/** Throws `MILL_PATTERN_INVALID`. */
export function checkPattern(pattern: PatternDefinition, afterMatch: AfterMatch): void {
  checkSequence(pattern.steps);
  checkNames(pattern.steps);
  checkEnd(pattern);
  checkTimes(pattern);
  if (!('step' in afterMatch) || takingSteps(pattern.steps).some(({ name }) => name === afterMatch.step)) return;
  throw invalidPattern(undefined, `has no step ${afterMatch.step} that takes records, to skip to`);
}

function checkSequence(steps: readonly Step[]): void {
  if (steps.length === 0) throw invalidPattern('', 'has no steps');
  for (const [at, step] of steps.entries()) {
    const { name, kind, group } = step;
    if ((kind === 'begin') !== (at === 0))
      throw invalidPattern(name, 'begins where a pattern does not, or does not begin it');
    if (group) checkSequence(group);
    if (isNot(step)) checkNot(step);
    checkQuantifier(step);
    if (at > 0) checkPair(steps[at - 1] as Step, step);
  }
}

function checkNot({ name, times, optional, greedy, until, group }: Step): void {
  if (group) throw invalidPattern(name, 'is negative, so it cannot be a group');
  if (optional) throw invalidPattern(name, 'is negative, so it cannot be optional');
  if (times || greedy || until) throw invalidPattern(name, 'is negative, so it cannot be repeated');
}

function checkQuantifier({ name, times, inner, greedy, until, group }: Step): void {
  if (times) checkRange(name, times);
  else if (inner !== 'relaxed')
    throw invalidPattern(name, 'is taken once: consecutive() and allowCombinations() are for several times');
  if (until && times?.to !== Number.POSITIVE_INFINITY) {
    throw invalidPattern(name, 'has an upper bound: until() is for oneOrMore() and timesOrMore()');
  }
  if (!greedy) return;
  if (group) throw invalidPattern(name, 'cannot be greedy');
  if (!times) throw invalidPattern(name, 'is taken once: greedy() is for several times');
  if (inner === 'any') throw invalidPattern(name, 'cannot be greedy and allow combinations');
}

function checkRange(name: string, { from, to }: { readonly from: number; readonly to: number }): void {
  const whole = Number.isInteger(from) && (Number.isInteger(to) || to === Number.POSITIVE_INFINITY);
  if (!whole || from < 1 || to < from) throw invalidPattern(name, `cannot be taken ${from} to ${to} times`);
}

function checkPair(before: Step, step: Step): void {
  if (isNot(step) && before.optional) {
    throw invalidPattern(step.name, 'is negative and follows an optional one: use two patterns, with it and without');
  }
  if (step.optional && before.greedy) {
    throw invalidPattern(step.name, 'is optional and follows a greedy one');
  }
}

function checkNames(steps: readonly Step[], seen = new Set<string>()): void {
  for (const { name, group } of steps) {
    if (group) checkNames(group, seen);
    else if (typeof name !== 'string' || name === '' || name === '__proto__') {
      throw invalidPattern(undefined, `has a step named ${JSON.stringify(name)}`);
    } else if (seen.has(name)) throw invalidPattern(name, 'is there twice');
    seen.add(name);
  }
}

function checkEnd({ steps, withinMs }: PatternDefinition): void {
  const last = lastOf(steps);
  if (last.kind !== 'notFollowedBy' || withinMs !== undefined || last.withinMs !== undefined) return;
  throw invalidPattern(last.name, 'is a last notFollowedBy: only within(…) says when it has not followed');
}

function lastOf(steps: readonly Step[]): Step {
  const last = steps.at(-1) as Step;
  return last.group ? lastOf(last.group) : last;
}

function checkTimes({ steps, withinMs }: PatternDefinition): void {
  if (withinMs !== undefined && withinMs <= 0)
    throw invalidPattern(undefined, 'leaves no time within which it could match');
  for (const step of everyStep(steps)) {
    if (step.withinMs === undefined) continue;
    if (step.withinMs <= 0) throw invalidPattern(step.name, 'is left no time');
    if (withinMs !== undefined && step.withinMs > withinMs) {
      throw invalidPattern(step.name, 'is given more time than the whole pattern');
    }
    if (step.group) throw invalidPattern(step.name, "cannot have within(…, 'previous'): give it to its steps");
    if (isNot(step) && step !== lastOf(steps)) {
      throw invalidPattern(step.name, "is negative: within(…, 'previous') is for one at the end");
    }
  }
}

function everyStep(steps: readonly Step[]): Step[] {
  return steps.flatMap((step) => [step, ...everyStep(step.group ?? [])]);
}
