/** NDJSON, CSV and lines: what is written is read again, what cannot be expressed is refused. */
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import t from 'tap';
import * as v from 'valibot';
import { z } from 'zod';
import { type CsvOptions, csv } from '../../connectors/files/csv.js';
import type { ReadFormat, WriteFormat } from '../../connectors/files/file-format.js';
import { files } from '../../connectors/files/files-source.js';
import { lines } from '../../connectors/files/lines.js';
import { ndjson } from '../../connectors/files/ndjson.js';
import { hostWith } from './chopping-storage.js';
import { DrivenReader, readAll } from './source-driver.js';

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });

async function read<T>(format: ReadFormat<T>, text: string | Uint8Array, chunks: number[] = []): Promise<T[]> {
  return readAll(files('in.gz', format), await hostWith({ 'in.gz': text }, chunks), 5);
}

async function readLoosely(format: ReadFormat<unknown>, text: string | Uint8Array): Promise<DrivenReader> {
  const driven = new DrivenReader(files('in', format), { id: 'in' }, undefined, await hostWith({ in: text }));
  await driven.read();
  return driven;
}

function write(format: WriteFormat<never>, records: readonly unknown[]): string {
  const encoder = format.encoder();
  return records.map((record) => encoder.encode(record)).join('');
}

t.test('any JSON is read as it was written, wherever chunks end', async (t) => {
  // JSON has one zero: -0 comes back as 0.
  const json = fc
    .jsonValue({ noUnicodeString: false } as never)
    .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
  await fc.assert(
    fc.asyncProperty(fc.array(json, { maxLength: 20 }), sizes, async (records, chunks) => {
      t.same(await read(ndjson(), write(ndjson(), records), chunks), records);
    }),
    { numRuns: 300 },
  );
});

t.test('NDJSON skips blank lines, takes CRLF and a last line without its end', async (t) => {
  t.same(await read(ndjson(), '\uFEFF{"a":1}\r\n\n  \t\r\n[2]'), [{ a: 1 }, [2]]);
});

t.test('a key __proto__ is data like any other', async (t) => {
  const [record] = (await read(ndjson(), '{"__proto__":{"admin":true},"constructor":1}\n')) as [object];
  t.equal(Object.getPrototypeOf(record), Object.prototype);
  t.same(Object.keys(record), ['__proto__', 'constructor']);
  t.equal((record as { admin?: boolean }).admin, undefined);
  t.equal(write(ndjson(), [record]), '{"__proto__":{"admin":true},"constructor":1}\n');
  const [row] = (await read(csv(), '__proto__,toString\na,b\n')) as [object];
  t.equal(Object.getPrototypeOf(row), Object.prototype);
  t.same(Object.entries(row), [
    ['__proto__', 'a'],
    ['toString', 'b'],
  ]);
  t.equal(write(csv(), [row]), '__proto__,toString\na,b\n');
  t.equal(write(csv({ columns: ['constructor', '__proto__'] }), [{}]), 'constructor,__proto__\n,\n');
});

t.test('NDJSON refuses what JSON would change', (t) => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const wrong: [unknown, string][] = [
    [undefined, 'undefined (the record)'],
    [{ a: { b: [1, 2n] } }, '2n (a.b[1])'],
    [{ rate: Number.NaN }, 'NaN (rate)'],
    [[Number.POSITIVE_INFINITY], 'Infinity ([0])'],
    [{ m: new Map([[1, 2]]) }, 'Map {} (m)'],
    [new Set([1]), 'Set {} (the record)'],
    [{ b: new Uint8Array(1) }, 'Uint8Array {"0":0} (b)'],
    [{ at: new Date(Number.NaN) }, 'Date null (at)'],
    [[undefined], 'undefined ([0])'],
    [() => 1, 'function (anonymous) (the record)'],
    [{ s: Symbol('x') }, 'Symbol(x) (s)'],
  ];
  for (const [record, what] of wrong) {
    t.throws(
      () => write(ndjson(), [record]),
      { code: 'MILL_RECORD_NOT_PLAIN', message: `JSON cannot express ${what}` },
      what,
    );
  }
  t.throws(() => write(ndjson(), [cycle]), { code: 'MILL_RECORD_NOT_PLAIN' });
  t.equal(
    write(ndjson(), [{ a: undefined, at: new Date(0), lone: '\uD800' }]),
    '{"at":"1970-01-01T00:00:00.000Z","lone":"\\ud800"}\n',
  );
  t.end();
});

const name = fc.constantFrom('a', 'b,c', 'd"', 'e\n', ' f', 'é', '__proto__', '\uFEFFg');
const field = fc
  .array(fc.constantFrom('', 'x', '"', ',', ';', '\n', '\r', '\r\n', 'ü', '𝄞', ' ', '\uFEFF', '12'), { maxLength: 5 })
  .map((parts) => parts.join(''));
