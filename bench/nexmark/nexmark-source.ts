/**
 * Nexmark's events as a source: bounded, in as many splits as asked for, each with a time line of its own.
 */
import type { Source } from 'millrace';
import type { NexmarkEvent } from './events.js';
import { type GeneratorState, NexmarkGenerator } from './generator.js';

export interface NexmarkOptions {
  readonly events: number;
  readonly rate: number;
  readonly splits?: number;
}

interface NexmarkSplit {
  readonly id: string;
  readonly firstEventId: number;
  readonly events: number;
}

export function nexmark({ events, rate, splits = 1 }: NexmarkOptions): Source<NexmarkEvent, NexmarkSplit> {
  return {
    kind: 'nexmark',
    description: `${events} events, ${rate} a second`,
    bounded: true,
    enumerator: () => {
      let given = false;
      return {
        async discover() {
          const found = given ? [] : splitsOf(events, splits);
          given = true;
          return found;
        },
        snapshot: () => given,
        restore: (state) => {
          given = state as boolean;
        },
      };
    },
    reader: ({ firstEventId, events: count }, position) => {
      const state = position as GeneratorState | undefined;
      const generator = new NexmarkGenerator({ rate, splits, firstEventId, state });
      return {
        poll(batch) {
          while (generator.count < count && !batch.full) batch.push(generator.next(), Number.NEGATIVE_INFINITY);
          return generator.count < count ? 'more' : 'end';
        },
        position: () => generator.state,
        close() {},
      };
    },
  };
}

/** Equal shares; the last one takes the rest. */
function splitsOf(events: number, splits: number): NexmarkSplit[] {
  const share = Math.floor(events / splits);
  return Array.from({ length: splits }, (_, at) => ({
    id: String(at),
    firstEventId: 1 + at * share,
    events: at === splits - 1 ? events - at * share : share,
  }));
}
