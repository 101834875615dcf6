/**
 * Window joins and co-groups: window operators over two inputs. What a key has in a window, or slice of one, is the
 * records of each input; the windows themselves (slices, firing, late records, sessions over both inputs) are those of
 * one input, operators/window/.
 *
 * Invariant: a batch comes from one input, which is noted before the window operator sees it.
 */
import type { Inbox } from '../../core/batch.js';
import type { Operator, OperatorContext, OperatorFactory } from '../operator.js';
import type { TimeWindows, Window } from '../window/assigners.js';
import { windowFactory } from '../window/window-factory.js';
import type { ElementsFold } from '../window/window-fold.js';
import { type Combine, type JoinType, LATE_SIDES, padded } from './join-type.js';

/** Records in order of arrival, each behind the number of its input: for most keys one small object. */
type Groups = unknown[];

/** Makes results of what a key has in a window. */
type Results = (groups: Groups, key: unknown, window: Window) => Iterable<unknown>;

interface WindowsSpec {
  readonly assigner: TimeWindows;
  readonly latenessMs: number;
}

export interface WindowJoinSpec extends WindowsSpec {
  readonly type: JoinType;
  readonly combine: Combine;
}

export interface CoGroupSpec extends WindowsSpec {
  readonly process: (
    key: unknown,
    window: Window,
    left: readonly unknown[],
    right: readonly unknown[],
  ) => Iterable<unknown>;
}

export function windowJoinFactory({ type, combine, ...windows }: WindowJoinSpec): OperatorFactory {
  const outer = padded(type);
  const results: Results = (groups) => {
    const only = onlyInput(groups);
    if (only >= 0 && !outer[only]) return NOTHING;
    const lefts = only === 1 ? NO_MATCH : recordsOf(groups, 0);
    return pairs(lefts, only === 0 ? NO_MATCH : recordsOf(groups, 1), combine);
  };
  return (context) => new TwoInputWindows(windows, results, context);
}

export function coGroupFactory({ process: group, ...windows }: CoGroupSpec): OperatorFactory {
  const results: Results = (groups, key, window) => group(key, window, recordsOf(groups, 0), recordsOf(groups, 1));
  return (context) => new TwoInputWindows(windows, results, context);
}

const NOTHING: Groups = [];
/** Stands for the side that has none. */
const NO_MATCH: readonly undefined[] = [undefined];

/** One at a time: a key may have many. */
function* pairs(lefts: readonly unknown[], rights: readonly unknown[], combine: Combine): Generator<unknown> {
  for (const left of lefts) for (const right of rights) yield combine(left, right);
}

/** The input that all records come from; -1: they come from both. */
function onlyInput(groups: Groups): number {
  for (let at = 2; at < groups.length; at += 2) if (groups[at] !== groups[0]) return -1;
  return groups[0] as number;
}

/** An array of its own: a function may hold it while the window gets more. */
function recordsOf(groups: Groups, input: 0 | 1): unknown[] {
  const records: unknown[] = [];
  for (let at = 0; at < groups.length; at += 2) if (groups[at] === input) records.push(groups[at + 1]);
  return records;
}

class TwoInputWindows implements Operator {
  private readonly fold: GroupsFold;
  private readonly windows: Operator;

  constructor({ assigner, latenessMs }: WindowsSpec, results: Results, context: OperatorContext) {
    const fold = new GroupsFold(results);
    const late = (): unknown => context.side(LATE_SIDES[fold.port]);
    // Like the context, with side outputs by input.
    const own = Object.create(context, { side: { value: late } }) as OperatorContext;
    this.fold = fold;
    this.windows = windowFactory({ assigner, latenessMs, fold })(own, []);
  }

  open(): void | Promise<void> {
    return this.windows.open?.();
  }

  process(inbox: Inbox): void {
    this.fold.port = inbox.port as 0 | 1;
    this.windows.process(inbox);
  }

  onWatermark(watermark: number): boolean {
    return this.windows.onWatermark?.(watermark) ?? true;
  }
}

class GroupsFold implements ElementsFold<unknown, Groups, unknown> {
  readonly kind = 'elements';
  readonly results: Results;
  /** Which input records are added from. */
  port: 0 | 1 = 0;

  constructor(results: Results) {
    this.results = results;
  }

  /** Shared, so that the first record makes an array of just its size. */
  create(): Groups {
    return NOTHING;
  }

  add(groups: Groups, record: unknown): Groups {
    if (groups.length === 0) return [this.port, record];
    groups.push(this.port, record);
    return groups;
  }

  merge(a: Groups, b: Groups): Groups {
    if (a.length === 0) return b.slice();
    for (let at = 0; at < b.length; at += 1) a.push(b[at]);
    return a;
  }
}
