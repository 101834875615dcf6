/**
 * Files as they should not be: rows that can't be read, under each policy; input that is not there; output that cannot
 * be written. Through the real file source and sink, inline and on workers.
 */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type DeadLetter, type RunOptions, run } from 'millrace';
import t, { type Test } from 'tap';
import { failureOf, readRecords, visibleFiles } from './failure-of.js';
import reading from './jobs/reading.js';
import { withDisk } from './small-disk.js';

t.setTimeout(120_000);

type Params = typeof reading.params;

const MODULE = { url: new URL('./jobs/reading.js', import.meta.url).href };
const HOWS: readonly RunOptions[] = [
  { inline: true, state: false },
  { workers: 2, state: false },
];

interface BadRow {
  readonly code: string;
  readonly message: RegExp;
  readonly raw: string;
  /** From 1, in the file. */
  readonly line: number;
}

interface Input {
  readonly format: Params['format'];
  readonly rows: readonly string[];
  readonly bad: readonly BadRow[];
}

const TOO_LONG = 'x'.repeat(2_000);
const MALFORMED = 'MILL_RECORD_MALFORMED';
const REJECTED = 'MILL_RECORD_REJECTED';

const INPUTS: readonly Input[] = [
  {
    format: 'csv',
    rows: ['id,cents', 'a,1', 'b', 'a,2', 'b,"3"x', 'c,many', 'a,4,5', `d,${TOO_LONG}`, 'b,8'],
    bad: [
      { code: MALFORMED, message: /columns/, raw: 'b', line: 3 },
      { code: MALFORMED, message: /quot/, raw: 'b,"3"x', line: 5 },
      { code: REJECTED, message: /cents/, raw: 'c,many', line: 6 },
      { code: MALFORMED, message: /columns/, raw: 'a,4,5', line: 7 },
      { code: 'MILL_RECORD_TOO_LARGE', message: /recordBytesMax/, raw: 'd,xxx', line: 8 },
    ],
  },
  {
    format: 'ndjson',
    rows: [
      '{"id":"a","cents":"1"}',
      '{"id":',
      '{"id":"a","cents":"2"}',
      'null',
      `"${TOO_LONG}"`,
      '{"id":"b","cents":"8"}',
    ],
    bad: [
      { code: MALFORMED, message: /JSON/, raw: '{"id":', line: 2 },
      { code: REJECTED, message: /expected object/, raw: 'null', line: 4 },
      { code: 'MILL_RECORD_TOO_LARGE', message: /recordBytesMax/, raw: '"xxx', line: 5 },
    ],
  },
];

/** The good rows of either input, summed up. */
const GOOD = [
  { key: 'a', orders: 1, cents: 1 },
  { key: 'a', orders: 2, cents: 3 },
  { key: 'b', orders: 1, cents: 8 },
];

const sorted = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

function directoryWith(t: Test, { rows, format }: Input): { input: string; out: string } {
  const directory = t.testdir({ [`orders.${format}`]: `${rows.join('\n')}\n` });
  return { input: join(directory, `orders.${format}`), out: join(directory, 'out') };
}