const table = fc.uniqueArray(name, { minLength: 1, maxLength: 4 }).chain((names) =>
  fc.record({
    names: fc.constant(names),
    rows: fc.array(fc.tuple(...names.map(() => field)), { minLength: 1, maxLength: 12 }),
  }),
);
const toObject = (names: readonly string[], row: readonly string[]): object =>
  Object.fromEntries(names.map((name, at) => [name, row[at]]));
const entries = (records: readonly object[]): unknown => records.map((record) => Object.entries(record));

t.test('any table is read as it was written, wherever chunks end', async (t) => {
  const options = fc.constantFrom<CsvOptions>({}, { delimiter: ';' }, { delimiter: '\t' });
  await fc.assert(
    fc.asyncProperty(table, sizes, options, async ({ names, rows }, chunks, { delimiter }) => {
      const records = rows.map((row) => toObject(names, row));
      const format = csv({ delimiter });
      t.same(entries(await read(format, write(format, records), chunks)), entries(records));
      const named = csv({ delimiter, header: names });
      t.same(entries(await read(named, write(named, records), chunks)), entries(records));
      const arrays = csv({ delimiter, header: false });
      t.same(await read(arrays, write(arrays, rows), chunks), rows);
    }),
    { numRuns: 500 },
  );
});

t.test('another CSV library reads what we write, and we what it accepts', async (t) => {
  await fc.assert(
    fc.asyncProperty(table, async ({ names, rows }) => {
      const text = write(
        csv(),
        rows.map((row) => toObject(names, row)),
      );
      t.same(parse(text, { record_delimiter: '\n' }), [names, ...rows]);
    }),
    { numRuns: 300 },
  );
  const text = 'a,b\r\n1,"x, ""y"""\r\n\r\n"line\r\nend",""\r\n';
  t.same(await read(csv(), text), parse(text, { columns: true, skip_empty_lines: true }));
});

t.test('malformed rows are reported where they stand and take no neighbour with them', async (t) => {
  const text = Buffer.concat([
    Buffer.from('a,b\n1,2\n3\n4,5,6\n7,"8\n9,10\n"11"x,12\n'),
    Buffer.from([0x31, 0xff, 0x2c, 0x32, 0x0a]),
    Buffer.from('"q","r"\n13,14\n'),
  ]);
  const { records, letters } = await readLoosely(csv(), text);
  t.same(records, [
    { a: '1', b: '2' },
    { a: '9', b: '10' },
    { a: 'q', b: 'r' },
    { a: '13', b: '14' },
  ]);
  t.same(
    letters.map(({ position, raw }) => [position, raw]),
    [
      ['in:3 (byte 8)', '3'],
      ['in:4 (byte 10)', '4,5,6'],
      ['in:5 (byte 16)', '7,"8'],
      ['in:7 (byte 26)', '"11"x,12'],
      ['in:8 (byte 35)', '1\uFFFD,2'],
    ],
  );
  t.same(
    letters.map(({ error }) => (error as Error).message),
    [
      'in:3 (byte 8): it has 1 columns, the header 2',
      'in:4 (byte 10): it has 3 columns, the header 2',
      'in:5 (byte 16): a quote does not close, or something other than a delimiter follows where it does',
      'in:7 (byte 26): a quote does not close, or something other than a delimiter follows where it does',
      'in:8 (byte 35): it is not valid UTF-8',
    ],
  );
  t.ok(letters.every(({ error }) => (error as { code: string }).code === 'MILL_RECORD_MALFORMED'));
});

t.test('malformed JSON and records that are too large are reported, too', async (t) => {
  const source = files('in', ndjson(), { recordBytesMax: 20 });
  const text = `{"a":1}\n{"a":\n{"a":"${'x'.repeat(50)}"}\n{"a":2}\n`;
  const driven = new DrivenReader(source, { id: 'in' }, undefined, await hostWith({ in: text }));
  t.same(await driven.read(), [{ a: 1 }, { a: 2 }]);
  t.match(driven.letters, [
    { position: 'in:2 (byte 8)', error: { code: 'MILL_RECORD_MALFORMED', message: /it is not JSON/ } },
    { position: 'in:3 (byte 14)', error: { code: 'MILL_RECORD_TOO_LARGE', message: /recordBytesMax/ } },
  ]);
});

t.test('headers have to be of use', async (t) => {
  for (const [header, message] of [
    ['a,,c', /leaves column 2 without a name/],
    ['a,b,a', /has the name "a" twice/],
    ['', /leaves column 1 without a name/],
    ['"a"b,c', /a quote does not close/],
  ] as const) {
    await t.rejects(read(csv(), `${header}\n1,2,3\n`), { code: 'MILL_FILE_UNREADABLE', message }, header);
  }
  t.same(await read(csv(), ''), []);
  t.same(await read(csv(), 'a,b\n'), []);
  t.same(await read(csv(), '\uFEFF"a b","c\nd"\n1,2'), [{ 'a b': '1', 'c\nd': '2' }]);
});

