/** The state machine that finds records in bytes: any bytes, cut anywhere. */
import fc from 'fast-check';
import t from 'tap';
import { FAULT, type Quoting, RecordSplitter, rawText } from '../../connectors/files/record-splitter.js';

const CSV: Quoting = { delimiter: 44, quote: 34 };
const FAULTS = ['', 'too large', 'quoting'];

interface Found {
  readonly text: string;
  readonly offset: number;
  readonly line: number;
  readonly fault: string;
}

interface SplitOptions {
  readonly quoting?: Quoting;
  readonly recordBytesMax?: number;
  readonly from?: Pick<Found, 'offset' | 'line'>;
}

function split(chunks: readonly Uint8Array[], options: SplitOptions = {}): Found[] {
  const { quoting, recordBytesMax = 1_000, from = { offset: 0, line: 1 } } = options;
  const splitter = new RecordSplitter({ quoting, recordBytesMax, ...from });
  const found: Found[] = [];
  const take = (last: boolean): void => {
    while (splitter.split(last)) {
      const { block } = splitter;
      for (let at = 0; at < block.count; at += 1) {
        const [offset, line] = [block.offset[at] as number, block.line[at] as number];
        found.push({ text: rawText(block, at), offset, line, fault: FAULTS[block.fault[at] as number] as string });
      }
    }
  };
  for (const chunk of chunks) {
    splitter.append(chunk);
    take(false);
  }
  take(true);
  return found;
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] as number;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const texts = (text: string, options?: SplitOptions): string[] =>
  split([Buffer.from(text)], options).map((found) => found.text);

t.test('a record is a line, whatever its line end', (t) => {
  t.same(texts('a\nb\r\n\nc\r'), ['a', 'b', '', 'c']);
  t.same(texts(''), []);
  t.same(texts('\n'), ['']);
  t.same(texts('\uFEFFa\n\uFEFFb'), ['a', '\uFEFFb'], 'only the first mark is one');
  t.same(texts('\uFEFF'), []);
  t.same(texts('"a\nb"', {}), ['"a', 'b"'], 'quotes mean nothing without quoting');
  t.end();
});

t.test('quotes hide ends of lines', (t) => {
  const rows = 'a,b\n"x\ny",2\r\n"""\n""",3\n4,"5\r\n"\n5" pipe,"ok"\n';
  const found = split([Buffer.from(rows)], { quoting: CSV });
  t.same(
    found.map((each) => each.text),
    ['a,b', '"x\ny",2', '"""\n""",3', '4,"5\r\n"', '5" pipe,"ok"'],
  );
  t.same(
    found.map((each) => each.line),
    [1, 2, 4, 6, 8],
  );
  t.ok(found.every((each) => each.fault === ''));
  t.end();
});

t.test('broken quoting takes no other record with it', (t) => {
  const check = (text: string, expected: [string, string][]): void => {
    const found = split([Buffer.from(text)], { quoting: CSV });
    t.same(
      found.map((each) => [each.text, each.fault]),
      expected,
      JSON.stringify(text),
    );
    t.same(
      found.map((each) => each.line),
      expected.map((_, at) => at + 1),
    );
  };
  check('1,"a\n2,b\n3,"c"\n4,d\n', [
    ['1,"a', 'quoting'],
    ['2,b', ''],
    ['3,"c"', ''],
    ['4,d', ''],
  ]);
  check('1,"a\n2,b\n', [
    ['1,"a', 'quoting'],
    ['2,b', ''],
  ]);
  check('1,"a"b,c\n2,d\n', [
    ['1,"a"b,c', 'quoting'],
    ['2,d', ''],
  ]);
  check('1,"a"\rb\n2,d\n', [
    ['1,"a"\rb', 'quoting'],
    ['2,d', ''],
  ]);
  check('1,"a', [['1,"a', 'quoting']]);
  check('1,"a\n2,"b\n3,"c', [
    ['1,"a', 'quoting'],
    ['2,"b', 'quoting'],
    ['3,"c', 'quoting'],
  ]);
  t.end();
});

