/**
 * Compiles a pattern into an automaton, from its first step on. What a step is followed by is given as a `Follow`, which
 * makes a state for each way in which it can be waited for: after a negative step, or a greedy one, or as the way out of a
 * group that is optional.
 *
 * Invariant: a state that proceeds is left by the first record that it ignores, for one like it that does not proceed.
 * So no two partial matches with the same records ever wait for the same.
 */
import { hashKey } from '../../core/key.js';
import { type Automaton, type Guard, type Literal, State, Test } from './automaton.js';
import {
  type Condition,
  type Contiguity,
  isNot,
  type PatternDefinition,
  type Step,
  takingSteps,
} from './definition.js';
import { structureText } from './pattern-text.js';

/** How a step is waited for. */
interface Waiting {
  /** Negative steps since the last record: any of these ends the match. */
  readonly stops: readonly Guard[];
  /** What a greedy step before takes, so that nothing after it may. */
  readonly gates: readonly Guard[];
  /** Ways past the whole group that the step is the head of. */
  readonly skips: readonly Exit[];
  /** A `notFollowedBy` stands directly before. */
  readonly not: boolean;
}

interface Exit {
  readonly target: State;
  readonly guard: Guard;
}

/** What a step is followed by. */
interface Follow {
  /** Negative steps that it begins with. */
  readonly nots: readonly Guard[];
  enter(waiting: Waiting): State;
}

/** Where a step stands. */
interface Scope {
  /** None of the until-conditions of the groups around it may hold. */
  readonly untils: Guard;
  /** How it is reached from the step before. */
  readonly contiguity: Contiguity;
}

/** A state's edges. */
interface Edges {
  readonly target: State;
  readonly take: Guard;
  readonly ignore: Guard | null;
  readonly exits: readonly Exit[];
  readonly stops: readonly Guard[];
}

const FRESH: Waiting = { stops: [], gates: [], skips: [], not: false };
const ONCE = { from: 1, to: 1 };

const CONTIGUITY: Readonly<Record<Step['kind'], Contiguity>> = {
  begin: 'strict',
  next: 'strict',
  followedBy: 'relaxed',
  followedByAny: 'any',
  notNext: 'strict',
  notFollowedBy: 'relaxed',
};

/** Of a pattern that `checkPattern` has passed. */
export function compilePattern(pattern: PatternDefinition): Automaton {
  return new Compiler(pattern).compile();
}

class Compiler {
  private readonly pattern: PatternDefinition;
  private readonly taking: readonly Step[];
  /** For every step, the groups around it. */
  private readonly around = new Map<Step, readonly Step[]>();
  private readonly states: State[] = [];
  private readonly tests = new Map<Step, Map<Condition, Test>>();
  /** Edges are added once their states are there, so that patterns of any length need no deep recursion. */
  private readonly rest: (() => void)[] = [];
  /** States that look at the very next record, what lets it pass, and where to. */
  private readonly ahead: { readonly state: State; readonly target: State; readonly passes: Guard }[] = [];
  private readonly numbers = new Map<object, number>();

  constructor(pattern: PatternDefinition) {
    this.pattern = pattern;
    this.taking = takingSteps(pattern.steps);
    this.surround(pattern.steps, []);
  }

  compile(): Automaton {
    const start = this.sequence(this.pattern.steps, { untils: [], contiguity: 'strict' }, this.end()).enter(FRESH);
    for (let at = 0; at < this.rest.length; at += 1) this.rest[at]?.();
    // A record that does not end the match completes one that needs no more, and is not part of it.
    for (const { state, target, passes } of this.ahead) {
      const final = finalOf(target);
      if (final !== null) state.add('ignore', final, passes);
    }
    for (const state of this.states) state.patienceMs = patienceOf(state);
    const { states } = this;
    return {
      signature: hashKey(structureText(this.pattern.steps)),
      start,
      states,
      steps: this.taking.map((step) => ({ name: step.name, many: this.isMany(step, []) })),
      withinMs: this.pattern.withinMs ?? Number.POSITIVE_INFINITY,
      patient: states.every(({ patienceMs }) => patienceMs === Number.POSITIVE_INFINITY),
    };
  }

  private surround(steps: readonly Step[], around: readonly Step[]): void {
    for (const step of steps) {
      this.around.set(step, around);
      if (step.group) this.surround(step.group, [...around, step]);
    }
  }

  // Follows

  /** The match is complete; after a last `notFollowedBy`, only once its time is up. */
  private end(): Follow {
    const final = this.state('final', undefined, FRESH);
    const last = this.pattern.steps.at(-1) as Step;
    const pending = this.remembering((waiting) => {
      const state = this.state('pending', last, waiting);
      this.rest.push(() => {
        state.add('ignore', state, []);
        addStops(state, waiting.stops);
      });
      return state;
    });
    return { nots: [], enter: (waiting) => (waiting.not ? pending(waiting) : final) };
  }

