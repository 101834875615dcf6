/**
 * The turns of several patterns, one after the other for each key: of rules that come and go while the job runs. Each rule has
 * matches of its own, in a table of its own.
 *
 * Rules are data: they name a pattern that the job has, and say what it is made with. Invariant: a rule's table is named by its
 * id and by how often that has got another rule, so that it is the same in every subtask which has got the id's rules in the
 * same order. Matches of a rule that is gone never come back; those of keys that are not met again stay in the state.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import type { TimerTable } from '../../state/backend.js';
import { innerName } from '../../state/inner-names.js';
import type { OperatorContext } from '../operator.js';
import { sameValue } from '../same-value.js';
import type { KeyMatches } from './key-matches.js';
import type { MatchTurn } from './match-turn.js';
import { matchTurn, type PatternSpec } from './pattern-spec.js';

/** Plain data, from a stream. */
export interface Rule {
  readonly id: string;
  /** A rule of another version is another rule. */
  readonly version?: number;
  /** The name of one of the job's patterns; left out by a rule that is removed. */
  readonly pattern?: string;
  readonly params?: unknown;
  readonly remove?: boolean;
}

export interface RuleTurnsOptions {
  readonly context: OperatorContext;
  readonly timers: TimerTable;
  /** Whether records wait for that time. */
  readonly waits: (slot: number, time: number) => boolean;
  /** Makes a rule's pattern; throws if it can't be made. */
  readonly specOf: (rule: Rule) => PatternSpec;
}

/** What a snapshot holds of the rules. */
export interface SavedRules {
  readonly rules: readonly Rule[];
  /** How often each id has got another rule. */
  readonly turns: readonly (readonly [id: string, turn: number])[];
  /** Tables of rules that are gone, the oldest first. */
  readonly retired: readonly string[];
}

interface Active {
  readonly rule: Rule;
  readonly table: string;
  readonly turn: MatchTurn;
}

/** Tables of old rules that are cleared where their keys are met. */
const RETIRED_MAX = 100;

export class RuleTurns {
  /** A turn is under way. */
  pending = false;
  private readonly options: RuleTurnsOptions;
  private readonly active = new Map<string, Active>();
  private readonly turns: Map<string, number>;
  private retired: readonly string[];
  private left: Active[] = [];
  private arguments: Parameters<MatchTurn['begin']> = [-1, 0, [], 0, 0];

  constructor(options: RuleTurnsOptions, saved: SavedRules | undefined) {
    this.options = options;
    this.turns = new Map(saved?.turns);
    this.retired = saved?.retired ?? [];
    for (const rule of saved?.rules ?? []) this.active.set(rule.id, this.make(rule, this.turns.get(rule.id) ?? 0));
  }

  snapshot(): SavedRules {
    return {
      rules: Array.from(this.active.values(), ({ rule }) => rule),
      turns: [...this.turns],
      retired: this.retired,
    };
  }

  /** A rule comes, or goes. Throws for one that can't be, which changes nothing. */
  apply(rule: Rule): void {
    if (typeof rule?.id !== 'string') throw badRule(rule, 'has no id');
    const before = this.active.get(rule.id);
    if (rule.remove ? !before : before && sameValue(before.rule, rule)) return;
    const turn = (this.turns.get(rule.id) ?? 0) + 1;
    const made = rule.remove ? undefined : this.make(rule, turn);
    this.turns.set(rule.id, turn);
    if (before) this.retire(before);
    if (made) this.active.set(rule.id, made);
    else this.active.delete(rule.id);
  }

  begin(...args: Parameters<MatchTurn['begin']>): void {
    this.arguments = args;
    this.pending = true;
    this.left = [...this.active.values()].reverse();
    this.forgetRetired(args[0]);
  }

  /** Goes on; false: an output is full. */
  work(): boolean {
    for (let current = this.left.at(-1); current; current = this.left.at(-1)) {
      const { turn } = current;
      try {
        if (!turn.pending) turn.begin(...this.arguments);
        if (!turn.work()) return false;
      } catch (error) {
        this.end();
        throw error;
      }
      this.left.pop();
    }
    this.end();
    return true;
  }

  private end(): void {
    this.left = [];
    this.pending = false;
  }

  private make(rule: Rule, turn: number): Active {
    const { context, timers, waits, specOf } = this.options;
    const table = tableOf(rule, turn);
    const matches = matchTurn(specOf(rule), context, {
      timers,
      isNeeded: (slot, time) => waits(slot, time) || this.isAlarmOfOther(table, slot, time),
      onError: (error, record, timestamp) => context.reject(error, record, timestamp),
      table,
      label: { rule: rule.id, version: rule.version ?? 0 },
    });
    return { rule, table, turn: matches };
  }

  /** Rules share the timers of their keys. */
  private isAlarmOfOther(own: string, slot: number, time: number): boolean {
    const { state } = this.options.context;
    for (const { table } of this.active.values())
      if (table !== own && state.value<KeyMatches>(table).get(slot)?.alarm === time) return true;
    return false;
  }

  private retire({ table }: Active): void {
    this.retired = [...this.retired, table].slice(-RETIRED_MAX);
  }

  private forgetRetired(slot: number): void {
    const { state } = this.options.context;
    for (const table of this.retired) if (state.value(table).get(slot) !== undefined) state.value(table).remove(slot);
  }
}

/** Ids may have any letters. */
function tableOf({ id }: Rule, turn: number): string {
  return innerName('matches', `${turn}-${encodeURIComponent(id)}`);
}

export function badRule(rule: unknown, why: string): MillraceError {
  return new MillraceError('MILL_PATTERN_INVALID', `rule ${describeValue(rule)} ${why}`, {
    hint: 'Send rules with an id, and the name of one of the patterns that the job has.',
  });
}