t.test('a record that is too large is one fault, and memory stays bounded', (t) => {
  const large = 'x'.repeat(5_000);
  for (const sizes of [[1 << 20], [7], [1_000]]) {
    const found = split(cut(Buffer.from(`a\n${large}\nb\n${large}`), sizes), { recordBytesMax: 100 });
    t.same(
      found.map((each) => [each.text.length, each.fault, each.line, each.offset]),
      [
        [1, '', 1, 0],
        [1_024, 'too large', 2, 2],
        [1, '', 3, 5_003],
        [1_024, 'too large', 4, 5_005],
      ],
    );
  }
  const quoted = split(cut(Buffer.from(`1,"${large}\n2,b\n`), [64]), { recordBytesMax: 100, quoting: CSV });
  t.same(
    quoted.map((each) => [each.fault, each.offset]),
    [
      ['too large', 0],
      ['', 5_004],
    ],
  );
  const open = split(cut(Buffer.from(`1,"a\n${'y\n'.repeat(500)}`), [64]), { recordBytesMax: 100, quoting: CSV });
  t.same([open.length, open[0]?.fault, open[500]?.line], [501, 'quoting', 501], 'an open quote ends at the limit');
  t.end();
});

t.test('more records than a block holds', (t) => {
  const found = split([Buffer.from('ab\n'.repeat(10_000))]);
  t.equal(found.length, 10_000);
  t.same(found.at(-1), { text: 'ab', offset: 29_997, line: 10_000, fault: '' });
  t.end();
});

/** Texts in which everything that matters to the machine is frequent. */
const tricky = fc
  .array(fc.constantFrom('"', '"', ',', '\n', '\r\n', '\r', 'a', 'bc', 'é', '𝄞', '\uFEFF', ' '), { maxLength: 60 })
  .map((parts) => parts.join(''));
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
const quotings = fc.constantFrom(undefined, CSV);

t.test('where chunks end makes no difference, nor where one resumes', (t) => {
  fc.assert(
    fc.property(tricky, sizes, quotings, fc.constantFrom(4, 1_000), (text, sizes, quoting, recordBytesMax) => {
      const bytes = Buffer.from(text);
      const options = { recordBytesMax, ...(quoting && { quoting }) };
      // An open quote at the limit is cut as soon as it is seen: a matter of chunks, where the limit is small.
      const whole = split([bytes], options);
      if (recordBytesMax === 1_000 || quoting === undefined) t.same(split(cut(bytes, sizes), options), whole);
      for (const [at, from] of whole.entries()) {
        if (from.offset === 0) continue;
        const rest = split(cut(bytes.subarray(from.offset), sizes), { ...options, recordBytesMax: 1_000, from });
        if (recordBytesMax === 1_000) t.same(rest, whole.slice(at));
      }
    }),
    { numRuns: 1_500 },
  );
  t.end();
});

t.test('nothing is lost: records and line ends add up to the input', (t) => {
  fc.assert(
    fc.property(tricky, quotings, (text, quoting) => {
      const bytes = Buffer.from(text);
      const found = split([bytes], quoting && { quoting });
      found.forEach((record, at) => {
        const next = found[at + 1]?.offset ?? bytes.length;
        const raw = bytes.subarray(record.offset, next).toString();
        const marked = record.offset === 0 && raw.startsWith('\uFEFF') ? raw.slice(1) : raw;
        if (marked !== record.text) t.match(marked.slice(record.text.length), /^\r?\n?$/);
        t.ok(marked.startsWith(record.text));
      });
      const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
      if (quoting === undefined && text !== '' && text !== '\uFEFF') t.equal(found.length, lines);
    }),
    { numRuns: 1_000 },
  );
  t.equal(FAULT.none, 0);
  t.end();
});
