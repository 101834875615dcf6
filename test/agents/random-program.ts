/**
 * Random programs of agents with what must come of them: what a run does is drawn beforehand, and so are its events and
 * decisions, by number; the answer is worked out one run after the other, in a loop without engine.
 */
import fc from 'fast-check';

/** `i`, its place in the program, is given when it is used. */
export type Op =
  | { readonly op: 'model' | 'emit' | 'write' | 'random' | 'throw' }
  | { readonly op: 'step' | 'read'; readonly fails: boolean }
  | {
      readonly op: 'act';
      readonly effect: 'once' | 'idempotent' | 'outbox';
      readonly goes: 'well' | 'declined' | 'lost';
    }
  | { readonly op: 'wait'; readonly what: 'own' | 'any' | 'nothing'; readonly bounded: boolean }
  | { readonly op: 'approve'; readonly decided: 'yes' | 'no' | 'never'; readonly onTimeout: 'approve' | 'deny' }
  /** Waits for any event, and acts on it. */
  | { readonly op: 'react'; readonly effect: 'once' | 'idempotent' | 'outbox' }
  | { readonly op: 'sleep'; readonly time: 'event' | 'processing' };

/** Steps side by side, one each. */
export interface Together {
  readonly op: 'all';
  readonly ops: readonly Op[];
}

export type Program = readonly (Op | Together)[];

export interface Scenario {
  readonly programs: readonly Program[];
  readonly keys: number;
  readonly inputs: number;
  /** Events that any wait takes that wants any: of which keys. */
  readonly anyEvents: readonly number[];
  /** Events that nobody wants. */
  readonly strays: readonly number[];
  readonly stepsMax: number;
  readonly perKey: boolean;
  readonly perAgent: boolean;
  readonly maxInFlight: number;
  readonly mailbox: number;
  readonly seed: number;
  readonly workers: number;
  readonly crashes: number;
  readonly checkpointMs: number;
}

/** One step each. */
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom('model', 'emit', 'write', 'random') }) },
  fc.record({ op: fc.constantFrom('step', 'read'), fails: fc.boolean() }),
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('act'),
      effect: fc.constantFrom('once', 'idempotent', 'outbox'),
      goes: fc.constantFrom('well', 'well', 'declined', 'lost'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('wait'),
      what: fc.constantFrom('own', 'own', 'any', 'nothing'),
      bounded: fc.boolean(),
    }),
  },
  fc.record({
    op: fc.constant('approve'),
    decided: fc.constantFrom('yes', 'no', 'never'),
    onTimeout: fc.constantFrom('approve', 'deny'),
  }),
  fc.record({ op: fc.constant('sleep'), time: fc.constantFrom('event', 'processing') }),
);

const step: fc.Arbitrary<Op | Together> = fc.oneof(
  { weight: 5, arbitrary: op },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('react'), effect: fc.constantFrom('once', 'idempotent', 'outbox') }),
  },
  fc.record({ op: fc.constant('all'), ops: fc.array(op, { minLength: 2, maxLength: 3 }) }),
);

const program: fc.Arbitrary<Program> = fc
  .tuple(fc.array(step, { minLength: 1, maxLength: 6 }), fc.integer({ min: 0, max: 5 }))
  .map(([steps, end]): Program => (end === 0 ? [...steps, { op: 'throw' }] : steps));

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  programs: fc.array(program, { minLength: 1, maxLength: 3 }),
  keys: fc.integer({ min: 1, max: 4 }),
  inputs: fc.integer({ min: 4, max: 14 }),
  anyEvents: fc.array(fc.nat(3), { maxLength: 16 }),
  strays: fc.array(fc.nat(3), { maxLength: 3 }),
  stepsMax: fc.constantFrom(1, 16),
  perKey: fc.boolean(),
  perAgent: fc.boolean(),
  maxInFlight: fc.constantFrom(1, 2, 100),
  mailbox: fc.constantFrom(1, 3, 1_000),
  seed: fc.nat(1_000_000),
  workers: fc.integer({ min: 1, max: 3 }),
  crashes: fc.integer({ min: 0, max: 6 }),
  checkpointMs: fc.constantFrom(5, 20, 60, 200),
});

/** An input: the `n`th of all. */
export interface Input {
  readonly key: number;
  readonly n: number;
  readonly at: number;
}

/** The event of a wait, by run and place; or one that any wait takes; or one that none does. */
export interface Event {
  readonly key: number;
  readonly at: number;
  readonly to: string;
}

