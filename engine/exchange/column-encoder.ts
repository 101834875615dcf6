/**
 * Writes records of one shape into columns. The loop is generated for the shape (`generateEncoder`); where code
 * may not be generated from strings an interpreting one (`interpretEncoder`) writes the same bytes.
 *
 * A record fits when its prototype is Object.prototype, its enumerable fields are the shape's, in order, and every
 * value is of its column's kind. An encoder stops at the first one that does not, or for which the text has no
 * room; the records before it are written.
 *
 * Invariants: names enter generated code through JSON.stringify only, data never; a row is written whole or not
 * counted; nothing is written at or beyond `end`, provided that the columns themselves end before it.
 */
import { type FrameMemory, padded } from './frame.js';
import {
  BOOL,
  BOOL_NULL,
  BOOL_UNDEFINED,
  type Column,
  DOUBLE,
  hasTags,
  INT,
  IS_NULL,
  IS_UNDEFINED,
  IS_VALUE,
  NONE,
  type Shape,
  TEXT,
  TEXT_NULL,
  TEXT_UNDEFINED,
  valueBytes,
} from './shape.js';

/** Why an encoder stopped before the last record. */
export const MISFIT = 1;
export const FULL = 2;
/** A text has units above 0xFF: begin again with the wide encoder. */
export const TOO_WIDE = 3;

/** What an encoder says besides its count: why it stopped (0: all written), and where the text ends, in units. */
export interface EncodeResult {
  stopped: number;
  textEnd: number;
}

/**
 * Encodes up to `count` records from index `from` on into columns of `count` rows that start at byte `base`, and
 * returns how many it did.
 */
export type ColumnEncoder = (
  records: readonly unknown[],
  from: number,
  count: number,
  memory: FrameMemory,
  base: number,
  end: number,
  result: EncodeResult,
) => number;

/** Texts from this length on are copied by the runtime: a call takes 90 ns, a unit copied here 2.3 (docs/design/exchange.md). */
export const LONG_TEXT_UNITS = 40;

/** On a one-byte string V8 need not look at the text to know that it matches nothing. */
const BEYOND_LATIN1 = /[^\u0000-\u00ff]/;

/** Writes `text` at `at` (in units). False when it is too wide for latin1. */
export function writeLongText(u8: Buffer, at: number, text: string, wide: boolean): boolean {
  if (wide) u8.write(text, at * 2, 'utf16le');
  else if (BEYOND_LATIN1.test(text)) return false;
  else u8.write(text, at, 'latin1');
  return true;
}

export function generateEncoder(shape: Shape, wide: boolean): ColumnEncoder {
  const names = shape.columns.map((column) => column.name);
  const make = new Function('names', 'writeLongText', encoderSource(shape, wide)) as (
    names: readonly string[],
    write: typeof writeLongText,
  ) => ColumnEncoder;
  return make(names, writeLongText);
}

function encoderSource(shape: Shape, wide: boolean): string {
  const lines = [
    '"use strict";',
    'const prototypeOf = Object.getPrototypeOf, plain = Object.prototype;',
    'return function encodeColumns(records, from, count, memory, base, end, result) {',
    'const i32 = memory.i32, f64 = memory.f64, u8 = memory.u8, text = memory.u16;',
    'let offset = base, stopped = 0, seen = 0, i = 0;',
    ...shape.columns.flatMap(offsetLines),
    wide ? 'let next = offset >> 1; const limit = end >> 1;' : 'let next = offset; const limit = end;',
    'for (; i < count; i += 1) {',
    'const record = records[from + i];',
    ...(shape.scalar ? [] : fieldCheckLines(shape.columns.length)),
    'let at = next;',
    ...shape.columns.flatMap((column, index) => writeLines(column, index, shape.scalar, wide)),
    ...(wide ? [] : [`if (seen > 255) { stopped = ${TOO_WIDE}; break; }`]),
    'next = at;',
    '}',
    'result.stopped = stopped; result.textEnd = next;',
    'return i;',
    '}',
  ];
  return lines.join('\n');
}

