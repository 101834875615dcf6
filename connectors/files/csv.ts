/**
 * CSV (RFC 4180, with any delimiter): what `files` and `fileSink` need to know of it. Reading is in csv-decoder.ts,
 * writing in csv-encoder.ts.
 */
import { MillraceError } from '../../core/errors.js';
import type { InferOutput, StandardSchemaV1 } from '../../core/schema.js';
import { wrongName } from './column-names.js';
import { CsvDecoder } from './csv-decoder.js';
import { CsvEncoder } from './csv-encoder.js';
import type { FileFormat } from './file-format.js';

export interface CsvOptions {
  /** What each row must fit: it gets the row as an object of strings, or as an array with `header: false`. */
  readonly schema?: StandardSchemaV1 | undefined;
  /**
   * `true` (default): the first row of each file names the columns. An array: files have no such row, and these are
   * the names. `false`: they have none, and rows are arrays of strings.
   */
  readonly header?: boolean | readonly string[] | undefined;
  /** One ASCII character. Default `,`. */
  readonly delimiter?: string | undefined;
  /** For writing: the columns, in this order; other properties are left out. Default: those of a file's first record. */
  readonly columns?: readonly string[] | undefined;
}

/** A row without a schema. An empty field is `''`. */
export type CsvRow = Record<string, string>;

/**
 * CSV as a format of `files` and `fileSink`.
 *
 * Reading: a row is an object of strings by the names of the header, which must be unique and not empty; a `schema`
 * makes numbers and dates of them, usually by coercion. LF and CRLF, a byte order mark, quoted fields with delimiters,
 * quotes (`""`) and line ends in them; blank lines are skipped; a quote within an unquoted field is a quote. A row with
 * another number of columns than the header, with broken quoting or bytes that are not UTF-8 is malformed
 * (`MILL_RECORD_MALFORMED`), and takes no other row with it; one that does not fit the schema is rejected
 * (`MILL_RECORD_REJECTED`): the source's `onError` decides.
 *
 * Writing: a header row in each file unless `header` says otherwise; strings, numbers, bigints and booleans as text,
 * null and undefined as an empty field, dates as ISO text. Other values, and properties that the first record of the
 * file had not, fail with `MILL_RECORD_NOT_PLAIN`.
 *
 * Costs about 1 µs a row of eleven columns, 3 µs where fields are quoted, besides the schema.
 *
 * @example
 * const flight = z.object({ carrier: z.string(), distance: z.coerce.number() })
 * j.from('flights', files('data/*.csv.gz', csv({ schema: flight })))
 * totals.to('out', fileSink('out', csv({ columns: ['carrier', 'miles'] })))
 */
export function csv<S extends StandardSchemaV1>(
  options: CsvOptions & { readonly schema: S },
): FileFormat<InferOutput<S>>;
export function csv(
  options: CsvOptions & { readonly schema?: undefined; readonly header: false },
): FileFormat<string[], readonly unknown[]>;
export function csv(options?: CsvOptions & { readonly schema?: undefined }): FileFormat<CsvRow, object>;
export function csv(options: CsvOptions = {}): FileFormat<unknown, never> {
  const delimiter = options.delimiter ?? ',';
  checkDelimiter(delimiter);
  if (Array.isArray(options.header)) checkNames(options.header, 'header');
  if (options.columns !== undefined) checkNames(options.columns, 'columns');
  return {
    name: 'csv',
    extension: 'csv',
    quoting: { delimiter: delimiter.charCodeAt(0), quote: '"'.charCodeAt(0) },
    decoder: () => new CsvDecoder({ schema: options.schema, header: options.header ?? true, delimiter }),
    encoder: () => new CsvEncoder({ header: options.header ?? true, columns: options.columns, delimiter }),
  };
}

function checkDelimiter(delimiter: string): void {
  if (delimiter.length === 1 && delimiter.charCodeAt(0) < 128 && !'"\r\n'.includes(delimiter)) return;
  throw new MillraceError(
    'MILL_OPTION_INVALID',
    `csv: delimiter is ${JSON.stringify(delimiter)}, expected one ASCII character`,
  );
}

function checkNames(names: readonly string[], option: string): void {
  const wrong = wrongName(names);
  if (wrong !== undefined) throw new MillraceError('MILL_OPTION_INVALID', `csv: ${option} ${wrong}`);
}
