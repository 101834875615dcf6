/**
 * The built-in aggregates, each in two forms that must agree: functions, for the interpreter, and text, from which
 * compose-aggregates.ts generates code. A test runs both over the same records.
 *
 * A composite accumulator is one flat array; an aggregate owns `create().length` cells of it from `at` on. In text,
 * `a` and `b` are accumulators and `v` stands for the value, which the accessor has returned before anything changes.
 *
 * Invariant: merging leaves `b` alone, and lets `a` share nothing with it that either changes later.
 */
import { isCompoundKey, keyText } from '../state/tables/key-text.js';

export type AggregateKindName =
  | 'count'
  | 'countIf'
  | 'sum'
  | 'min'
  | 'max'
  | 'avg'
  | 'first'
  | 'last'
  | 'collect'
  | 'distinct';

type Cells = unknown[];
type Numbers = number[];

export interface AggregateKind {
  /** What its values may be, beside null and undefined. Keys are marked (`distinctMark`) before `add` gets them. */
  readonly takes: 'anything' | 'numbers' | 'keys';
  create(): Cells;
  add(a: Cells, at: number, value: unknown): void;
  merge(a: Cells, b: Cells, at: number): void;
  result(a: Cells, at: number): unknown;
  readonly text: AggregateText;
}

interface AggregateText {
  /** The cells, as elements of an array literal. */
  readonly create: string;
  add(at: number, value: string): string;
  merge(at: number): string;
  result(at: number): string;
}

/** What the text refers to by name, beside its own variables. */
export const TEXT_SCOPE = Object.freeze({ distinctMark, appendAll, addAll });

/**
 * What stands for a key in a Set, so that equal arrays are one: arrays by their text, and the strings that might
 * look like one likewise. Throws `MILL_KEY_INVALID` for what is no key.
 */
export function distinctMark(key: unknown): unknown {
  const alike = typeof key === 'string' && key.charCodeAt(0) === 1;
  return alike || isCompoundKey(key) ? `\u0001${keyText(key)}` : key;
}

function appendAll(to: unknown[], from: readonly unknown[]): void {
  for (let at = 0; at < from.length; at += 1) to.push(from[at]);
}

function addAll(to: Set<unknown>, from: ReadonlySet<unknown>): void {
  for (const element of from) to.add(element);
}

function increase(a: Cells, at: number, by: number): void {
  a[at] = (a[at] as number) + by;
}

const missing = (value: unknown): boolean => value === null || value === undefined;

const count: AggregateKind = {
  takes: 'anything',
  create: () => [0],
  add(a, at) {
    increase(a, at, 1);
  },
  merge(a, b, at) {
    increase(a, at, b[at] as number);
  },
  result: (a, at) => a[at],
  text: {
    create: '0',
    add: (at) => `a[${at}] += 1;`,
    merge: (at) => `a[${at}] += b[${at}];`,
    result: (at) => `a[${at}]`,
  },
};

const countIf: AggregateKind = {
  ...count,
  add(a, at, value) {
    if (!missing(value) && value !== false) increase(a, at, 1);
  },
  text: { ...count.text, add: (at, v) => `if (${v} != null && ${v} !== false) a[${at}] += 1;` },
};

const sum: AggregateKind = {
  ...count,
  takes: 'numbers',
  add(a, at, value) {
    if (!missing(value)) increase(a, at, value as number);
  },
  text: { ...count.text, add: (at, v) => `if (${v} != null) a[${at}] += ${v};` },
};

/** Cells: how many there were, their sum. */
const avg: AggregateKind = {
  takes: 'numbers',
  create: () => [0, 0],
  add(a, at, value) {
    if (missing(value)) return;
    increase(a, at, 1);
    increase(a, at + 1, value as number);
  },
  merge(a, b, at) {
    increase(a, at, b[at] as number);
    increase(a, at + 1, b[at + 1] as number);
  },
  result: (a, at) => (a[at] === 0 ? null : (a[at + 1] as number) / (a[at] as number)),
  text: {
    create: '0, 0',
    add: (at, v) => `if (${v} != null) { a[${at}] += 1; a[${at + 1}] += ${v}; }`,
    merge: (at) => `a[${at}] += b[${at}]; a[${at + 1}] += b[${at + 1}];`,
    result: (at) => `(a[${at}] === 0 ? null : a[${at + 1}] / a[${at}])`,
  },
};