/** Constants: where each column begins, in elements of its own array. */
function offsetLines(column: Column, index: number): string[] {
  const bytes = valueBytes(column);
  const lines: string[] = [];
  if (bytes > 0) {
    lines.push(`const c${index} = offset >> ${Math.log2(bytes)}; offset = (offset + count * ${bytes} + 7) & -8;`);
  }
  if (hasTags(column)) lines.push(`const t${index} = offset; offset = (offset + count + 7) & -8;`);
  return lines;
}

function fieldCheckLines(fields: number): string[] {
  return [
    `if (typeof record !== 'object' || record === null || prototypeOf(record) !== plain) { stopped = ${MISFIT}; break; }`,
    'let field = 0;',
    'for (const name in record) { if (name !== names[field]) { field = -1; break; } field += 1; }',
    `if (field !== ${fields}) { stopped = ${MISFIT}; break; }`,
  ];
}

const STOP_MISFIT = `{ stopped = ${MISFIT}; break; }`;

function writeLines(column: Column, index: number, scalar: boolean, wide: boolean): string[] {
  const value = `v${index}`;
  const read = `const ${value} = ${scalar ? 'record' : `record[${JSON.stringify(column.name)}]`};`;
  if (!column.nullable) return [read, ...valueLines(column, index, wide)];
  const [whenNull, whenUndefined] = absentLines(column, index);
  return [
    read,
    `if (${value} === null) ${whenNull}`,
    `else if (${value} === undefined) ${whenUndefined}`,
    ...(column.kind === NONE
      ? [`else ${STOP_MISFIT}`]
      : ['else {', ...valueLines(column, index, wide), tagLine(column, index), '}']),
  ];
}

function tagLine(column: Column, index: number): string {
  return hasTags(column) ? `u8[t${index} + i] = ${IS_VALUE};` : '';
}

function absentLines(column: Column, index: number): [string, string] {
  if (column.kind === BOOL) return [`u8[c${index} + i] = ${BOOL_NULL};`, `u8[c${index} + i] = ${BOOL_UNDEFINED};`];
  if (column.kind === TEXT) return [`i32[c${index} + i] = ${TEXT_NULL};`, `i32[c${index} + i] = ${TEXT_UNDEFINED};`];
  return [`u8[t${index} + i] = ${IS_NULL};`, `u8[t${index} + i] = ${IS_UNDEFINED};`];
}

function valueLines(column: Column, index: number, wide: boolean): string[] {
  const value = `v${index}`;
  switch (column.kind) {
    case INT:
      return [
        `if (typeof ${value} !== 'number' || (${value} | 0) !== ${value} || (${value} === 0 && 1 / ${value} < 0)) ${STOP_MISFIT}`,
        `i32[c${index} + i] = ${value};`,
      ];
    case DOUBLE:
      return [`if (typeof ${value} !== 'number') ${STOP_MISFIT}`, `f64[c${index} + i] = ${value};`];
    case BOOL:
      return [`if (typeof ${value} !== 'boolean') ${STOP_MISFIT}`, `u8[c${index} + i] = ${value} ? 1 : 0;`];
    default:
      return textLines(value, `i32[c${index} + i]`, wide);
  }
}

function textLines(value: string, length: string, wide: boolean): string[] {
  return [
    `if (typeof ${value} !== 'string') ${STOP_MISFIT}`,
    `const l${value} = ${value}.length;`,
    `if (l${value} > limit - at) { stopped = ${FULL}; break; }`,
    `${length} = l${value};`,
    `if (l${value} < ${LONG_TEXT_UNITS}) {`,
    wide
      ? `for (let j = 0; j < l${value}; j += 1) text[at + j] = ${value}.charCodeAt(j);`
      : `for (let j = 0; j < l${value}; j += 1) { const unit = ${value}.charCodeAt(j); seen |= unit; u8[at + j] = unit; }`,
    `} else if (!writeLongText(u8, at, ${value}, ${wide})) { stopped = ${TOO_WIDE}; break; }`,
    `at += l${value};`,
  ];
}

