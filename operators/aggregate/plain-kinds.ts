/**
 * The built-in aggregates without parameters, each in two forms that must agree: functions, for the interpreter, and text,
 * from which compose-aggregates.ts generates code. A test runs both over the same records.
 *
 * A composite accumulator is one flat array; an aggregate owns `create().length` cells of it from `at` on. In text,
 * `a` and `b` are accumulators and `v` stands for the value, which the accessor has returned before anything changes.
 *
 * Invariant: merging leaves `b` alone, and lets `a` share nothing with it that either changes later.
 */
import { isCompoundKey, keyText } from '../../state/tables/key-text.js';

export type PlainKindName =
  | 'count'
  | 'countIf'
  | 'sum'
  | 'min'
  | 'max'
  | 'avg'
  | 'first'
  | 'last'
  | 'collect'
  | 'distinct'
  | 'variance'
  | 'variancePopulation'
  | 'stddev'
  | 'stddevPopulation'
  | 'argMin'
  | 'argMax';

type Cells = unknown[];
type Numbers = number[];

export interface AggregateKind {
  /**
   * What its values may be, beside null and undefined. Keys are marked (`distinctMark`) before `add` gets them. Ranked ones
   * are arrays: a number, null or undefined, and what it ranks.
   */
  readonly takes: 'anything' | 'numbers' | 'keys' | 'ranked';
  create(): Cells;
  add(a: Cells, at: number, value: unknown): void;
  merge(a: Cells, b: Cells, at: number): void;
  result(a: Cells, at: number): unknown;
  /** Without it generated code calls the functions. */
  readonly text?: AggregateText;
  /** Whether `add` calls the user's code: it is called before that of the others, which then have not changed if it throws. */
  readonly mayThrow?: true;
}

/** One that is written out. */
interface PlainKind extends AggregateKind {
  readonly text: AggregateText;
}

/** An aggregate in generated code. */
export interface AggregateText {
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

const count: PlainKind = {
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

const countIf: PlainKind = {
  ...count,
  add(a, at, value) {
    if (!missing(value) && value !== false) increase(a, at, 1);
  },
  text: { ...count.text, add: (at, v) => `if (${v} != null && ${v} !== false) a[${at}] += 1;` },
};

const sum: PlainKind = {
  ...count,
  takes: 'numbers',
  add(a, at, value) {
    if (!missing(value)) increase(a, at, value as number);
  },
  text: { ...count.text, add: (at, v) => `if (${v} != null) a[${at}] += ${v};` },
};

/** Cells: how many there were, their sum. */
const avg: PlainKind = {
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
function extreme(sign: '<' | '>', beyond: (value: number, best: number) => boolean): PlainKind {
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
const first: PlainKind = {
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

const last: PlainKind = {
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

const collect: PlainKind = {
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

const distinct: PlainKind = {
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

/**
 * Cells: how many, their mean, the sum of the squares of their distances to it. Adding: Welford 1962; merging: Chan, Golub,
 * LeVeque 1979.
 */
function spread(least: number, root: boolean): PlainKind {
  const amount = (a: Numbers, at: number): number => (a[at + 2] as number) / ((a[at] as number) - least + 1);
  const amountText = (at: number): string => `a[${at + 2}] / (a[${at}] - ${least - 1})`;
  return {
    takes: 'numbers',
    create: () => [0, 0, 0],
    add(cells, at, value) {
      if (missing(value)) return;
      const a = cells as Numbers;
      const distance = (value as number) - (a[at + 1] as number);
      increase(a, at, 1);
      increase(a, at + 1, distance / (a[at] as number));
      increase(a, at + 2, distance * ((value as number) - (a[at + 1] as number)));
    },
    merge(a, cells, at) {
      const b = cells as Numbers;
      const added = b[at] as number;
      if (added === 0) return;
      const before = a[at] as number;
      const distance = (b[at + 1] as number) - (a[at + 1] as number);
      increase(a, at, added);
      increase(a, at + 1, (distance * added) / (before + added));
      increase(a, at + 2, (b[at + 2] as number) + (distance * distance * before * added) / (before + added));
    },
    result(a, at) {
      if ((a[at] as number) < least) return null;
      return root ? Math.sqrt(amount(a as Numbers, at)) : amount(a as Numbers, at);
    },
    text: {
      create: '0, 0, 0',
      add: (at, v) =>
        `if (${v} != null) { const d = ${v} - a[${at + 1}]; a[${at}] += 1; a[${at + 1}] += d / a[${at}]; ` +
        `a[${at + 2}] += d * (${v} - a[${at + 1}]); }`,
      merge: (at) =>
        `if (b[${at}] !== 0) { const n = a[${at}], m = b[${at}], d = b[${at + 1}] - a[${at + 1}]; a[${at}] += m; ` +
        `a[${at + 1}] += (d * m) / (n + m); a[${at + 2}] += b[${at + 2}] + (d * d * n * m) / (n + m); }`,
      result: (at) => `(a[${at}] < ${least} ? null : ${root ? `Math.sqrt(${amountText(at)})` : amountText(at)})`,
    },
  };
}

/** Cells: 1 if there was one, the extreme number, what it ranks. */
function argExtreme(sign: '<' | '>', beyond: (value: number, best: number) => boolean): PlainKind {
  const take = (a: Cells, at: number, number: number, value: unknown): void => {
    const best = a[at + 1] as number;
    if (a[at] !== 0 && !beyond(number, best) && !(number !== number && best === best)) return;
    a[at] = 1;
    a[at + 1] = number;
    a[at + 2] = value;
  };
  const takeText = (at: number, n: string, v: string): string =>
    `if (a[${at}] === 0 || ${n} ${sign} a[${at + 1}] || (${n} !== ${n} && a[${at + 1}] === a[${at + 1}])) ` +
    `{ a[${at}] = 1; a[${at + 1}] = ${n}; a[${at + 2}] = ${v}; }`;
  return {
    takes: 'ranked',
    create: () => [0, 0, null],
    add(a, at, ranked) {
      const [number, value] = ranked as readonly [number | null | undefined, unknown];
      if (number !== null && number !== undefined) take(a, at, number, value);
    },
    merge(a, b, at) {
      if (b[at] !== 0) take(a, at, b[at + 1] as number, b[at + 2]);
    },
    result: (a, at) => a[at + 2],
    text: {
      create: '0, 0, null',
      add: (at, v) => `if (${v}[0] != null) { ${takeText(at, `${v}[0]`, `${v}[1]`)} }`,
      merge: (at) => `if (b[${at}] !== 0) { ${takeText(at, `b[${at + 1}]`, `b[${at + 2}]`)} }`,
      result: (at) => `a[${at + 2}]`,
    },
  };
}

export const PLAIN_KINDS: Readonly<Record<PlainKindName, PlainKind>> = Object.freeze({
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
  variance: spread(2, false),
  variancePopulation: spread(1, false),
  stddev: spread(2, true),
  stddevPopulation: spread(1, true),
  argMin: argExtreme('<', (value, best) => value < best),
  argMax: argExtreme('>', (value, best) => value > best),
});