/** Cells: 1 if there was a number, the extreme one. Numbers only, so that V8 keeps the array without boxes. */
function extreme(sign: '<' | '>', beyond: (value: number, best: number) => boolean): AggregateKind {
  const take = (a: Numbers, at: number, value: number): void => {
    if (a[at] !== 0 && value === value && !beyond(value, a[at + 1] as number)) return;
    a[at] = 1;
    a[at + 1] = value;
  };
  const takeText = (at: number, v: string): string =>
    `if (a[${at}] === 0 || ${v} !== ${v} || ${v} ${sign} a[${at + 1}]) { a[${at}] = 1; a[${at + 1}] = ${v}; }`;
  return {
    takes: 'numbers',
    create: () => [0, 0],
    add: (a, at, value) => {
      if (!missing(value)) take(a as Numbers, at, value as number);
    },
    merge: (a, b, at) => {
      if (b[at] !== 0) take(a as Numbers, at, b[at + 1] as number);
    },
    result: (a, at) => (a[at] === 0 ? null : a[at + 1]),
    text: {
      create: '0, 0',
      add: (at, v) => `if (${v} != null) { ${takeText(at, v)} }`,
      merge: (at) => `if (b[${at}] !== 0) { ${takeText(at, `b[${at + 1}]`)} }`,
      result: (at) => `(a[${at}] === 0 ? null : a[${at + 1}])`,
    },
  };
}

/** The cell is null until there is a value: null is never one. */
const first: AggregateKind = {
  takes: 'anything',
  create: () => [null],
  add(a, at, value) {
    if (a[at] === null && value !== undefined) a[at] = value;
  },
  merge(a, b, at) {
    if (a[at] === null) a[at] = b[at];
  },
  result: (a, at) => a[at],
  text: {
    create: 'null',
    add: (at, v) => `if (a[${at}] === null && ${v} !== undefined) a[${at}] = ${v};`,
    merge: (at) => `if (a[${at}] === null) a[${at}] = b[${at}];`,
    result: (at) => `a[${at}]`,
  },
};

const last: AggregateKind = {
  ...first,
  add(a, at, value) {
    if (!missing(value)) a[at] = value;
  },
  merge(a, b, at) {
    if (b[at] !== null) a[at] = b[at];
  },
  text: {
    ...first.text,
    add: (at, v) => `if (${v} != null) a[${at}] = ${v};`,
    merge: (at) => `if (b[${at}] !== null) a[${at}] = b[${at}];`,
  },
};

const collect: AggregateKind = {
  takes: 'anything',
  create: () => [[]],
  add(a, at, value) {
    if (!missing(value)) (a[at] as unknown[]).push(value);
  },
  merge(a, b, at) {
    appendAll(a[at] as unknown[], b[at] as unknown[]);
  },
  result: (a, at) => (a[at] as unknown[]).slice(),
  text: {
    create: '[]',
    add: (at, v) => `if (${v} != null) a[${at}].push(${v});`,
    merge: (at) => `appendAll(a[${at}], b[${at}]);`,
    result: (at) => `a[${at}].slice()`,
  },
};

const distinct: AggregateKind = {
  takes: 'keys',
  create: () => [new Set()],
  add(a, at, value) {
    if (!missing(value)) (a[at] as Set<unknown>).add(value);
  },
  merge(a, b, at) {
    addAll(a[at] as Set<unknown>, b[at] as Set<unknown>);
  },
  result: (a, at) => (a[at] as Set<unknown>).size,
  text: {
    create: 'new Set()',
    add: (at, v) => `if (${v} != null) a[${at}].add(${v});`,
    merge: (at) => `addAll(a[${at}], b[${at}]);`,
    result: (at) => `a[${at}].size`,
  },
};

export const AGGREGATE_KINDS: Readonly<Record<AggregateKindName, AggregateKind>> = Object.freeze({
  count,
  countIf,
  sum,
  avg,
  min: extreme('<', (value, best) => value < best),
  max: extreme('>', (value, best) => value > best),
  first,
  last,
  collect,
  distinct,
});
