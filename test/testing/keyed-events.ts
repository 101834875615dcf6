/** Random events of a few keys, strange ones among them, as ways of going through a job take them. */
import type { Phase, Step } from 'millrace/testing';
import type { Random } from '../../core/random.js';

export const KEYS = ['a', null, 1, 1n] as const;

export type Key = (typeof KEYS)[number];

export interface Event {
  readonly key: Key;
  readonly n: number;
}

/** Events of each key on a channel of its own, which keeps their order, and watermarks behind them. */
export function phasesOf(random: Random, rounds: number, below: number): { phases: Phase[]; rounds: Event[][] } {
  const all = Array.from({ length: rounds }, () =>
    KEYS.map((key) => Array.from({ length: random.below(4) }, (): Event => ({ key, n: random.below(below) }))),
  );
  const phases = all.map((channels, round) =>
    channels.map((events): Step<Event>[] => [
      ...events.map((record) => ({ record, at: round * 10 + 5 })),
      { watermark: round * 10 + 9 },
    ]),
  );
  return { phases, rounds: all.map((channels) => channels.flat()) };
}

export const ofKey = (rounds: readonly Event[][], key: Key): number[] =>
  rounds.flat().flatMap((event) => (event.key === key ? [event.n] : []));
