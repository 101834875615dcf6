/**
 * Joins two tables that changelogs describe: each change of one of them is turned into the changes that it makes to the
 * joined table (Flink's StreamingJoinOperator and StreamingSemiAntiJoinOperator).
 *
 * All records of a key match one another, so a record has a match exactly if the other table has anything for the key; no
 * count of matches is kept with it. Equal records are kept once, with their number.
 *
 * Invariant: nothing has changed before a change's results have all been made, so that a function that throws leaves both
 * tables as they were.
 */
import type { Duration } from '../../core/time.js';
import { state } from '../../state/descriptors.js';
import type { MapHandle } from '../../state/handles.js';
import { adds, type Change, type ChangeKind, changeOf } from '../changelog.js';
import type { ProcessSpec } from '../process.js';
import { valueText } from '../value-text.js';
import type { JoinType } from './join-type.js';

export interface ChangelogJoinSpec {
  readonly type: JoinType | 'semi' | 'anti';
  readonly combine: (left: unknown, right?: unknown) => unknown;
  readonly ttl: Duration | undefined;
}

/** Equal records, and how many there are. */
type Same = readonly [count: number, record: unknown];
/** By their text. */
type Table = MapHandle<string, Same>;

interface Tables {
  readonly state: { readonly left: Table; readonly right: Table };
}

export function changelogJoinSpec(spec: ChangelogJoinSpec): ProcessSpec {
  const join = spec.type === 'semi' || spec.type === 'anti' ? new FilteringJoin(spec) : new PairingJoin(spec);
  const table = () => state.map<string, Same>(spec.ttl === undefined ? {} : { ttl: spec.ttl });
  return {
    state: { left: table(), right: table() },
    sides: [],
    onRecord: [
      (record: unknown, { state: { left, right } }: Tables) => {
        const change = changeOf(record);
        const results = join.leftChanges(change, left, right);
        apply(change, left);
        return results;
      },
      (record: unknown, { state: { left, right } }: Tables) => {
        const change = changeOf(record);
        const results = join.rightChanges(change, right, left);
        apply(change, right);
        return results;
      },
    ],
    onEventTimer: undefined,
    onProcessingTimer: undefined,
  };
}

type Results = readonly Change<unknown>[];

/** `inner`, `left`, `right`, `full`. */
class PairingJoin {
  readonly #combine: ChangelogJoinSpec['combine'];
  readonly #isInner: boolean;
  readonly #keepsLeft: boolean;
  readonly #keepsRight: boolean;

  constructor({ type, combine }: ChangelogJoinSpec) {
    this.#combine = combine;
    this.#isInner = type === 'inner';
    this.#keepsLeft = type === 'left' || type === 'full';
    this.#keepsRight = type === 'right' || type === 'full';
  }

  leftChanges(change: Change<unknown>, own: Table, others: Table): Results {
    const pair = (left: unknown, right: unknown): unknown => this.#combine(left, right);
    return this.#changes(change, own, others, { pair, keepsOwn: this.#keepsLeft, keepsOthers: this.#keepsRight });
  }

  rightChanges(change: Change<unknown>, own: Table, others: Table): Results {
    const pair = (right: unknown, left: unknown): unknown => this.#combine(left, right);
    return this.#changes(change, own, others, { pair, keepsOwn: this.#keepsRight, keepsOthers: this.#keepsLeft });
  }

  #changes({ kind, record }: Change<unknown>, own: Table, others: Table, sides: Sides): Results {
    const { pair, keepsOwn, keepsOthers } = sides;
    const comes = adds(kind);
    const results: Change<unknown>[] = [];
    const put = (does: ChangeKind, one: unknown, other: unknown): void => {
      results.push({ kind: does, record: pair(one, other) });
    };
    if (others.size === 0) {
      if (keepsOwn) put(comes ? 'insert' : 'delete', record, undefined);
      return results;
    }
    const each = (does: (other: unknown) => void): void => {
      for (const [count, other] of others.values()) for (let n = 0; n < count; n += 1) does(other);
    };
    if (comes && keepsOthers && own.size === 0) each((other) => put('delete', undefined, other));
    // Where rows come and go without their match, an update is no update.
    const does = this.#isInner ? kind : comes ? 'insert' : 'delete';
    each((other) => put(does, record, other));
    if (!comes && keepsOthers && isLast(own, record)) each((other) => put('insert', undefined, other));
    return results;
  }
}

interface Sides {
  pair(own: unknown, other: unknown): unknown;
  /** Records without a match are in the joined table: of the table that changes, and of the other one. */
  readonly keepsOwn: boolean;
  readonly keepsOthers: boolean;
}

/** `semi`, `anti`: left records, by whether they have a match. */
class FilteringJoin {
  readonly #combine: ChangelogJoinSpec['combine'];
  readonly #wantsMatch: boolean;

  constructor({ type, combine }: ChangelogJoinSpec) {
    this.#combine = combine;
    this.#wantsMatch = type === 'semi';
  }

  leftChanges({ kind, record }: Change<unknown>, _own: Table, others: Table): Results {
    const isIn = others.size > 0 === this.#wantsMatch;
    return isIn ? [{ kind, record: this.#combine(record) }] : [];
  }

  rightChanges({ kind, record }: Change<unknown>, own: Table, others: Table): Results {
    const comes = adds(kind);
    if (comes ? own.size > 0 : !isLast(own, record)) return [];
    const does = comes === this.#wantsMatch ? 'insert' : 'delete';
    const results: Change<unknown>[] = [];
    for (const [count, left] of others.values())
      for (let n = 0; n < count; n += 1) results.push({ kind: does, record: this.#combine(left) });
    return results;
  }
}

/** Without this record the table has none for the key. */
function isLast(table: Table, record: unknown): boolean {
  return table.size === 1 && table.get(valueText(record))?.[0] === 1;
}

function apply({ kind, record }: Change<unknown>, table: Table): void {
  const key = valueText(record);
  const count = table.get(key)?.[0] ?? 0;
  if (adds(kind)) table.set(key, [count + 1, record]);
  else if (count > 1) table.set(key, [count - 1, record]);
  else table.delete(key);
}
