/** Random patterns over three letters, without groups, and random short inputs. */
import fc from 'fast-check';
import {
  type Condition,
  type Contiguity,
  type PatternDefinition,
  PLAIN_STEP,
  type Step,
} from '../../operators/pattern/definition.js';
import { patternText } from '../../operators/pattern/pattern-text.js';
import type { Event } from './naive-matches.js';

export interface Case {
  /** So that a counter-example can be read. */
  readonly text: string;
  readonly pattern: PatternDefinition;
  readonly events: readonly Event[];
}

/** Conditions: some letters; perhaps also more than the last record of a step, or only so many records of it. */
const conditions = (names: readonly string[]): fc.Arbitrary<Condition | undefined> => {
  const letters = fc.constantFrom('a', 'a', 'b', 'b', 'c', 'c', 'ab', 'bc', 'ac');
  const name = fc.constantFrom(...names);
  return fc.oneof(
    { weight: 6, arbitrary: letters.map((some) => named(`in ${some}`, (event: Event) => some.includes(event.letter))) },
    { weight: 1, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.tuple(letters, name).map(([some, step]) =>
        named(`in ${some}, above ${step}`, (event: Event, soFar: SoFar) => {
          return some.includes(event.letter) && event.n > (recordsOf(soFar, step).at(-1)?.n ?? -1);
        }),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(letters, name, fc.integer({ min: 1, max: 2 })).map(([some, step, limit]) =>
        named(`in ${some}, fewer than ${limit} ${step}`, (event: Event, soFar: SoFar) => {
          return some.includes(event.letter) && recordsOf(soFar, step).length < limit;
        }),
      ),
    },
  );
};

type SoFar = Readonly<Record<string, Event | readonly Event[] | undefined>>;

function recordsOf(soFar: SoFar, step: string): readonly Event[] {
  const value = soFar[step];
  return value === undefined ? [] : [value].flat();
}

function named(name: string, condition: (event: Event, soFar: SoFar) => boolean): Condition {
  return Object.defineProperty(condition, 'name', { value: name }) as Condition;
}

const times = fc.option(
  fc.oneof(
    fc.integer({ min: 1, max: 3 }).map((count) => ({ from: count, to: count })),
    fc
      .tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 0, max: 2 }))
      .map(([from, more]) => ({ from, to: from + more })),
    fc.integer({ min: 1, max: 2 }).map((from) => ({ from, to: Number.POSITIVE_INFINITY })),
  ),
  { nil: undefined },
);

const NAMES = ['s', 't', 'u', 'v'] as const;

function stepOf(at: number): fc.Arbitrary<Step> {
  const kinds = fc.constantFrom<Step['kind']>(
    'next',
    'followedBy',
    'followedBy',
    'followedByAny',
    'notNext',
    'notFollowedBy',
  );
  return fc
    .record({
      kind: at === 0 ? fc.constant<Step['kind']>('begin') : kinds,
      condition: conditions(NAMES.slice(0, at + 1)),
      times,
      optional: fc.integer({ min: 0, max: 3 }).map((draw) => draw === 0),
      greedy: fc.boolean(),
      inner: fc.constantFrom<Contiguity>('relaxed', 'relaxed', 'strict', 'any'),
      until: fc.option(conditions(NAMES.slice(0, at + 1)), { nil: undefined, freq: 2 }),
      withinMs: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 6 }),
    })
    .map((step) => ({ ...PLAIN_STEP, name: NAMES[at] as string, ...step }));
}

/** What no step may be in its place is left out. */
function legal(drawn: readonly Step[], withinMs: number | undefined): Step[] {
  const steps: Step[] = [];
  for (const [at, step] of drawn.entries()) {
    const before = steps.at(-1);
    const { kind, name, condition } = step;
    const bound = step.withinMs === undefined ? undefined : Math.min(step.withinMs, withinMs ?? step.withinMs);
    if (kind === 'notNext' || kind === 'notFollowedBy') {
      const last = at === drawn.length - 1;
      if (before?.optional) steps.push({ ...PLAIN_STEP, name, condition, kind: 'followedBy' });
      else if (kind === 'notFollowedBy' && last && withinMs === undefined && bound === undefined) {
        steps.push({ ...PLAIN_STEP, name, condition, kind: 'notNext' });
      } else
        steps.push({
          ...PLAIN_STEP,
          name,
          condition,
          kind,
          withinMs: last && kind === 'notFollowedBy' ? bound : undefined,
        });
      continue;
    }
    const { times } = step;
    steps.push({
      ...step,
      withinMs: bound,
      inner: times ? step.inner : 'relaxed',
      optional: step.optional && before?.greedy !== true,
      greedy: step.greedy && times !== undefined && step.inner !== 'any',
      until: times?.to === Number.POSITIVE_INFINITY ? step.until : undefined,
    });
  }
  return steps;
}

const events: fc.Arbitrary<Event[]> = fc
  .array(fc.record({ letter: fc.constantFrom('a', 'b', 'c'), n: fc.nat({ max: 3 }), later: fc.nat({ max: 2 }) }), {
    maxLength: 9,
  })
  .map((drawn) => {
    let time = 0;
    return drawn.map(({ letter, n, later }) => ({ letter, n, time: (time += later) }));
  });

/** With bounds on the time between two records, or without. */
export function cases({ between }: { readonly between: boolean }): fc.Arbitrary<Case> {
  return fc
    .tuple(
      fc
        .integer({ min: 1, max: NAMES.length })
        .chain((count) => fc.tuple(...NAMES.slice(0, count).map((_, at) => stepOf(at)))),
      fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined, freq: 2 }),
      events,
    )
    .map(([drawn, withinMs, input]) => {
      const steps = legal(between ? drawn : drawn.map((step) => ({ ...step, withinMs: undefined })), withinMs);
      return { text: textOf(steps, withinMs, input), pattern: { steps, withinMs }, events: input };
    });
}

function textOf(steps: readonly Step[], withinMs: number | undefined, input: readonly Event[]): string {
  const conditions = steps.map(({ name, condition, until, withinMs: bound }) => {
    return `${name}: ${condition?.name ?? 'any'}${until ? ` until ${until.name}` : ''}${bound ? ` in ${bound}` : ''}`;
  });
  const inputs = input.map(({ letter, n, time }) => `${letter}${n}@${time}`);
  return [patternText({ steps, withinMs }), ...conditions, inputs.join(' ')].join('\n');
}
