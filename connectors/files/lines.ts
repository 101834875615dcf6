/**
 * Plain text: a record is a line, without its line end (LF or CRLF).
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import type { FileFormat, RecordDecoder, RecordEncoder } from './file-format.js';
import { type RecordBlock, recordText } from './record-splitter.js';

/**
 * Lines of text as a format of `files` and `fileSink`. Empty lines are records too.
 *
 * A line that is not UTF-8 is malformed. Written are strings without a line end or a lone surrogate in them; anything else fails with
 * `MILL_RECORD_NOT_PLAIN`.
 *
 * @example
 * j.from('book', files('book.txt', lines())).flatMap((line) => line.split(' '))
 */
export function lines(): FileFormat<string> {
  return { name: 'lines', extension: 'txt', decoder: () => new LineDecoder(), encoder: () => ENCODER };
}

class LineDecoder implements RecordDecoder {
  private block: RecordBlock | undefined;

  load(block: RecordBlock): void {
    this.block = block;
  }

  decode(index: number): string {
    return recordText(this.block as RecordBlock, index);
  }
}

const ENCODER: RecordEncoder = {
  encode(record) {
    if (typeof record === 'string' && !record.includes('\n') && !record.endsWith('\r') && record.isWellFormed()) {
      return `${record}\n`;
    }
    throw new MillraceError('MILL_RECORD_NOT_PLAIN', `a line of text cannot express ${describeValue(record)}`, {
      hint: 'Map the record to a string without line ends and lone surrogates before the sink.',
    });
  },
};
