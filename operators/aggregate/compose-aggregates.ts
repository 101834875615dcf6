/**
 * Many aggregates as one: a composite accumulator, a flat array of plain data, and one pass per record.
 *
 * The code is generated, each aggregate written out with its cells' indexes: 10 times the speed of interpreting the
 * parts, 5 times that of generated calls of shared functions, whose types every job in the process would mix up.
 * Under `--disallow-code-generation-from-strings` the interpreter gives the same results. What goes into the text:
 * indexes, text of this folder, and names escaped as JSON; accessors are arguments.
 *
 * Invariant: all accessors of a record are called, and their values checked, before its accumulator changes; then
 * aggregators of the user's own add it, before the built-in ones.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import type { Aggregator } from '../../state/aggregator.js';
import type { Window } from '../window/assigners.js';
import type { Aggregate, AggregateInput, AggregateParts, AggregateResults } from './aggregates.js';
import { CALLED_KINDS } from './called-kinds.js';
import { type AggregateKind, type AggregateText, distinctMark, PLAIN_KINDS, TEXT_SCOPE } from './plain-kinds.js';

export type CompositeAccumulator = unknown[];

/** An aggregator of a record of aggregates, which can also put its results beside a key and a window. */
export interface CompositeAggregator<T, R> extends Aggregator<T, CompositeAccumulator, R> {
  /** `{ key, ...results }` */
  keyedResult(acc: CompositeAccumulator, key: unknown): R & { readonly key: unknown };
  /** `{ key, window, ...results }` */
  windowResult(
    acc: CompositeAccumulator,
    key: unknown,
    window: Window,
  ): R & { readonly key: unknown; readonly window: Window };
}

interface Part {
  readonly name: string;
  readonly kind: AggregateKind;
  readonly kindName: string;
  readonly accessor: ((record: unknown) => unknown) | null;
  /** Its first cell. */
  readonly at: number;
}

/** Names that results have anyway, or that no object should have. */
const RESERVED = new Set(['key', 'window', '__proto__']);

/**
 * One aggregator of many. Throws `MILL_OPTION_INVALID` for a record that is empty, or has a reserved name or
 * something other than an aggregate in it. `generate: false` chooses the interpreter.
 */
export function composeAggregates<P extends AggregateParts<never>>(
  parts: P,
  options: { readonly generate?: boolean } = {},
): CompositeAggregator<AggregateInput<P>, AggregateResults<P>> {
  const placed = place(parts);
  const generated = options.generate === false ? null : generate(placed);
  return (generated ?? interpret(placed)) as unknown as CompositeAggregator<AggregateInput<P>, AggregateResults<P>>;
}

/** An aggregate, and how it gets its values: checked as those of composed ones are. */
export interface CheckedPart {
  readonly name: string;
  readonly aggregate: Aggregate<never, unknown>;
  readonly takes: AggregateKind['takes'];
  valueOf(record: unknown): unknown;
}

/** Throws as `composeAggregates` does. */
export function checkedParts(parts: AggregateParts<never>): readonly CheckedPart[] {
  return place(parts).map((part) => ({
    name: part.name,
    aggregate: parts[part.name] as Aggregate<never, unknown>,
    takes: part.kind.takes,
    valueOf: (record) => partValue(part, record),
  }));
}

function place(parts: AggregateParts<never>): readonly Part[] {
  let at = 0;
  const placed = Object.entries(parts).map(([name, part]): Part => {
    const kind = kindOf(part);
    if (kind === null) throw invalid(`aggregate ${JSON.stringify(name)} is ${describeValue(part)}, not an aggregate`);
    if (RESERVED.has(name)) throw invalid(`an aggregate cannot be named '${name}'`);
    const first = at;
    at += kind.create().length;
    return { name, kind, kindName: part.kind, accessor: part.accessor as Part['accessor'], at: first };
  });
  if (placed.length === 0) throw invalid('there is no aggregate');
  return placed;
}

function kindOf(part: Aggregate<never, unknown> | null): AggregateKind | null {
  const name = part?.kind as string;
  if (Object.hasOwn(PLAIN_KINDS, name)) return PLAIN_KINDS[name as keyof typeof PLAIN_KINDS];
  if (!Object.hasOwn(CALLED_KINDS, name)) return null;
  return CALLED_KINDS[name as keyof typeof CALLED_KINDS](part?.parameter as never);
}

function invalid(message: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', message);
}

function notNumber(part: Part, value: unknown): MillraceError {
  const message = `${part.kindName} of '${part.name}' was given ${describeValue(value)} (${typeof value}), not a number`;
  return new MillraceError('MILL_FUNCTION_FAILED', message, {
    hint: 'Return a number, null or undefined from the accessor.',
  });
}

/** Indexes of the parts: first those whose `add` may throw. */
function addingOrder(parts: readonly Part[]): readonly number[] {
  const rank = (index: number): number => (parts[index]?.kind.mayThrow ? 0 : 1);
  return [...parts.keys()].sort((a, b) => rank(a) - rank(b));
}

