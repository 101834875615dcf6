/**
 * Records as rows of CSV, for one file.
 *
 * Invariants: every row of the file has the columns of its header; reading a row back gives the same texts.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { wrongName } from './column-names.js';
import type { RecordEncoder } from './file-format.js';

export interface CsvEncoderOptions {
  readonly header: boolean | readonly string[];
  readonly columns: readonly string[] | undefined;
  readonly delimiter: string;
}

type Row = Record<string, unknown>;

export class CsvEncoder implements RecordEncoder {
  private readonly delimiter: string;
  private readonly arrays: boolean;
  /** Whether properties that are no columns are left out, since the columns were chosen. */
  private readonly chosen: boolean;
  private readonly special: RegExp;
  private columns: readonly string[] | undefined;
  private known = new Set<string>();
  private headerDue: boolean;
  private width = 0;

  constructor(options: CsvEncoderOptions) {
    this.delimiter = options.delimiter;
    this.arrays = options.header === false && options.columns === undefined;
    this.columns = options.columns ?? (Array.isArray(options.header) ? options.header : undefined);
    this.chosen = this.columns !== undefined;
    this.headerDue = options.header === true;
    // A mark at the beginning of a field could become the beginning of the file, where it is none of the field's.
    this.special = new RegExp(`^\uFEFF|["\r\n${escapeInClass(options.delimiter)}]`);
  }

  encode(record: unknown): string {
    if (this.arrays) return this.encodeArray(record);
    if (typeof record !== 'object' || record === null || Array.isArray(record))
      throw refuse(record, 'expected an object');
    const columns = this.columns ?? columnsOf(record);
    if (!this.chosen && this.columns !== undefined) this.checkColumns(record as Row);
    const row = this.join(columns.map((column) => textOf(ownValue(record as Row, column), column)));
    const header = this.headerDue ? this.join(columns) : '';
    if (this.columns === undefined) this.known = new Set(columns);
    this.columns = columns;
    this.headerDue = false;
    return header + row;
  }

  private checkColumns(record: Row): void {
    for (const key in record) {
      if (record[key] !== undefined && !this.known.has(key))
        throw refuse(record, `the file has no column ${JSON.stringify(key)}`);
    }
  }

  private encodeArray(record: unknown): string {
    if (!Array.isArray(record) || record.length === 0) throw refuse(record, 'expected an array of fields');
    if (this.width !== 0 && record.length !== this.width)
      throw refuse(record, `expected ${this.width} fields, as the first row has`);
    const row = this.join(record.map((value, at) => textOf(value, `${at}`)));
    this.width = record.length;
    return row;
  }

  /** A row that is one empty field is quoted: a blank line is none. */
  private join(fields: readonly string[]): string {
    let row = '';
    for (let at = 0; at < fields.length; at += 1) {
      const field = fields[at] as string;
      if (at > 0) row += this.delimiter;
      row += this.special.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
    }
    return row === '' ? '""\n' : `${row}\n`;
  }
}

function columnsOf(record: object): readonly string[] {
  const columns = Object.keys(record);
  const wrong = wrongName(columns);
  if (wrong !== undefined) throw refuse(record, `it ${wrong}`);
  return columns;
}

/** Inherited ones, such as `constructor`, are not the record's. */
function ownValue(record: Row, column: string): unknown {
  return Object.hasOwn(record, column) ? record[column] : undefined;
}

function textOf(value: unknown, column: string): string {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw refuse(value, `column ${JSON.stringify(column)} has a lone surrogate`);
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'undefined':
      return '';
    default:
      if (value === null) return '';
      if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
      throw refuse(value, `column ${JSON.stringify(column)}`);
  }
}

function escapeInClass(delimiter: string): string {
  return `\\x${delimiter.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function refuse(value: unknown, why: string): MillraceError {
  return new MillraceError('MILL_RECORD_NOT_PLAIN', `CSV cannot express ${describeValue(value)}: ${why}`, {
    hint: 'Map the record to an object of strings, numbers, booleans, dates and null before the sink, or name its columns.',
  });
}
