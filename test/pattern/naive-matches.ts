/**
 * Finds patterns by trying: every way to give records to steps is made up, and kept if the definitions of the steps allow
 * it. Exponential, without groups, and without any code of the automaton.
 *
 * The definitions, as docs/guide/patterns.md has them: a match is a way through the steps, each with its records. Between
 * two records of it lie others; what these may be depends on where the match stands (after which record of which step)
 * and where it goes (another record of that step, or a later one; all between are optional or negative).
 */
import type { Contiguity, PatternDefinition, Step } from '../../operators/pattern/definition.js';

export interface Event {
  readonly letter: string;
  readonly n: number;
  readonly time: number;
}

/** Indexes of records by the names of the steps. */
export type Found = Readonly<Record<string, readonly number[]>>;

export interface Finding {
  readonly match: Found;
  /** The event at which it is found; or when its time was over. */
  readonly at: number | { readonly time: number };
}

interface Place {
  readonly step: number;
  readonly event: number;
}

/** A beginning of a match. */
type Path = readonly Place[];

const isNot = ({ kind }: Step): boolean => kind === 'notNext' || kind === 'notFollowedBy';
const ONCE = { from: 1, to: 1 };

export class NaiveMatches {
  readonly matches: Finding[] = [];
  /** Beginnings that were over before they were complete, each once. */
  readonly timeouts: Finding[] = [];
  private readonly steps: readonly Step[];
  private readonly withinMs: number;
  private readonly events: readonly Event[];

  constructor({ steps, withinMs }: PatternDefinition, events: readonly Event[]) {
    this.steps = steps;
    this.withinMs = withinMs ?? Number.POSITIVE_INFINITY;
    this.events = events;
    for (const [event] of events.entries()) {
      for (const step of this.targets(-1)) this.take([], { step, event });
    }
  }

  /** Steps that a record may go to after that step: the next ones up to the first that can't be left out. */
  private targets(step: number): number[] {
    const found: number[] = [];
    for (let at = step + 1; at < this.steps.length; at += 1) {
      const next = this.steps[at] as Step;
      if (isNot(next)) continue;
      found.push(at);
      if (!next.optional) break;
    }
    return found;
  }

  private take(path: Path, place: Place): void {
    if (!this.mayTake(path, place)) return;
    const longer = [...path, place];
    // What ends a match ends it also with the record that would carry it on; but not if that completes it.
    const ends = path.length > 0 && this.stopsAt(path, place.step, place.event);
    this.complete(longer, ends);
    if (ends) return;
    for (const step of this.targetsOf(longer)) {
      for (let event = place.event + 1; event < this.events.length; event += 1) this.take(longer, { step, event });
    }
    this.wait(longer);
  }

  /** Where it may go: on with its step, or to later ones. */
  private targetsOf(path: Path): number[] {
    const { step } = path.at(-1) as Place;
    const more = countAt(path) < this.times(step).to;
    return [...(more ? [step] : []), ...(this.isEnough(path) ? this.targets(step) : [])];
  }

  private isEnough(path: Path): boolean {
    return countAt(path) >= this.times((path.at(-1) as Place).step).from;
  }

  private get lastTaken(): number {
    return this.steps.findLastIndex((step) => !isNot(step));
  }

  private times(step: number): { readonly from: number; readonly to: number } {
    return this.steps[step]?.times ?? ONCE;
  }

  // One record

  private mayTake(path: Path, { step, event }: Place): boolean {
    const target = this.steps[step] as Step;
    if (!this.meets(target.condition, path, event) || this.isUntil(target, path, event)) return false;
    if (this.isGated(path, step, event) || !this.inTime(path, step, event)) return false;
    if (this.isForbidden(path, step, event)) return false;
    const last = path.at(-1)?.event ?? event - 1;
    for (let at = last + 1; at < event; at += 1) if (!this.mayLieBetween(path, step, at)) return false;
    return true;
  }

  /** A `notNext` on the way to a step is about this very record. */
  private isForbidden(path: Path, step: number, event: number): boolean {
    const last = path.at(-1);
    if (last === undefined || last.step === step || event !== last.event + 1) return false;
    return this.notsAfter(last.step).some((not) => not.kind === 'notNext' && this.meets(not.condition, path, event));
  }

  private inTime(path: Path, step: number, event: number): boolean {
    if (path.length === 0) return true;
    const { time } = this.events[event] as Event;
    const since = (place: Place): number => time - (this.events[place.event] as Event).time;
    const { withinMs = Number.POSITIVE_INFINITY } = this.steps[step] as Step;
    return since(path[0] as Place) < this.withinMs && since(path.at(-1) as Place) < withinMs;
  }

  /** Whether a record may lie between the path's last one and one of a step. */
  private mayLieBetween(path: Path, step: number, event: number): boolean {
    const target = this.steps[step] as Step;
    const again = path.at(-1)?.step === step;
    if (this.isGated(path, step, event) || this.stopsAt(path, step, event)) return false;
    if (again && this.isUntil(target, path, event)) return false;
    const contiguity = again ? target.inner : CONTIGUITY[target.kind];
    return contiguity === 'any' || (contiguity === 'relaxed' && !this.meets(target.condition, path, event));
  }