  private sequence(steps: readonly Step[], scope: Scope, follow: Follow): Follow {
    return steps.reduceRight((next, step, at) => {
      const contiguity = at === 0 ? scope.contiguity : CONTIGUITY[step.kind];
      return this.follow(step, { untils: scope.untils, contiguity }, next);
    }, follow);
  }

  private follow(step: Step, scope: Scope, next: Follow): Follow {
    if (step.kind === 'notFollowedBy') return this.notFollowed(step, next);
    if (step.kind === 'notNext') return this.notNext(step, next);
    return step.group ? this.group(step, step.group, scope, next) : this.single(step, scope, next);
  }

  private notFollowed(step: Step, next: Follow): Follow {
    const guard = this.literals(step, step.condition, true);
    const enter = (waiting: Waiting): State => next.enter({ ...waiting, stops: [...waiting.stops, guard], not: true });
    return { nots: [guard, ...next.nots], enter };
  }

  private notNext(step: Step, next: Follow): Follow {
    const enter = this.remembering((waiting) => {
      const target = next.enter({ ...waiting, not: false });
      const pending = target.kind === 'pending';
      const state = this.state(
        pending ? 'pending' : 'waiting',
        pending ? this.pattern.steps.at(-1) : undefined,
        waiting,
      );
      const passes = this.literals(step, step.condition, false);
      state.looksAhead = true;
      if (step.condition) this.ahead.push({ state, target, passes });
      if (step.condition && target.kind !== 'final') state.add('proceed', target, passes);
      addStops(state, [...waiting.stops, this.literals(step, step.condition, true)]);
      return state;
    });
    return { nots: [], enter };
  }

  private single(step: Step, scope: Scope, next: Follow): Follow {
    const { from, to } = step.times ?? ONCE;
    const wanted = this.literals(step, step.condition, true);
    const open = this.literals(step, step.until, false).concat(scope.untils);
    const take = [...open, ...wanted];
    const gates = step.greedy && to > from ? [[...wanted, ...scope.untils]] : [];
    const exits = this.exits(step, scope, next, gates);
    const taken: State[] = [];
    const after = (count: number): State => {
      if (count >= to) return next.enter({ ...FRESH, gates });
      const level = to === Number.POSITIVE_INFINITY ? Math.min(count, from) : count;
      const known = taken[level];
      if (known) return known;
      const state = this.state('waiting', step, FRESH);
      taken[level] = state;
      const ignore = this.ignore(step, step.inner, open);
      this.rest.push(() => {
        const out = count >= from ? exits(FRESH) : [];
        this.connect(state, step, { target: after(count + 1), take, ignore, exits: out, stops: next.nots });
      });
      return state;
    };
    const enter = this.remembering((waiting) => {
      const state = this.state('waiting', step, waiting);
      const ignore = this.ignore(step, scope.contiguity, scope.untils);
      this.rest.push(() => {
        const out = [...(step.optional ? exits(waiting) : []), ...waiting.skips];
        this.connect(state, step, { target: after(1), take, ignore, exits: out, stops: waiting.stops });
      });
      return state;
    });
    return { nots: [], enter };
  }

  /** Ways past a step that may be skipped, or taken no more. A record that ends its loop is not the greedy one's. */
  private exits(step: Step, { untils }: Scope, next: Follow, gates: readonly Guard[]): (waiting: Waiting) => Exit[] {
    return (waiting) => {
      const free = { ...waiting, skips: [], not: false };
      const shut = { target: next.enter({ ...free, gates: [...waiting.gates, ...gates] }) };
      if (gates.length === 0 || !step.until) return [{ ...shut, guard: untils }];
      const exits = [
        { target: next.enter(free), guard: [...this.literals(step, step.until, true), ...untils] },
        { ...shut, guard: [...this.literals(step, step.until, false), ...untils] },
      ];
      return shut.target.kind === 'pending' ? [{ target: this.pendingBefore(exits), guard: untils }] : exits;
    };
  }

  /** Time may end the match at once, but the next record decides how it waits for that. */
  private pendingBefore(exits: readonly Exit[]): State {
    const state = this.state('pending', this.pattern.steps.at(-1), FRESH);
    state.looksAhead = true;
    for (const { target, guard } of exits) state.add('proceed', target, guard);
    return state;
  }

