/**
 * Rows of CSV as records. Where rows end, and whether their quoting holds, the splitter has found out; here fields are
 * taken apart: by `split` in rows without quotes, which is four times as fast, by csv-parse in the others, all those
 * of a block at once.
 *
 * Invariants: every record has the same properties in the same order (one hidden class), `__proto__` among them if a
 * column has that name; no record shares memory with the block (a field may share the text of its row).
 */
import { parse } from 'csv-parse/sync';
import { MillraceError } from '../../core/errors.js';
import { type StandardSchemaV1, validate } from '../../core/schema.js';
import { wrongName } from './column-names.js';
import { NOTHING, type RecordDecoder } from './file-format.js';
import { type RecordBlock, recordText } from './record-splitter.js';

export interface CsvDecoderOptions {
  readonly schema: StandardSchemaV1 | undefined;
  readonly header: boolean | readonly string[];
  readonly delimiter: string;
}

type Fields = readonly string[];

export class CsvDecoder implements RecordDecoder {
  readonly header: ((text: string) => void) | undefined;
  private readonly schema: StandardSchemaV1 | undefined;
  private readonly delimiter: string;
  /** Undefined: rows are arrays. */
  private names: Fields | undefined;
  private block: RecordBlock | undefined;
  /** Fields of the quoted rows of the block, by index; empty when it has none. */
  private quoted: (Fields | undefined)[] = [];

  constructor(options: CsvDecoderOptions) {
    this.schema = options.schema;
    this.delimiter = options.delimiter;
    if (options.header === true) this.header = (text) => this.readHeader(text);
    else if (options.header !== false) this.names = options.header;
  }

  private readHeader(text: string): void {
    const names = text.includes('"') ? this.parseOne(text) : text.split(this.delimiter);
    const wrong = wrongName(names);
    if (wrong !== undefined)
      throw new MillraceError('MILL_FILE_UNREADABLE', `its header ${wrong}: ${JSON.stringify(text)}`);
    this.names = names;
  }

  load(block: RecordBlock): void {
    this.block = block;
    this.quoted = [];
    if (block.utf8 && block.quoted.indexOf(1) < block.count) this.parseQuoted(block);
  }

  decode(index: number): unknown {
    const block = this.block as RecordBlock;
    if (block.from[index] === block.to[index]) return NOTHING;
    const fields = this.quoted[index] ?? this.fieldsOf(block, index);
    const row = this.names === undefined ? fields : toRecord(this.names, fields);
    return this.schema === undefined ? row : validate(this.schema, row);
  }

  private fieldsOf(block: RecordBlock, index: number): Fields {
    const text = recordText(block, index);
    return block.quoted[index] === 1 ? this.parseOne(text) : text.split(this.delimiter);
  }

  /** Leaves `quoted` empty if csv-parse sees other rows than the splitter did: then each is parsed by itself. */
  private parseQuoted(block: RecordBlock): void {
    const indexes: number[] = [];
    const texts: string[] = [];
    for (let index = 0; index < block.count; index += 1) {
      if (block.quoted[index] !== 1) continue;
      indexes.push(index);
      texts.push(recordText(block, index));
    }
    const rows = this.parseRows(texts.join('\n'));
    if (rows?.length !== indexes.length) return;
    for (let at = 0; at < rows.length; at += 1) this.quoted[indexes[at] as number] = rows[at];
  }

  private parseOne(text: string): Fields {
    const rows = this.parseRows(text);
    if (rows?.length !== 1) throw new MillraceError('MILL_RECORD_MALFORMED', 'its quoting is broken');
    return rows[0] as Fields;
  }

  private parseRows(text: string): Fields[] | undefined {
    try {
      return parse(text, {
        delimiter: this.delimiter,
        record_delimiter: '\n',
        relax_column_count: true,
        // The splitter has refused broken quoting; what is left are quotes within unquoted fields.
        relax_quotes: true,
      });
    } catch {
      return undefined;
    }
  }
}

function toRecord(names: Fields, fields: Fields): Record<string, string> {
  const count = names.length;
  if (fields.length !== count) {
    throw new MillraceError('MILL_RECORD_MALFORMED', `it has ${fields.length} columns, the header ${count}`);
  }
  const record: Record<string, string> = {};
  for (let at = 0; at < count; at += 1) {
    const name = names[at] as string;
    if (name === '__proto__') define(record, name, fields[at] as string);
    else record[name] = fields[at] as string;
  }
  return record;
}

/** Assigning to `__proto__` would set the prototype instead. */
function define(record: Record<string, string>, name: string, value: string): void {
  Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true });
}
