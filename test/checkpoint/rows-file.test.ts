/** Rows come back from a file as they were put, whatever their keys and values. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { type RowsFile, RowsFileWriter, readRows, type StoredRow } from '../../checkpoint/rows-file.js';
import { hashKey, type Key, keyGroupOf } from '../../core/key.js';
import type { StateRow } from '../../state/backend.js';
import { MemoryState } from '../../state/memory/memory-state.js';
import { difference, plainValues, texts } from '../exchange/plain-values.js';
import { KEYS, mark, slotOf } from '../state/state-kit.js';

const key = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...(KEYS as Key[]), -0),
    fc.double(),
    fc.bigInt(),
    texts,
    fc.array(tie('key'), { maxLength: 3 }),
  ),
})).key;

interface Put {
  readonly operator: string;
  readonly table: string;
  readonly kind: StateRow['kind'];
  readonly key: Key;
  readonly subkey: Key;
  readonly removed: boolean;
  readonly value: unknown;
}

const put: fc.Arbitrary<Put> = fc.record({
  operator: fc.constantFrom('a', 'b'),
  table: fc.constantFrom('x', 'a/x', 'event'),
  kind: fc.constantFrom('value', 'list', 'map', 'pane', 'timer'),
  key,
  subkey: key,
  removed: fc.boolean(),
  value: plainValues,
});

const groupOf = (key: Key): number => keyGroupOf(hashKey(key), 128);

function bytesOf({ chunks }: RowsFile): Uint8Array {
  return Buffer.concat(chunks);
}

function fileOf(puts: readonly Put[]): RowsFile {
  const file = new RowsFileWriter();
  const writers = { a: file.of('a'), b: file.of('b') };
  for (const { operator, table, kind, key, subkey, removed, value } of puts) {
    const writer = writers[operator as 'a'];
    if (removed) writer.remove(table, kind, groupOf(key), key, subkey);
    else writer.put(table, kind, groupOf(key), key, subkey, value);
  }
  return file.finish();
}

function check(row: StoredRow | undefined, put: Put): void {
  const expected = `${put.operator} ${put.table} ${put.kind} ${mark(put.key)} ${groupOf(put.key)} ${put.removed}`;
  const found = row && `${row.operator} ${row.table} ${row.kind} ${mark(row.key)} ${row.keyGroup} ${row.removed}`;
  if (found !== expected) throw new Error(`${found}, not ${expected}`);
  const subkey = put.kind === 'value' ? undefined : put.subkey;
  if (mark(row?.subkey) !== mark(subkey)) throw new Error(`subkey ${mark(row?.subkey)}, not ${mark(subkey)}`);
  const wrong = put.removed ? row?.value !== undefined && 'a value' : difference(row?.value, put.value);
  if (wrong) throw new Error(wrong);
}

t.test('rows of every kind come back, in order', async () => {
  fc.assert(
    fc.property(fc.array(put, { maxLength: 30 }), (puts) => {
      const rows = [...readRows(bytesOf(fileOf(puts)))];
      if (rows.length !== puts.length) throw new Error(`${rows.length} rows, not ${puts.length}`);
      for (const [at, made] of puts.entries()) check(rows[at], made);
    }),
    { numRuns: 1_000 },
  );
});

t.test('rows replace one another exactly if their names and keys are equal', async () => {
  const nameOf = ({ operator, table, kind, key, subkey }: Put): string =>
    JSON.stringify([operator, table, kind, mark(key), kind === 'value' ? '' : mark(subkey)]);
  fc.assert(
    fc.property(put, put, (a, b) => {
      const [first, second] = [...readRows(bytesOf(fileOf([a, b])))] as [StoredRow, StoredRow];
      return (first.id === second.id) === (nameOf(a) === nameOf(b));
    }),
    { numRuns: 3_000 },
  );
});

t.test('values that serialisers get wrong', async (t) => {
  const values: Record<string, unknown> = {
    '-0': -0,
    NaN: Number.NaN,
    'a large bigint': -(2n ** 200n),
    'a date': new Date(1.6e12),
    'an invalid date': new Date(Number.NaN),
    'a map': new Map<unknown, unknown>([[-0, new Set([Number.NaN])]]),
    'a lone surrogate': '\ud800',
    'an accumulator': [3, -0, null, 'text', [1, 2]],
    bytes: new Uint8Array([0, 255]),
    undefined: undefined,
    'a long text': '€'.repeat(100_000),
  };
  for (const [name, value] of Object.entries(values)) {
    const [row] = [
      ...readRows(
        bytesOf(
          fileOf([{ operator: 'a', table: 'x', kind: 'value', key: ['k'], subkey: null, removed: false, value }]),
        ),
      ),
    ];
    t.equal(difference(row?.value, value), undefined, name);
  }
});

t.test('only rows of the key groups wanted', async (t) => {
  const puts = Array.from({ length: 1_000 }, (_, at): Put => {
    return { operator: 'a', table: 'x', kind: 'value', key: at, subkey: null, removed: at % 3 === 0, value: at };
  });
  const bytes = bytesOf(fileOf(puts));
  const wanted = puts.filter(({ key }) => groupOf(key) < 40);
  t.ok(wanted.length > 0 && wanted.length < puts.length);
  const rows = [...readRows(bytes, (group) => group < 40)];
  t.same(
    rows.map(({ key }) => key),
    wanted.map(({ key }) => key),
  );
});

t.test('a file of many chunks is what its digest says', async (t) => {
  const writer = new RowsFileWriter();
  const rows = writer.of('a');
  const text = 'x'.repeat(150);
  for (let at = 0; at < 5_000; at += 1) rows.put('x', 'map', groupOf(at), at, `${text}${at}`, { at, text });
  t.equal(writer.rows, 5_000);
  const file = writer.finish();
  const bytes = bytesOf(file);
  t.ok(file.chunks.length > 10, `${file.chunks.length} chunks`);
  t.equal(file.sizeBytes, bytes.length);
  t.equal(file.rows, 5_000);
  t.equal(file.digest, createHash('sha256').update(bytes).digest('hex'));
  const back = [...readRows(bytes)];
  t.equal(back.length, 5_000);
  for (const at of [0, 1, 777, 4_999])
    t.match(back[at], { key: at, subkey: `${text}${at}`, value: { at, text } }, `row ${at}`);
});

t.test('a value that cannot be packed leaves no half row', async (t) => {
  const writer = new RowsFileWriter();
  const rows = writer.of('a');
  rows.put('x', 'value', 1, 'one', undefined, 1);
  t.throws(() => rows.put('x', 'value', 2, 'bad', undefined, [1, () => 2]), { code: 'MILL_RECORD_NOT_PLAIN' });
  t.equal(writer.rows, 1);
  rows.put('x', 'value', 3, 'three', undefined, 3);
  t.same(
    [...readRows(bytesOf(writer.finish()))].map(({ key, value }) => [key, value]),
    [
      ['one', 1],
      ['three', 3],
    ],
  );
});

t.test('what is no file of rows, or one of another version, is refused', async (t) => {
  const bytes = bytesOf(fileOf([]));
  t.same([...readRows(bytes)], []);
  for (const at of [0, 7, 8, 9]) {
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] as number) ^ 1;
    t.throws(() => [...readRows(changed)], { code: 'MILL_CHECKPOINT_UNREADABLE' });
  }
});

t.test('a state goes through files and back', async (t) => {
  const make = (): MemoryState => new MemoryState({ maxParallelism: 128, journal: true });
  const state = make();
  for (const [at, key] of KEYS.entries()) {
    state.value('v').set(slotOf(state, key), new Map([[at, new Date(at)]]));
    state.list('l').add(slotOf(state, key), -0);
    state.list('l').add(slotOf(state, key), { at });
    for (const subkey of KEYS) state.map('m').set(slotOf(state, key), subkey, [at]);
    state
      .panes('p')
      .pane(at - 0.5)
      .set(slotOf(state, key), Number.NaN);
    state.timers('processing').add(slotOf(state, key), -at);
  }
  const writer = new RowsFileWriter();
  state.seal(writer.of('op'));
  while (!state.drainSealed(7));
  const fresh = make();
  for (const row of readRows(bytesOf(writer.finish()))) fresh.restore(row);
  const textOf = (row: StateRow): string =>
    `${row.kind} ${row.table} ${mark(row.key)} ${mark(row.subkey)} ${row.keyGroup}`;
  const rowsOf = (of: MemoryState): Map<string, unknown> =>
    new Map([...of.rows()].map((row) => [textOf(row), row.value]));
  const [found, wanted] = [rowsOf(fresh), rowsOf(state)];
  t.equal(found.size, wanted.size);
  for (const [text, value] of wanted) {
    const wrong = found.has(text) ? difference(found.get(text), value) : 'missing';
    if (wrong) t.fail(`${text}: ${wrong}`);
  }
});