t.test('options of CSV are checked', (t) => {
  for (const wrong of [
    { delimiter: '' },
    { delimiter: ',,' },
    { delimiter: '"' },
    { delimiter: '\n' },
    { delimiter: 'é' },
  ]) {
    t.throws(() => csv(wrong), { code: 'MILL_OPTION_INVALID' });
  }
  t.throws(() => csv({ columns: ['a', 'a'] }), {
    code: 'MILL_OPTION_INVALID',
    message: /columns has the name "a" twice/,
  });
  t.throws(() => csv({ header: [] }), { code: 'MILL_OPTION_INVALID', message: /names no column/ });
  t.end();
});

t.test('CSV writes texts, and refuses what is none', (t) => {
  const at = new Date(0);
  t.equal(
    write(csv(), [{ s: 'a,b', n: -0.5, i: 7n, b: true, none: null, gone: undefined, at }]),
    's,n,i,b,none,gone,at\n"a,b",-0.5,7,true,,,1970-01-01T00:00:00.000Z\n',
  );
  t.equal(write(csv({ columns: ['b', 'a'] }), [{ a: 1, b: 2, c: 3 }, { a: 4 }]), 'b,a\n2,1\n,4\n');
  t.equal(write(csv({ header: ['a'] }), [{ a: '' }, { a: 1 }]), '""\n1\n');
  for (const wrong of [
    7,
    null,
    undefined,
    [1],
    {},
    { a: {} },
    { a: [] },
    { a: new Date(Number.NaN) },
    { a: '\uD800' },
    { '': 1 },
  ]) {
    t.throws(() => write(csv(), [wrong]), { code: 'MILL_RECORD_NOT_PLAIN' }, JSON.stringify(wrong));
  }
  t.throws(() => write(csv(), [{ a: 1 }, { a: 1, b: 2 }]), { code: 'MILL_RECORD_NOT_PLAIN', message: /no column "b"/ });
  t.throws(() => write(csv({ header: false }), [['a'], ['a', 'b']]), {
    code: 'MILL_RECORD_NOT_PLAIN',
    message: /expected 1 fields/,
  });
  t.throws(() => write(csv({ header: false }), [{}]), { code: 'MILL_RECORD_NOT_PLAIN' });
  const encoder = csv().encoder();
  t.throws(() => encoder.encode({ a: {} }));
  t.equal(encoder.encode({ a: 1 }), 'a\n1\n', 'what was refused has left nothing behind');
  t.end();
});

t.test('any line is read as it was written', async (t) => {
  const line = fc.string({ unit: 'grapheme', maxLength: 10 }).filter((text) => !/\n|\r$|^\uFEFF/.test(text));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 20 }), sizes, async (records, chunks) => {
      t.same(await read(lines(), write(lines(), records), chunks), records);
    }),
    { numRuns: 200 },
  );
  for (const wrong of ['a\nb', 'a\r', 7, undefined, '\uDC00'])
    t.throws(() => write(lines(), [wrong]), { code: 'MILL_RECORD_NOT_PLAIN' });
});

const Z = z.object({ id: z.string().min(1), cents: z.coerce.number().int() });
const V = v.object({
  id: v.pipe(v.string(), v.minLength(1)),
  cents: v.pipe(v.unknown(), v.transform(Number), v.integer()),
});

for (const [library, schema] of [
  ['zod', Z],
  ['valibot', V],
] as const) {
  t.test(`a schema of ${library} types and checks what is read`, async (t) => {
    const { records, letters } = await readLoosely(csv({ schema }), 'id,cents\na,12\n,3\nb,x\nc,5\n');
    t.same(records, [
      { id: 'a', cents: 12 },
      { id: 'c', cents: 5 },
    ]);
    t.match(letters, [
      { position: 'in:3 (byte 14)', raw: ',3', error: { code: 'MILL_RECORD_REJECTED', message: /id: / } },
      { position: 'in:4 (byte 17)', raw: 'b,x', error: { code: 'MILL_RECORD_REJECTED', message: /cents: / } },
    ]);
    const json = await readLoosely(ndjson({ schema }), '{"id":"a","cents":1}\n\n{"id":2,"cents":1}\n');
    t.same(json.records, [{ id: 'a', cents: 1 }]);
    t.match(json.letters, [{ position: 'in:3 (byte 22)', error: { code: 'MILL_RECORD_REJECTED' } }]);
  });
}

t.test('an asynchronous schema is a mistake of the program, not of the data', async (t) => {
  const schema = z.object({ a: z.string().refine(async () => true) });
  await t.rejects(readLoosely(ndjson({ schema }), '{"a":"x"}\n'), { code: 'MILL_OPTION_INVALID' });
});
