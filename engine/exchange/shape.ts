/**
 * The shape of an edge's records, found from the records themselves since types do not exist at run time: the names
 * of the fields in order, and for each the narrowest column that has held its values so far. A record that is no
 * object (a plain number or string) has one column without a name.
 *
 * Invariants: shapes are frozen; `join` only widens (none < int < double, none < bool, none < text, required <
 * nullable), so an edge changes the shape of the same fields a bounded number of times; no column is named
 * `__proto__`, since no object literal can make such a field.
 */

/** Only null and undefined so far. */
export const NONE = 0;
/** 32-bit integers but -0. */
export const INT = 1;
export const DOUBLE = 2;
export const BOOL = 3;
export const TEXT = 4;

export interface Column {
  readonly name: string;
  readonly kind: number;
  /** Null or undefined may stand in it. */
  readonly nullable: boolean;
}

export interface Shape {
  /** The record itself is the value of the only column. */
  readonly scalar: boolean;
  readonly columns: readonly Column[];
}

/** Wider records go packed: generated code for them would be long, and they are rarely many. */
const COLUMNS_MAX = 256;

/** Columns that say of each row: value, null or undefined. Texts and booleans say it in the value's column. */
export const IS_VALUE = 0;
export const IS_NULL = 1;
export const IS_UNDEFINED = 2;
/** Booleans are 0 and 1. */
export const BOOL_NULL = 2;
export const BOOL_UNDEFINED = 3;
/** Instead of a text's length. */
export const TEXT_NULL = -1;
export const TEXT_UNDEFINED = -2;

/** Bytes of a row in the column of values; 0 when there is none. */
export function valueBytes(column: Column): number {
  switch (column.kind) {
    case INT:
    case TEXT:
      return 4;
    case DOUBLE:
      return 8;
    case BOOL:
      return 1;
    default:
      return 0;
  }
}

/** Whether a column of IS_VALUE, IS_NULL, IS_UNDEFINED follows the column of values. */
export function hasTags(column: Column): boolean {
  return column.nullable && column.kind !== BOOL && column.kind !== TEXT;
}

/** The shape of one record; undefined when it has to go packed. */
export function shapeOf(record: unknown): Shape | undefined {
  if (typeof record !== 'object') return scalarShape(record);
  if (record === null || Object.getPrototypeOf(record) !== Object.prototype) return undefined;
  const names = Object.keys(record);
  if (names.length > COLUMNS_MAX) return undefined;
  const columns: Column[] = [];
  for (const name of names) {
    const column = columnOf(name, (record as Record<string, unknown>)[name]);
    if (column === undefined || name === '__proto__') return undefined;
    columns.push(column);
  }
  return freezeShape(false, columns);
}

function scalarShape(record: unknown): Shape | undefined {
  const column = columnOf('', record);
  return column === undefined || column.kind === NONE ? undefined : freezeShape(true, [column]);
}

function freezeShape(scalar: boolean, columns: Column[]): Shape {
  return Object.freeze({ scalar, columns: Object.freeze(columns) });
}

function columnOf(name: string, value: unknown): Column | undefined {
  switch (typeof value) {
    case 'number':
      return column(name, (value | 0) === value && !Object.is(value, -0) ? INT : DOUBLE, false);
    case 'string':
      return column(name, TEXT, false);
    case 'boolean':
      return column(name, BOOL, false);
    case 'undefined':
      return column(name, NONE, true);
    default:
      return value === null ? column(name, NONE, true) : undefined;
  }
}

function column(name: string, kind: number, nullable: boolean): Column {
  return Object.freeze({ name, kind, nullable });
}

/** Whether the fields are the same, whatever their kinds. */
export function sameFields(a: Shape, b: Shape): boolean {
  if (a.scalar !== b.scalar || a.columns.length !== b.columns.length) return false;
  return a.columns.every((column, at) => column.name === b.columns[at]?.name);
}

/** The narrowest shape that holds what either does; `a` itself when that is it; undefined when there is none. */
export function join(a: Shape, b: Shape): Shape | undefined {
  if (!sameFields(a, b)) return undefined;
  const columns: Column[] = [];
  let changed = false;
  for (const [at, left] of a.columns.entries()) {
    const joined = joinColumns(left, b.columns[at] as Column);
    if (joined === undefined) return undefined;
    changed ||= joined !== left;
    columns.push(joined);
  }
  return changed ? freezeShape(a.scalar, columns) : a;
}

function joinColumns(a: Column, b: Column): Column | undefined {
  const kind = joinKinds(a.kind, b.kind);
  if (kind === undefined) return undefined;
  const nullable = a.nullable || b.nullable;
  return kind === a.kind && nullable === a.nullable ? a : column(a.name, kind, nullable);
}

function joinKinds(a: number, b: number): number | undefined {
  if (a === b || b === NONE) return a;
  if (a === NONE) return b;
  return (a === INT && b === DOUBLE) || (a === DOUBLE && b === INT) ? DOUBLE : undefined;
}

/** The shape that records from index `from` on share, and how many of the next `count` do. */
export function deriveShape(
  records: readonly unknown[],
  from: number,
  count: number,
): { readonly shape: Shape; readonly run: number } | undefined {
  const first = shapeOf(records[from]);
  if (first === undefined) return undefined;
  let shape: Shape = first;
  let run = 1;
  for (; run < count; run += 1) {
    const next = shapeOf(records[from + run]);
    const joined: Shape | undefined = next && join(shape, next);
    if (joined === undefined) break;
    shape = joined;
  }
  return { shape, run };
}