  /** Whether a negative step has the match end there, on its way to a step. */
  private stopsAt(path: Path, step: number, event: number): boolean {
    const last = path.at(-1) as Place;
    const nots = this.notsAfter(last.step);
    const holds = (not: Step): boolean => this.meets(not.condition, path, event);
    if (step !== last.step) {
      return nots.some((not) => holds(not) && (not.kind === 'notFollowedBy' || event === last.event + 1));
    }
    const first = nots.findIndex(({ kind }) => kind === 'notNext');
    const direct = first < 0 ? nots : nots.slice(0, first);
    if (direct.some(holds)) return true;
    // The match might as well be leaving the step: then the very next record counts.
    const mayLeave = this.isEnough(path) && event === last.event + 1 && !this.isPending(last.step);
    return mayLeave && nots.some(holds) && !this.isGated(path, step + 1, event);
  }

  /** Negative steps directly after a step. */
  private notsAfter(step: number): Step[] {
    const rest = this.steps.slice(step + 1);
    const end = rest.findIndex((next) => !isNot(next));
    return end < 0 ? rest : rest.slice(0, end);
  }

  /** Whether a greedy step that is being left, or left out, on the way to a step wants the record. */
  private isGated(path: Path, step: number, event: number): boolean {
    const last = path.at(-1) ?? { step: -1, event: event - 1 };
    return this.steps.slice(Math.max(0, last.step), step).some((passed) => {
      const { greedy, times } = passed;
      if (isNot(passed) || !greedy || !times || times.from === times.to) return false;
      const ended = passed.until && last.event + 1 < this.events.length && this.isUntil(passed, path, last.event + 1);
      return !ended && this.meets(passed.condition, path, event);
    });
  }

  private isUntil({ until }: Step, path: Path, event: number): boolean {
    return until !== undefined && this.meets(until, path, event);
  }

  private meets(condition: Step['condition'], path: Path, event: number): boolean {
    if (condition === undefined) return true;
    return Boolean((condition as Ask)(this.events[event] as Event, this.soFar(path)));
  }

  private soFar(path: Path): Record<string, Event[]> {
    const names = this.steps.map(({ name }) => name);
    const found = this.byName(path);
    return Object.fromEntries(names.map((name) => [name, (found[name] ?? []).map((at) => this.events[at] as Event)]));
  }

  private byName(path: Path): Record<string, number[]> {
    const found: Record<string, number[]> = {};
    for (const { step, event } of path) (found[(this.steps[step] as Step).name] ??= []).push(event);
    return found;
  }

  // The end

  /** Notes the match if the path is one, or becomes one by what comes after it. */
  private complete(path: Path, ends: boolean): void {
    const last = path.at(-1) as Place;
    const rest = this.steps.slice(last.step + 1);
    if (!this.isEnough(path) || rest.some((step) => !isNot(step) && !step.optional)) return;
    const match = this.byName(path);
    if (this.isPending(last.step)) {
      if (!ends) this.completeInTime(path, match);
    } else if (rest.some(({ kind }) => kind === 'notNext')) {
      if (!ends) this.completeAtNext(path, match);
    } else this.matches.push({ match, at: last.event });
  }

  /** The very next record decides. */
  private completeAtNext(path: Path, match: Found): void {
    const last = path.at(-1) as Place;
    const next = last.event + 1;
    const event = this.events[next];
    if (event === undefined || event.time >= this.deadline(path) || this.isGated(path, last.step + 1, next)) return;
    const nots = this.notsAfter(last.step);
    if (!nots.some((not) => this.meets(not.condition, path, next))) this.matches.push({ match, at: next });
  }

  /** After that step, time alone may end the match. */
  private isPending(step: number): boolean {
    const rest = this.steps.slice(step + 1);
    return rest.every(isNot) && rest.at(-1)?.kind === 'notFollowedBy';
  }

  /** Nothing of a last `notFollowedBy` has come when time is over. */
  private completeInTime(path: Path, match: Found): void {
    const last = path.at(-1) as Place;
    const end = this.steps.length;
    const bound = (this.steps.at(-1) as Step).withinMs ?? Number.POSITIVE_INFINITY;
    const deadline = Math.min(this.deadline(path), (this.events[last.event] as Event).time + bound);
    for (let at = last.event + 1; at < this.events.length && (this.events[at] as Event).time < deadline; at += 1) {
      if (this.isGated(path, end, at) || this.stopsAt(path, end, at)) return;
    }
    this.matches.push({ match, at: { time: deadline } });
  }

  private deadline(path: Path): number {
    return (this.events[(path[0] as Place).event] as Event).time + this.withinMs;
  }

  /** Notes the path as timed out if it still waits for something when its time is over. */
  private wait(path: Path): void {
    const last = path.at(-1) as Place;
    const deadline = this.deadline(path);
    if (deadline === Number.POSITIVE_INFINITY) return;
    const later = [...this.events.keys()].filter((at) => at > last.event && (this.events[at] as Event).time < deadline);
    const waits = this.targetsOf(path).some((step) => later.every((at) => this.mayLieBetween(path, step, at)));
    const asksNext = this.steps.at(-1)?.kind === 'notNext' && last.step === this.lastTaken && this.isEnough(path);
    const finding = { match: this.byName(path), at: { time: deadline } };
    const found = this.matches.some((match) => JSON.stringify(match) === JSON.stringify(finding));
    if ((waits || (asksNext && later.length === 0)) && !found) this.timeouts.push(finding);
  }
}

type Ask = (record: unknown, soFar: unknown) => unknown;

const CONTIGUITY: Readonly<Record<Step['kind'], Contiguity>> = {
  begin: 'strict',
  next: 'strict',
  followedBy: 'relaxed',
  followedByAny: 'any',
  notNext: 'strict',
  notFollowedBy: 'relaxed',
};

/** How often the last step has been taken. */
function countAt(path: Path): number {
  const { step } = path.at(-1) as Place;
  return path.filter((place) => place.step === step).length;
}
