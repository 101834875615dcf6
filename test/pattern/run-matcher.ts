/**
 * Runs a pattern's automaton over the events of one key, as the operator does: every deadline in its turn, and all that
 * there is drained after each. Fails if anything is kept that no match needs.
 */
import { type AfterMatch, noSkip } from '../../operators/pattern/after-match.js';
import { compactMatches } from '../../operators/pattern/compact-matches.js';
import { compilePattern } from '../../operators/pattern/compile-pattern.js';
import type { PatternDefinition } from '../../operators/pattern/definition.js';
import { isEmpty, type KeyMatches, MATCH, NODE, NONE, RECORD, release } from '../../operators/pattern/key-matches.js';
import { MatchShape } from '../../operators/pattern/match-shape.js';
import { Matcher } from '../../operators/pattern/matcher.js';
import type { Event, Finding, Found } from './naive-matches.js';

export interface Run {
  readonly matches: Finding[];
  readonly timeouts: Finding[];
}

export function runMatcher(
  pattern: PatternDefinition,
  events: readonly Event[],
  afterMatch: AfterMatch = noSkip,
  end = Number.POSITIVE_INFINITY,
): Run {
  const run: Run = { matches: [], timeouts: [] };
  const automaton = compilePattern(pattern);
  const matcher = new Matcher(automaton, afterMatch, () => 0);
  const shape = new MatchShape(automaton.steps);
  const indexes = new Map(events.map((event, at) => [event, at]));
  let matches: KeyMatches | undefined;

  const drain = (held: KeyMatches, at: Finding['at']): void => {
    for (let node = matcher.nextTimedOut(); node !== NONE; node = matcher.nextTimedOut()) {
      run.timeouts.push({ match: found(shape.partial(held, node), indexes), at });
      release(held, node);
    }
    for (let node = matcher.nextMatch(held); node !== NONE; node = matcher.nextMatch(held)) {
      run.matches.push({ match: found(shape.whole(held, node), indexes), at });
      release(held, node);
    }
  };
  const expire = (until: number): void => {
    while (matches !== undefined) {
      const deadline = matcher.deadline(matches);
      if (deadline > until || deadline === Number.POSITIVE_INFINITY) break;
      matcher.expire(matches, deadline);
      drain(matches, { time: deadline });
    }
  };
  const tidy = (): void => {
    if (matches === undefined) return;
    checkCounts(matches);
    compactMatches(matches);
    checkCounts(matches);
    if (isEmpty(matches)) matches = undefined;
  };

  for (const [at, event] of events.entries()) {
    expire(event.time);
    matches = matcher.accept(matches, event, event.time);
    if (matches !== undefined) drain(matches, at);
    tidy();
  }
  expire(end);
  tidy();
  return run;
}

function found(records: Readonly<Record<string, unknown>>, indexes: ReadonlyMap<Event, number>): Found {
  const index = (event: unknown): number => indexes.get(event as Event) as number;
  const entries = Object.entries(records).map(([name, value]) => [name, [value].flat().map(index)] as const);
  return Object.fromEntries(entries.filter(([, events]) => events.length > 0));
}

/** Counts are what they count, and what nothing counts is free. */
function checkCounts({ partial, complete, nodes, records, counts, freeNodes }: KeyMatches): void {
  const nodeCounts = new Map<number, number>();
  const recordCounts = new Map<number, number>();
  const add = (to: Map<number, number>, at: number): unknown => to.set(at, (to.get(at) ?? 0) + 1);
  for (const rows of [partial, complete]) {
    for (let at = MATCH.node; at < rows.length; at += MATCH.length) add(nodeCounts, rows[at] as number);
  }
  let free = 0;
  for (let at = 0; at < nodes.length; at += NODE.length) {
    if (nodes[at + NODE.count] === 0) free += 1;
    else {
      add(nodeCounts, nodes[at + NODE.before] as number);
      add(recordCounts, nodes[at + NODE.record] as number);
    }
  }
  for (let at = 0; at < nodes.length; at += NODE.length) {
    if (nodes[at + NODE.count] !== (nodeCounts.get(at) ?? 0)) throw new Error(`node ${at} is counted wrongly`);
  }
  for (const [at, record] of records.entries()) {
    const count = recordCounts.get(at) ?? 0;
    if (counts[at * RECORD.length + RECORD.count] !== count) throw new Error(`record ${at} is counted wrongly`);
    if (count === 0 && record !== null) throw new Error(`record ${at} is kept in vain`);
  }
  if (free !== freeNodes) throw new Error(`${free} nodes are free, not ${freeNodes}`);
}