/** The same without generated code; several times slower. */
export function interpretEncoder(shape: Shape, wide: boolean): ColumnEncoder {
  return (records, from, count, memory, base, end, result) => {
    const cursor: Cursor = { memory, wide, row: 0, rows: count, at: 0, end: wide ? end >> 1 : end, tooWide: false };
    const textStart = columnsEnd(shape, base, count);
    let next = wide ? textStart >> 1 : textStart;
    result.stopped = 0;
    for (; cursor.row < count; cursor.row += 1) {
      cursor.at = next;
      result.stopped = interpretRow(shape, cursor, base, records[from + cursor.row]);
      if (result.stopped !== 0) break;
      next = cursor.at;
    }
    result.textEnd = next;
    return cursor.row;
  };
}

/** Where the columns of `rows` rows end, and the text begins. */
export function columnsEnd(shape: Shape, base: number, rows: number): number {
  let offset = base;
  for (const column of shape.columns) {
    offset = padded(offset + rows * valueBytes(column));
    if (hasTags(column)) offset = padded(offset + rows);
  }
  return offset;
}

interface Cursor {
  readonly memory: FrameMemory;
  readonly wide: boolean;
  readonly rows: number;
  readonly end: number;
  row: number;
  /** Where the next text goes, in units. */
  at: number;
  /** A short text of the row was too wide: said once the row is written, as the generated code does. */
  tooWide: boolean;
}

/** 0, or why the record was not written. */
function interpretRow(shape: Shape, cursor: Cursor, base: number, record: unknown): number {
  if (!shape.scalar && !hasFields(shape, record)) return MISFIT;
  let offset = base;
  for (const column of shape.columns) {
    const value = shape.scalar ? record : (record as Record<string, unknown>)[column.name];
    const stopped = interpretValue(column, cursor, offset, value);
    if (stopped !== 0) return stopped;
    offset = padded(offset + cursor.rows * valueBytes(column));
    if (hasTags(column)) offset = padded(offset + cursor.rows);
  }
  return cursor.tooWide ? TOO_WIDE : 0;
}

function hasFields(shape: Shape, record: unknown): boolean {
  if (typeof record !== 'object' || record === null || Object.getPrototypeOf(record) !== Object.prototype) return false;
  let field = 0;
  for (const name in record) {
    if (name !== shape.columns[field]?.name) return false;
    field += 1;
  }
  return field === shape.columns.length;
}

function interpretValue(column: Column, cursor: Cursor, offset: number, value: unknown): number {
  const { memory, row } = cursor;
  const absent = value === null || value === undefined;
  if (absent && !column.nullable) return MISFIT;
  if (hasTags(column)) {
    const tag = value === null ? IS_NULL : value === undefined ? IS_UNDEFINED : IS_VALUE;
    memory.u8[padded(offset + cursor.rows * valueBytes(column)) + row] = tag;
    if (absent) return 0;
  }
  switch (column.kind) {
    case INT:
      return writeNumber(memory.i32, (offset >> 2) + row, value, true);
    case DOUBLE:
      return writeNumber(memory.f64, (offset >> 3) + row, value, false);
    case BOOL:
      return writeBool(memory.u8, offset + row, value);
    case TEXT:
      return writeText(cursor, (offset >> 2) + row, value);
    default:
      return MISFIT;
  }
}

function writeNumber(into: Int32Array | Float64Array, at: number, value: unknown, int: boolean): number {
  if (typeof value !== 'number' || (int && ((value | 0) !== value || Object.is(value, -0)))) return MISFIT;
  into[at] = value;
  return 0;
}

function writeBool(into: Uint8Array, at: number, value: unknown): number {
  if (value !== null && value !== undefined && typeof value !== 'boolean') return MISFIT;
  into[at] = value === null ? BOOL_NULL : value === undefined ? BOOL_UNDEFINED : value ? 1 : 0;
  return 0;
}

function writeText(cursor: Cursor, lengthAt: number, value: unknown): number {
  const { memory } = cursor;
  if (value === null || value === undefined) {
    memory.i32[lengthAt] = value === null ? TEXT_NULL : TEXT_UNDEFINED;
    return 0;
  }
  if (typeof value !== 'string') return MISFIT;
  if (value.length > cursor.end - cursor.at) return FULL;
  if (!writeLongText(memory.u8, cursor.at, value, cursor.wide)) {
    if (value.length >= LONG_TEXT_UNITS) return TOO_WIDE;
    cursor.tooWide = true;
  }
  memory.i32[lengthAt] = value.length;
  cursor.at += value.length;
  return 0;
}
