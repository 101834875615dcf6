/**
 * Reads records of one shape from columns: the inverse of column-encoder.ts, generated or interpreted likewise.
 *
 * Records come out as object literals with the fields in order, so that all records of a shape share one hidden
 * class. No text holds on to the frame it came from: V8 makes substrings of 13 units and more point into their
 * parent, which for one kept key would keep a whole frame's text alive; such are copied.
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

/** The text of a frame: as a string to cut short texts from, and where it lies for the copying of long ones. */
export interface FrameText {
  readonly all: string;
  /** Offset in bytes. */
  readonly start: number;
  readonly wide: boolean;
}

/** Fills `records` from index 0 with `count` records from columns of `rows` rows that start at byte `base`. */
export type ColumnDecoder = (
  records: unknown[],
  count: number,
  rows: number,
  memory: FrameMemory,
  base: number,
  text: FrameText,
) => void;

/** Below it V8 copies a substring (SlicedString::kMinLength). */
const SLICE_UNITS_MIN = 13;

/** A text of SLICE_UNITS_MIN units or more, copied out of the frame. `at` in units from the start of the text. */
export function readLongText(memory: FrameMemory, text: FrameText, at: number, length: number): string {
  if (text.wide) return memory.u8.toString('utf16le', text.start + at * 2, text.start + (at + length) * 2);
  return memory.u8.toString('latin1', text.start + at, text.start + at + length);
}

export function readFrameText(memory: FrameMemory, start: number, units: number, wide: boolean): FrameText {
  const all = wide
    ? memory.u8.toString('utf16le', start, start + units * 2)
    : memory.u8.toString('latin1', start, start + units);
  return { all, start, wide };
}

export function generateDecoder(shape: Shape): ColumnDecoder {
  const make = new Function('readLongText', decoderSource(shape)) as (read: typeof readLongText) => ColumnDecoder;
  return make(readLongText);
}

function decoderSource(shape: Shape): string {
  const values = shape.columns.map((_, index) => `v${index}`);
  const literal = shape.columns.map((column, index) => `${JSON.stringify(column.name)}: ${values[index] as string}`);
  const lines = [
    '"use strict";',
    'return function decodeColumns(records, count, rows, memory, base, text) {',
    'const i32 = memory.i32, f64 = memory.f64, u8 = memory.u8, all = text.all;',
    'let offset = base, at = 0;',
    ...shape.columns.flatMap(offsetLines),
    'for (let i = 0; i < count; i += 1) {',
    ...shape.columns.flatMap(readLines),
    `records[i] = ${shape.scalar ? 'v0' : `{ ${literal.join(', ')} }`};`,
    '}',
    '}',
  ];
  return lines.join('\n');
}

function offsetLines(column: Column, index: number): string[] {
  const bytes = valueBytes(column);
  const lines: string[] = [];
  if (bytes > 0) {
    lines.push(`const c${index} = offset >> ${Math.log2(bytes)}; offset = (offset + rows * ${bytes} + 7) & -8;`);
  }
  if (hasTags(column)) lines.push(`const t${index} = offset; offset = (offset + rows + 7) & -8;`);
  return lines;
}

function readLines(column: Column, index: number): string[] {
  switch (column.kind) {
    case TEXT:
      return readTextLines(column, index);
    case BOOL:
      return [`const b${index} = u8[c${index} + i];`, `const v${index} = ${boolExpression(column, `b${index}`)};`];
    case NONE:
      return [`const v${index} = u8[t${index} + i] === ${IS_NULL} ? null : undefined;`];
    default:
      return [`const v${index} = ${numberExpression(column, index)};`];
  }
}

function numberExpression(column: Column, index: number): string {
  const value = `${column.kind === INT ? 'i32' : 'f64'}[c${index} + i]`;
  if (!column.nullable) return value;
  const tag = `u8[t${index} + i]`;
  return `${tag} === ${IS_VALUE} ? ${value} : ${tag} === ${IS_NULL} ? null : undefined`;
}

function boolExpression(column: Column, byte: string): string {
  if (!column.nullable) return `${byte} === 1`;
  return `${byte} < ${BOOL_NULL} ? ${byte} === 1 : ${byte} === ${BOOL_NULL} ? null : undefined`;
}

function readTextLines(column: Column, index: number): string[] {
  const length = `l${index}`;
  const absent = column.nullable ? `${length} < 0 ? (${length} === ${TEXT_NULL} ? null : undefined) : ` : '';
  const value = `${length} < ${SLICE_UNITS_MIN} ? all.substring(at, at + ${length}) : readLongText(memory, text, at, ${length})`;
  return [
    `const ${length} = i32[c${index} + i];`,
    `const v${index} = ${absent}${value};`,
    column.nullable ? `if (${length} > 0) at += ${length};` : `at += ${length};`,
  ];
}

/** The same without generated code. */
export function interpretDecoder(shape: Shape): ColumnDecoder {
  return (records, count, rows, memory, base, text) => {
    const cursor: Cursor = { memory, text, rows, row: 0, at: 0 };
    for (; cursor.row < count; cursor.row += 1) records[cursor.row] = interpretRow(shape, cursor, base);
  };
}

interface Cursor {
  readonly memory: FrameMemory;
  readonly text: FrameText;
  readonly rows: number;
  row: number;
  /** Where the next text begins, in units. */
  at: number;
}

function interpretRow(shape: Shape, cursor: Cursor, base: number): unknown {
  const record: Record<string, unknown> = {};
  let offset = base;
  let value: unknown;
  for (const column of shape.columns) {
    value = interpretValue(column, cursor, offset);
    record[column.name] = value;
    offset = padded(offset + cursor.rows * valueBytes(column));
    if (hasTags(column)) offset = padded(offset + cursor.rows);
  }
  return shape.scalar ? value : record;
}

function interpretValue(column: Column, cursor: Cursor, offset: number): unknown {
  const { memory, row } = cursor;
  const tag = hasTags(column) ? memory.u8[padded(offset + cursor.rows * valueBytes(column)) + row] : IS_VALUE;
  if (tag !== IS_VALUE) return tag === IS_UNDEFINED ? undefined : null;
  switch (column.kind) {
    case INT:
      return memory.i32[(offset >> 2) + row];
    case DOUBLE:
      return memory.f64[(offset >> 3) + row];
    case BOOL:
      return readBool(memory.u8[offset + row] as number);
    default:
      return readText(cursor, memory.i32[(offset >> 2) + row] as number);
  }
}

function readBool(byte: number): boolean | null | undefined {
  if (byte >= BOOL_NULL) return byte === BOOL_UNDEFINED ? undefined : null;
  return byte === 1;
}

function readText(cursor: Cursor, length: number): string | null | undefined {
  if (length < 0) return length === TEXT_UNDEFINED ? undefined : null;
  const { at, memory, text } = cursor;
  cursor.at = at + length;
  return length < SLICE_UNITS_MIN ? text.all.substring(at, at + length) : readLongText(memory, text, at, length);
}