for (const how of HOWS) {
  for (const input of INPUTS) {
    const named = `${input.format}, ${JSON.stringify(how)}`;
    const { format, bad } = input;

    t.test(`malformed rows fail the job: ${named}`, async (t) => {
      const paths = directoryWith(t, input);
      const failure = await failureOf(() => run(MODULE, reading, { ...how, params: { ...paths, format } }));
      const [first] = bad as [BadRow];
      t.match(failure, {
        code: first.code,
        message: first.message,
        operator: 'orders',
        line: /^from\('orders'/,
        position: new RegExp(`^${paths.input}:${first.line} \\(byte \\d+\\)$`),
        hint: /onError/,
      });
      t.same(visibleFiles(paths.out), []);
    });

    t.test(`malformed rows are skipped: ${named}`, async (t) => {
      const paths = directoryWith(t, input);
      const { metrics } = await run(MODULE, reading, { ...how, params: { ...paths, format, onError: 'skip' } });
      t.same(sorted(readRecords(paths.out)), sorted(GOOD));
      t.equal(metrics.events, GOOD.length);
    });

    t.test(`malformed rows become dead letters: ${named}`, async (t) => {
      const paths = directoryWith(t, input);
      await run(MODULE, reading, { ...how, params: { ...paths, format, onError: 'dead-letter' } });
      t.same(sorted(readRecords(join(paths.out, 'good'))), sorted(GOOD));
      const letters = readRecords<DeadLetter<string>>(join(paths.out, 'dead'));
      t.equal(letters.length, bad.length);
      bad.forEach(({ code, message, raw, line }, at) => {
        const letter = letters[at] as DeadLetter<string>;
        t.match(letter, { operator: 'orders', error: { code, message }, attempt: 1 });
        t.match(letter.position, new RegExp(`^${paths.input}:${line} `));
        t.ok(letter.record.startsWith(raw) && letter.record.length < 1_100, letter.record.slice(0, 40));
      });
    });
  }
}

/** Runs it both ways; it has to fail as expected, and show nothing. */
async function fails(t: Test, params: Partial<Params>, expected: object): Promise<void> {
  for (const how of HOWS) {
    const failure = await failureOf(() => run(MODULE, reading, { ...how, params }));
    t.match(failure, { hint: /./, ...expected }, JSON.stringify(how));
    t.same(visibleFiles(params.out as string), []);
  }
}

t.test('input that is not there', async (t) => {
  const directory = t.testdir({ 'orders.csv': 'id,cents\n' });
  const out = join(directory, 'out');
  const expected = { code: 'MILL_FILE_MISSING', operator: 'orders', line: /^from\(/ };
  const missing = join(directory, 'other.csv');
  await fails(t, { input: missing, out }, { ...expected, message: new RegExp(missing), position: missing });
  const none = join(directory, '*.tsv');
  await fails(t, { input: none, out }, { ...expected, message: /no file matches .*\*\.tsv/, position: none });
});

t.test('input that cannot be read', async (t) => {
  const rows = Array.from({ length: 50_000 }, (_, n) => `id-${(n * 7_919) % 50_000},${n}`).join('\n');
  const whole = gzipSync(`id,cents\n${rows}\n`);
  const wrongSum = Buffer.from(whole);
  wrongSum.writeUInt8(wrongSum.readUInt8(whole.length - 8) ^ 1, whole.length - 8);
  const directory = t.testdir({
    'cut.csv.gz': whole.subarray(0, whole.length >> 1),
    'wrong-sum.csv.gz': wrongSum,
    'plain.csv.gz': 'id,cents\na,1\n',
  });
  const out = join(directory, 'out');
  for (const name of ['cut.csv.gz', 'wrong-sum.csv.gz', 'plain.csv.gz']) {
    const input = join(directory, name);
    const expected = { code: 'MILL_FILE_UNREADABLE', operator: 'orders', message: new RegExp(name), line: /^from\(/ };
    await fails(t, { input, out }, { ...expected, position: input });
  }
});

t.test('output that cannot be written: a file stands in the way', async (t) => {
  const directory = t.testdir({ 'orders.csv': 'id,cents\na,1\n', taken: 'a file' });
  const params = { input: join(directory, 'orders.csv'), out: join(directory, 'taken/out') };
  await fails(t, params, {
    code: 'MILL_FILE_UNWRITABLE',
    operator: 'out',
    message: /taken\/out\/good/,
    line: /^to\('out'/,
  });
});

t.test('a full disk', async (t) => {
  const rows = Array.from({ length: 20_000 }, (_, n) => `id-${n},${n}`).join('\n');
  const directory = t.testdir({ 'orders.csv': `id,cents\n${rows}\n`, disk: {} });
  const params = { input: join(directory, 'orders.csv'), out: join(directory, 'disk') };
  await withDisk(t, params.out, 'size=64k', () =>
    fails(t, params, { code: 'MILL_DISK_FULL', operator: 'out', line: /^to\('out'/ }),
  );
});

t.test('a disk that is read only', async (t) => {
  const directory = t.testdir({ 'orders.csv': 'id,cents\na,1\n', disk: {} });
  const params = { input: join(directory, 'orders.csv'), out: join(directory, 'disk') };
  await withDisk(t, params.out, 'ro', () =>
    fails(t, params, { code: 'MILL_FILE_UNWRITABLE', operator: 'out', line: /^to\('out'/ }),
  );
});