  private group(step: Step, steps: readonly Step[], scope: Scope, next: Follow): Follow {
    const { from, to } = step.times ?? ONCE;
    const untils = [...this.literals(step, step.until, false), ...scope.untils];
    const rounds: Follow[] = [];
    /** The round after so many. */
    const round = (count: number): Follow => {
      const level = to === Number.POSITIVE_INFINITY ? Math.min(count, from) : count;
      const contiguity = count === 0 ? scope.contiguity : step.inner;
      rounds[level] ??= this.sequence(steps, { untils, contiguity }, after(count + 1));
      return rounds[level];
    };
    const past = (waiting: Waiting): Exit => ({
      target: next.enter({ ...waiting, skips: [], not: false }),
      guard: scope.untils,
    });
    const after = (count: number): Follow => {
      if (count >= to) return next;
      const enter = (waiting: Waiting): State =>
        round(count).enter({
          ...waiting,
          stops: [...waiting.stops, ...next.nots],
          skips: count >= from ? [past(waiting)] : [],
        });
      return { nots: next.nots, enter };
    };
    const enter = (waiting: Waiting): State =>
      round(0).enter(step.optional ? { ...waiting, skips: [...waiting.skips, past(waiting)] } : waiting);
    return { nots: [], enter };
  }

  // States and edges

  private state(kind: State['kind'], step: Step | undefined, { gates }: Waiting): State {
    const index = step && !isNot(step) ? this.taking.indexOf(step) : -1;
    const state = new State(this.states.length, kind, index, gates, step?.withinMs ?? Number.POSITIVE_INFINITY);
    this.states.push(state);
    return state;
  }

  private connect(state: State, step: Step, { target, take, ignore, exits, stops }: Edges): void {
    state.add('take', target, take);
    for (const exit of exits) state.add('proceed', exit.target, exit.guard);
    if (ignore) {
      const still = exits.length === 0 ? state : this.state('waiting', step, { ...FRESH, gates: state.gates });
      state.add('ignore', still, ignore);
      if (still !== state) {
        // A loop goes on looping.
        still.add('take', target, take);
        still.add('ignore', still, ignore);
        addStops(still, stops);
      }
    }
    addStops(state, stops);
  }

  /** What a step that waits may pass over; null: nothing. */
  private ignore(step: Step, contiguity: Contiguity, open: Guard): Guard | null {
    if (contiguity === 'any') return open;
    if (contiguity === 'strict' || !step.condition) return null;
    return [...open, ...this.literals(step, step.condition, false)];
  }

  /** The same state for the same way of waiting, also while it is being made. */
  private remembering(make: (waiting: Waiting) => State): (waiting: Waiting) => State {
    const known = new Map<string, State>();
    return (waiting) => {
      const { stops, gates, skips } = waiting;
      const key = [stops, gates, skips.map(({ target }) => target)].map((list) => list.map((one) => this.number(one)));
      const text = JSON.stringify(key);
      const state = known.get(text) ?? make(waiting);
      known.set(text, state);
      return state;
    };
  }

  private number(thing: object): number {
    const number = this.numbers.get(thing) ?? this.numbers.size;
    this.numbers.set(thing, number);
    return number;
  }

  // Conditions

  private literals(step: Step, condition: Condition | undefined, wanted: boolean): Literal[] {
    return condition ? [{ test: this.test(step, condition), wanted }] : [];
  }

  private test(step: Step, condition: Condition): Test {
    const tests = this.tests.get(step) ?? new Map<Condition, Test>();
    this.tests.set(step, tests);
    const around = this.around.get(step) ?? [];
    const sees = this.taking.map((other) => (other === step || this.isMany(other, around) ? 'many' : 'one'));
    const test = tests.get(condition) ?? new Test(step.name, condition, sees);
    tests.set(condition, test);
    return test;
  }

  /** Whether a step may have several records, as seen from within some groups. */
  private isMany(step: Step, from: readonly Step[]): boolean {
    const around = this.around.get(step) as readonly Step[];
    return step.times !== undefined || around.some((group) => group.times !== undefined && !from.includes(group));
  }
}

function addStops(state: State, stops: readonly Guard[]): void {
  for (const stop of stops) state.add('stop', state, stop);
}

/** A state and all that it proceeds to; but where time alone may end a match, it has been since its last record. */
function closureOf(state: State): State[] {
  const closure = new Set([state]);
  for (const { edges, looksAhead } of closure) {
    for (const { action, target } of edges) {
      if (action === 'proceed' && (looksAhead || target.kind !== 'pending')) closure.add(target);
    }
  }
  return [...closure];
}

/** The end, if the state proceeds to it. Another state that looks at the next record sees to that itself. */
function finalOf(state: State): State | null {
  const seen = new Set([state]);
  for (const one of seen) {
    if (one.kind === 'final') return one;
    if (one.looksAhead) continue;
    for (const { action, target } of one.edges) if (action === 'proceed') seen.add(target);
  }
  return null;
}

/** Until when something can be taken or ignored: here, or at a state that it proceeds to. */
function patienceOf(state: State): number {
  const waits = ({ kind, edges }: State): boolean =>
    kind === 'pending' || edges.some(({ action }) => action === 'take' || action === 'ignore');
  const bounds = closureOf(state).flatMap((one) => (waits(one) ? [one.withinMs] : []));
  return bounds.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...bounds);
}
