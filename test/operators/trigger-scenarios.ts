/** Random windows, triggers and evictors: each as the model has it, and as millrace makes it. */
import fc from 'fast-check';
import {
  cumulate,
  globalWindow,
  session,
  sliding,
  tumbling,
  type WindowAssigner,
} from '../../operators/window/assigners.js';
import { type Evictor, evictor } from '../../operators/window/evictors.js';
import type { Trigger } from '../../operators/window/trigger.js';
import { trigger } from '../../operators/window/triggers.js';
import type { EvictorKind, ModelOptions, TriggerKind } from './trigger-model.js';
import type { Assign, Event } from './window-model.js';

export function triggerOf(kind: TriggerKind): Trigger<Event> {
  switch (kind.kind) {
    case 'event':
      return trigger.eventTime();
    case 'processing':
      return trigger.processingTime();
    case 'never':
      return trigger.never();
    case 'count':
      return trigger.count(kind.n);
    case 'delta':
      return trigger.delta(kind.threshold, (a: Event, b) => Math.abs(a.id - b.id));
    case 'every':
      return trigger.every(kind.interval, { time: kind.time });
    case 'purging':
      return trigger.purging(triggerOf(kind.inner));
    case 'phases':
      return trigger.eventTime({ early: triggerOf(kind.early), late: triggerOf(kind.late) });
  }
}

export function evictorOf({ how, after }: NonNullable<ModelOptions['evictor']>): Evictor<Event> {
  const when = { when: after ? 'after' : 'before' } as const;
  if (how.kind === 'count') return evictor.count(how.n, when);
  if (how.kind === 'time') return evictor.time(how.size, when);
  return evictor.delta(how.threshold, (a: Event, b) => Math.abs(a.id - b.id), when);
}

const simple: fc.Arbitrary<TriggerKind> = fc.oneof(
  fc.constantFrom<TriggerKind>({ kind: 'event' }, { kind: 'processing' }, { kind: 'never' }),
  fc.integer({ min: 1, max: 4 }).map((n) => ({ kind: 'count', n }) as const),
  fc.integer({ min: 0, max: 4 }).map((threshold) => ({ kind: 'delta', threshold }) as const),
  fc
    .record({
      interval: fc.integer({ min: 1, max: 9 }),
      time: fc.constantFrom('event' as const, 'processing' as const),
    })
    .map((every) => ({ kind: 'every', ...every }) as const),
);

export const triggers: fc.Arbitrary<TriggerKind> = fc.oneof(
  simple,
  simple.map((inner) => ({ kind: 'purging', inner }) as const),
  fc.record({ early: simple, late: simple }).map((phases) => ({ kind: 'phases', ...phases }) as const),
  fc
    .record({ early: simple, late: simple })
    .map((phases) => ({ kind: 'purging', inner: { kind: 'phases', ...phases } }) as const),
);

export const evictors = fc.option(
  fc.record({
    how: fc.oneof(
      fc.nat({ max: 4 }).map((n): EvictorKind => ({ kind: 'count', n })),
      fc.integer({ min: 1, max: 9 }).map((size): EvictorKind => ({ kind: 'time', size })),
      fc.integer({ min: 0, max: 4 }).map((threshold): EvictorKind => ({ kind: 'delta', threshold })),
    ),
    after: fc.boolean(),
  }),
  { nil: undefined },
);

export interface Windows {
  readonly assigner: WindowAssigner;
  readonly assign: Assign | 'global';
}

export const windows: fc.Arbitrary<Windows> = fc.oneof(
  fc
    .integer({ min: 1, max: 24 })
    .map((size) => ({ assigner: tumbling(size), assign: { size, slide: size, offset: 0 } })),
  fc
    .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 14 }))
    .map(([size, slide]) => ({ assigner: sliding(size, slide), assign: { size, slide, offset: 0 } })),
  fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }))
    .map(([step, n]) => ({ assigner: cumulate(step * n, step), assign: { size: step * n, step, offset: 0 } })),
  fc.integer({ min: 1, max: 12 }).map((gap) => ({ assigner: session(gap), assign: { gap } })),
  fc.constant({ assigner: globalWindow(), assign: 'global' as const }),
);

/** Deltas may not be used for sessions. */
export function mayMerge(kind: TriggerKind): boolean {
  if (kind.kind === 'delta') return false;
  if (kind.kind === 'purging') return mayMerge(kind.inner);
  return kind.kind !== 'phases' || (mayMerge(kind.early) && mayMerge(kind.late));
}
