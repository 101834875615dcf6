/** A pattern in a line, for plans: `begin small, followedBy rising{1,}, next big, within 600000 ms`. */
import type { PatternDefinition, Step, Times } from './definition.js';

export function patternText({ steps, withinMs }: PatternDefinition): string {
  const bound = withinMs === undefined ? '' : `, within ${withinMs} ms`;
  return `${structureText(steps)}${bound}`;
}

/** What the automaton's states depend on: all but times and conditions. */
export function structureText(steps: readonly Step[]): string {
  return steps.map(stepText).join(', ');
}

function stepText({ kind, name, group, times, optional, greedy, inner, until }: Step): string {
  const what = group ? `(${structureText(group)})` : name;
  const words = [
    greedy ? ' greedy' : '',
    inner === 'strict' ? ' consecutive' : inner === 'any' ? ' in all combinations' : '',
    until ? ' until' : '',
  ];
  return `${kind} ${what}${timesText(times)}${optional ? '?' : ''}${words.join('')}`;
}

function timesText(times: Times | undefined): string {
  if (times === undefined) return '';
  const { from, to } = times;
  if (from === to) return `{${from}}`;
  return `{${from},${to === Number.POSITIVE_INFINITY ? '' : to}}`;
}