export const inputsOf = ({ keys, inputs }: Scenario): Input[] =>
  Array.from({ length: inputs }, (_, n) => ({ key: n % keys, n, at: n * 3_000 }));

export const programOf = ({ programs }: Scenario, n: number): Program =>
  programs[Math.floor(n / 2) % programs.length] as Program;

/** What is done where: a name that is the same whenever it is done. */
export const nameOf = (n: number, i: number): string => `${n}.${i}`;

/** All steps with their places, those side by side one after the other. */
export function placed(steps: Program): (readonly [op: Op, i: number])[] {
  return steps.flatMap((each) => (each.op === 'all' ? each.ops : [each])).map((each, i) => [each, i] as const);
}

/** The place of the first of the steps that go side by side with this one. */
export function togetherFrom(all: Scenario, n: number, i: number): number {
  let first = 0;
  for (const each of programOf(all, n)) {
    const next = first + (each.op === 'all' ? each.ops.length : 1);
    if (i < next) break;
    first = next;
  }
  return first;
}

/** Whether the event of a wait comes at all. */
const comes = (n: number, i: number): boolean => (n * 7 + i * 3) % 4 > 0;

export function eventsOf(all: Scenario): Event[] {
  const own = inputsOf(all).flatMap(({ key, n }) =>
    placed(programOf(all, n)).flatMap(([each, i]) =>
      each.op === 'wait' && each.what === 'own' && comes(n, i) ? [{ key, to: nameOf(n, i) }] : [],
    ),
  );
  const any = all.anyEvents.map((key, at) => ({ key: key % all.keys, to: `any ${at}` }));
  const strays = all.strays.map((key, at) => ({ key: key % (all.keys + 1), to: `stray ${at}` }));
  // Some long before the runs that want them, some after.
  return [...own, ...any, ...strays]
    .map((event, at) => ({ event, place: (at * 7_919 + all.seed) % 1_009 }))
    .sort((a, b) => a.place - b.place)
    .map(({ event }, at, { length }) => ({ ...event, at: Math.floor((at * all.inputs * 3_000) / length) }));
}

/** What must come of it, all runs of all keys. */
export interface Expected {
  /** By input: what each step came to, in order of places; and what the runs before have left in state. */
  readonly replies: string[];
  readonly failures: string[];
  readonly emitted: string[];
  readonly acts: { readonly once: string[]; readonly idempotent: string[]; readonly outbox: string[] };
  readonly unclaimed: string[];
}

export const ANY = 'some event, or none';

export function expectedOf(all: Scenario): Expected {
  const expected: Expected = {
    replies: [],
    failures: [],
    emitted: [],
    acts: { once: [], idempotent: [], outbox: [] },
    unclaimed: all.strays.map((_, at) => `stray ${at}`),
  };
  const states = new Map<number, number[]>();
  for (const { key, n } of inputsOf(all)) {
    const before = states.get(key) ?? [];
    const written: number[] = [];
    let models = 0;
    const came = placed(programOf(all, n)).map(([each, i]): string => {
      const name = nameOf(n, i);
      switch (each.op) {
        case 'model':
          models += 1;
          return models > all.stepsMax ? 'MILL_AGENT_LIMIT' : `model ${name}`;
        case 'emit':
          expected.emitted.push(name);
          return 'put out';
        case 'write':
          written.push(i);
          return 'written';
        case 'random':
          return 'drawn';
        case 'throw':
          return 'thrown';
        case 'step':
        case 'read':
          if (each.op === 'step' && !each.fails) expected.emitted.push(name);
          return each.fails ? `no ${name}` : `${each.op} ${name}`;
        case 'act':
          if (each.goes !== 'declined' || each.effect === 'outbox') expected.acts[each.effect].push(name);
          return each.effect === 'outbox' ? 'posted' : each.goes === 'declined' ? `no ${name}` : `acted ${name}`;
        case 'wait':
          if (each.what === 'any') return ANY;
          if (each.what === 'own' && comes(n, i)) return name;
          return each.bounded ? 'none' : 'MILL_AGENT_INPUT_ENDED';
        case 'react':
          return ANY;
        case 'approve':
          return String(each.decided === 'never' ? each.onTimeout === 'approve' : each.decided === 'yes');
        case 'sleep':
          return 'slept';
      }
    });
    if (came.includes('thrown')) {
      expected.failures.push(JSON.stringify([n, key, 'thrown']));
      continue;
    }
    states.set(key, [...before, ...(written.length > 0 ? [n] : [])]);
    expected.replies.push(JSON.stringify([n, key, before, came]));
  }
  return expected;
}