/** What generated and interpreted aggregators have: functions without `this`. */
type Composite = CompositeAggregator<unknown, Record<string, unknown>>;

function interpret(parts: readonly Part[]): Composite {
  const order = addingOrder(parts);
  const result = (acc: CompositeAccumulator): Record<string, unknown> =>
    Object.fromEntries(parts.map(({ name, kind, at }) => [name, kind.result(acc, at)]));
  return {
    create: () => parts.flatMap(({ kind }) => kind.create()),
    add: (acc, record) => {
      const values = parts.map((part) => partValue(part, record));
      for (const index of order) {
        const { kind, at } = parts[index] as Part;
        kind.add(acc, at, values[index]);
      }
      return acc;
    },
    merge: (a, b) => {
      for (const { kind, at } of parts) kind.merge(a, b, at);
      return a;
    },
    result,
    keyedResult: (acc, key) => ({ key, ...result(acc) }),
    windowResult: (acc, key, window) => ({ key, window, ...result(acc) }),
  };
}

function partValue(part: Part, record: unknown): unknown {
  const { accessor, kind } = part;
  const value = accessor === null ? record : accessor(record);
  if (value === null || value === undefined) return value;
  if (kind.takes === 'numbers' && typeof value !== 'number') throw notNumber(part, value);
  if (kind.takes === 'ranked') checkRank(part, (value as readonly unknown[])[0]);
  return kind.takes === 'keys' ? distinctMark(value) : value;
}

function checkRank(part: Part, rank: unknown): void {
  if (rank !== null && rank !== undefined && typeof rank !== 'number') throw notNumber(part, rank);
}

/** Null where generating code is not allowed. */
function generate(parts: readonly Part[]): Composite | null {
  const accessors = parts.map(({ accessor }) => accessor);
  const fail = (index: number, value: unknown): never => {
    throw notNumber(parts[index] as Part, value);
  };
  try {
    const make = new Function('accessors', 'kinds', 'fail', ...Object.keys(TEXT_SCOPE), textOf(parts));
    const kinds = parts.map(({ kind }) => kind);
    return make(accessors, kinds, fail, ...Object.values(TEXT_SCOPE)) as Composite;
  } catch (error) {
    if (error instanceof EvalError) return null;
    throw error;
  }
}

function textOf(parts: readonly Part[]): string {
  const each = (line: (part: Part, index: number) => string): string => parts.map(line).filter(Boolean).join('\n    ');
  const texts = parts.map(({ kind }, index) => kind.text ?? callText(`k${index}`, kind));
  const adding = addingOrder(parts).map((index) => addText(parts[index] as Part, index, texts[index] as AggregateText));
  const text = (index: number): AggregateText => texts[index] as AggregateText;
  const fields = parts.map(({ name, at }, index) => `${JSON.stringify(name)}: ${text(index).result(at)}`).join(', ');
  return `'use strict';
  ${each(({ accessor }, index) => (accessor === null ? '' : `const f${index} = accessors[${index}];`))}
  ${each(({ kind }, index) => (kind.text ? '' : `const k${index} = kinds[${index}];`))}
  const create = () => [${texts.map(({ create }) => create).join(', ')}];
  const add = (a, r) => {
    ${each(({ accessor }, index) => (accessor === null ? '' : `let v${index} = f${index}(r);`))}
    ${each(checkText)}
    ${adding.join('\n    ')}
    return a;
  };
  const merge = (a, b) => {
    ${each(({ at }, index) => text(index).merge(at))}
    return a;
  };
  const result = (a) => ({ ${fields} });
  const keyedResult = (a, key) => ({ key, ${fields} });
  const windowResult = (a, key, window) => ({ key, window, ${fields} });
  return { create, add, merge, result, keyedResult, windowResult };`;
}

function addText({ at, accessor }: Part, index: number, text: AggregateText): string {
  return text.add(at, accessor === null ? 'r' : `v${index}`);
}

/** Calls of a kind's functions. */
function callText(name: string, { create }: AggregateKind): AggregateText {
  return {
    create: create().length === 1 ? `${name}.create()[0]` : `...${name}.create()`,
    add: (at, v) => `${name}.add(a, ${at}, ${v});`,
    merge: (at) => `${name}.merge(a, b, ${at});`,
    result: (at) => `${name}.result(a, ${at})`,
  };
}

function checkText({ kind }: Part, index: number): string {
  const v = `v${index}`;
  const isNoNumber = (n: string): string => `typeof ${n} !== 'number' && ${n} != null`;
  if (kind.takes === 'numbers') return `if (${isNoNumber(v)}) fail(${index}, ${v});`;
  if (kind.takes === 'ranked') return `if (${isNoNumber(`${v}[0]`)}) fail(${index}, ${v}[0]);`;
  return kind.takes === 'keys' ? `if (${v} != null) ${v} = distinctMark(${v});` : '';
}
