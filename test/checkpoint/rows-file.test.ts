/** Rows come back from a file as they were put, whatever their keys and values. */
import fc from 'fast-check';
import t from 'tap';
import { CheckpointStore } from '../../checkpoint/checkpoint-store.js';
import type { FileRef, KeyGroupRange } from '../../checkpoint/manifest.js';
import { mergeRows, worthMerging } from '../../checkpoint/merge.js';
import { newestOfFiles, newestRows, pieces } from '../../checkpoint/newest-rows.js';
import { Piece } from '../../checkpoint/piece.js';
import {
  encodeRows,
  namesOf,
  type RowsFile,
  RowsFileWriter,
  type StoredRow,
  storedRow,
} from '../../checkpoint/rows-file.js';
import type { MillraceError } from '../../core/errors.js';
import { hashKey, type Key, keyGroupOf } from '../../core/key.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';
import type { StateRow } from '../../state/backend.js';
import type { RawRow } from '../../state/level/base-codec.js';
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

const ALL: KeyGroupRange = { first: 0, end: 128 };

/** As the sections have them. */
function rowsOf({ sections, tables }: RowsFile, range = ALL): StoredRow[] {
  const piece = new Piece(namesOf(tables));
  for (const { bytes } of sections) piece.add(bytes, [...tables.keys()], range);
  return [...piece].map(storedRow);
}

function rowsOfAll(files: readonly RowsFile[]): RawRow[] {
  return [...newestOfFiles(files)].filter((row) => row !== undefined);
}

/** Rows of a key group keep their order; key groups ascend. */
function ordered(puts: readonly Put[]): Put[] {
  return [...puts].sort((a, b) => groupOf(a.key) - groupOf(b.key));
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
      const rows = rowsOf(fileOf(puts));
      if (rows.length !== puts.length) throw new Error(`${rows.length} rows, not ${puts.length}`);
      for (const [at, made] of ordered(puts).entries()) check(rows[at], made);
    }),
    { numRuns: 1_000 },
  );
});

t.test('rows replace one another exactly if their names and keys are equal', async () => {
  const nameOf = ({ operator, table, kind, key, subkey }: Put): string =>
    JSON.stringify([operator, table, kind, mark(key), kind === 'value' ? '' : mark(subkey)]);
  fc.assert(
    fc.property(put, put, (a, b) => {
      return rowsOfAll([fileOf([a]), fileOf([b])]).length === (nameOf(a) === nameOf(b) ? 1 : 2);
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
    const [row] = rowsOf(
      fileOf([{ operator: 'a', table: 'x', kind: 'value', key: ['k'], subkey: null, removed: false, value }]),
    );
    t.equal(difference(row?.value, value), undefined, name);
  }
});

t.test('only rows of the key groups wanted', async (t) => {
  const puts = Array.from({ length: 1_000 }, (_, at): Put => {
    return { operator: 'a', table: 'x', kind: 'value', key: at, subkey: null, removed: at % 3 === 0, value: at };
  });
  const wanted = ordered(puts.filter(({ key }) => groupOf(key) < 40));
  t.ok(wanted.length > 0 && wanted.length < puts.length);
  const rows = rowsOf(fileOf(puts), { first: 0, end: 40 });
  t.same(
    rows.map(({ key }) => key),
    wanted.map(({ key }) => key),
  );
});

t.test('a file of many sections', async (t) => {
  const writer = new RowsFileWriter();
  const rows = writer.of('a');
  const text = 'x'.repeat(150);
  for (let at = 0; at < 5_000; at += 1) rows.put('x', 'map', groupOf(at), at, `${text}${at}`, { at, text });
  t.equal(writer.rows, 5_000);
  const file = writer.finish();
  t.ok(file.sections.length > 10 && file.sections.length < 64, `${file.sections.length} sections`);
  const ends = file.sections.map(({ end }) => end);
  t.ok(
    file.sections.every(({ first, end }, at) => first < end && first >= (ends[at - 1] ?? 0)),
    'ascending, and apart',
  );
  const { bytes, facts } = encodeRows(file);
  t.equal(facts.sizeBytes, bytes.length);
  t.equal(facts.rows, 5_000);
  const back = new Map(rowsOf(file).map((row) => [row.key, row]));
  t.equal(back.size, 5_000);
  for (const at of [0, 1, 777, 4_999])
    t.match(back.get(at), { subkey: `${text}${at}`, value: { at, text } }, `row ${at}`);
});

t.test('a value that cannot be packed leaves no half row', async (t) => {
  const writer = new RowsFileWriter();
  const rows = writer.of('a');
  rows.put('x', 'value', 1, 'one', undefined, 1);
  t.throws(() => rows.put('x', 'value', 2, 'bad', undefined, [1, () => 2]), { code: 'MILL_RECORD_NOT_PLAIN' });
  t.equal(writer.rows, 1);
  rows.put('x', 'value', 3, 'three', undefined, 3);
  t.same(
    rowsOf(writer.finish()).map(({ key, value }) => [key, value]),
    [
      ['one', 1],
      ['three', 3],
    ],
  );
});

t.test('a key group with much in it has several sections, in order', async (t) => {
  const writer = new RowsFileWriter();
  const rows = writer.of('a');
  for (let at = 0; at < 3_000; at += 1) rows.put('x', 'list', 5, 'key', at, 'x'.repeat(1_000));
  const { sections } = writer.finish();
  t.ok(sections.length >= 3 && sections.every(({ first, end }) => first === 5 && end === 6), `${sections.length}`);
  t.same(
    rowsOf(writer.finish()).map(({ subkey }) => subkey),
    Array.from({ length: 3_000 }, (_, at) => at),
  );
});

/** Files in a store, and the newest version of each row, by a plain map. */
async function stored(files: readonly (readonly Put[])[]) {
  const storage = new MemoryStorage();
  const store = new CheckpointStore(storage, 'job');
  await store.open();
  const refs: FileRef[] = [];
  for (const [at, puts] of files.entries())
    refs.push({ ...(await store.writeRows(`f${at}`, fileOf(puts))), epoch: at + 1 });
  return { storage, store, refs };
}

const small: fc.Arbitrary<Put> = put.map((each) => ({ ...each, key: Number(mark(each.key).length % 7), subkey: 0 }));

function textOf({ operator, table, kind, key, value, removed }: StoredRow | Put): string {
  return `${operator}/${table}/${kind}/${mark(key)}${removed ? '' : ` = ${mark(value as Key)}`}`;
}

function newest(files: readonly (readonly Put[])[], removed: boolean): string[] {
  const rows = new Map<string, Put>();
  for (const each of files.flat()) rows.set(textOf({ ...each, removed: true }), each);
  return [...rows.values()]
    .filter((each) => removed || !each.removed)
    .map(textOf)
    .sort();
}

t.test('files amount to the newest version of each row, merged or not, whole or in part', async () => {
  const counted = small.map((each) => ({ ...each, value: Math.random() }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(counted, { maxLength: 20 }), { minLength: 1, maxLength: 4 }),
      fc.nat(3),
      fc.integer({ min: 1, max: 127 }),
      async (files, from, cut) => {
        const { store, refs } = await stored(files);
        const read = async (some: readonly FileRef[], range: KeyGroupRange): Promise<string[]> => {
          const found: string[] = [];
          for await (const row of newestRows(store, some, range)) found.push(textOf(row));
          return found;
        };
        const expected = newest(files, false).join();
        const halves = [...(await read(refs, { first: 0, end: cut })), ...(await read(refs, { first: cut, end: 128 }))];
        if (halves.sort().join() !== expected) throw new Error(`${halves.join()} instead of ${expected}`);
        const whole = await mergeRows(store, { name: 'whole', files: refs, range: ALL }, store);
        if ((await read([whole], ALL)).sort().join() !== expected) throw new Error('merged');
        const at = Math.min(from, refs.length - 1);
        const task = { name: 'part', files: refs.slice(at), range: ALL, keepsRemoved: true };
        const part = await mergeRows(store, task, store);
        if ((await read([...refs.slice(0, at), part], ALL)).sort().join() !== expected)
          throw new Error('merged in part');
        const inMemory = rowsOfAll(files.map(fileOf))
          .map((row) => textOf(storedRow(row)))
          .sort();
        if (inMemory.join() !== newest(files, true).join()) throw new Error('in memory');
      },
    ),
    { numRuns: 300 },
  );
});

t.test('pieces ascend by key groups and hold each of them whole', async (t) => {
  const puts = Array.from({ length: 400 }, (_, at): Put => {
    const value = 'x'.repeat(200_000);
    return { operator: 'a', table: 'x', kind: 'value', key: at, subkey: null, removed: false, value };
  });
  const { store, refs } = await stored([puts.slice(0, 300), puts.slice(200)]);
  const groups: number[][] = [];
  for await (const rows of pieces(store, refs, ALL)) groups.push([...rows].map(({ keyGroup }) => keyGroup));
  t.ok(groups.length > 1, `${groups.length} pieces`);
  for (const [at, piece] of groups.entries())
    t.ok(Math.max(...(groups[at - 1] ?? [-1])) < Math.min(...piece), 'apart from the piece before');
  t.equal(groups.flat().length, 500);
});

t.test('every byte is checked before it is used', async (t) => {
  const { storage, store, refs } = await stored([
    Array.from({ length: 40 }, (_, at): Put => {
      return { operator: 'a', table: 'x', kind: 'map', key: at, subkey: 'k', removed: at % 7 === 0, value: at };
    }),
  ]);
  const [ref] = refs as [FileRef];
  const path = `job/${ref.path}`;
  const content = new Uint8Array(ref.sizeBytes);
  await (await storage.read(path)).read(content, 0);
  for (let at = 0; at < content.length; at += 1) {
    const changed = Uint8Array.from(content);
    changed[at] = (changed[at] as number) ^ (1 << (at % 8));
    await (await storage.write(path)).write(changed);
    const read = (async () => (await store.openRows(ref)).verify())();
    const code = await read.then(
      () => 'nothing',
      (error: MillraceError) => `${error.code} ${error.place.position}`,
    );
    if (code !== `MILL_CHECKPOINT_DAMAGED ${path}`) t.fail(`byte ${at}: ${code}`);
  }
  t.pass(`${content.length} bytes`);
});

t.test('what is merged, and when', async (t) => {
  const chosen = (sizes: readonly number[], applied = Number.POSITIVE_INFINITY): string =>
    String(
      worthMerging(
        sizes.map((sizeBytes, epoch) => ({ path: String(epoch), sizeBytes, digest: '', rows: 1, epoch })),
        { filesMax: 4, applied },
      )?.map(({ path }) => path),
    );
  const mega = 1 << 20;
  t.equal(chosen([]), 'undefined');
  t.equal(chosen([100 * mega, 10 * mega, 10 * mega]), 'undefined', 'the deltas weigh little');
  t.equal(chosen([100 * mega, 30 * mega, 30 * mega]), '0,1,2', 'more than half of the run file');
  t.equal(chosen([100 * mega, 60 * mega, 30 * mega], 1), '0,1', 'as far as the base is');
  t.equal(chosen([100 * mega, 30 * mega, 30 * mega], 1), 'undefined', 'the base has too little yet');
  t.equal(chosen([100, 30, 30, 30]), 'undefined', 'less than a mebibyte is not worth it');
  t.equal(chosen([100, 10, 10, 10, 10]), '1,2,3,4', 'too many: the deltas alone');
  t.equal(chosen([100, 10, 10, 10, 10], 0), '1,2,3,4', 'wherever the base is: removals stay');
  t.equal(chosen([100, 40, 10, 10, 10]), '2,3,4', 'one that outweighs what came after it stays');
  t.equal(chosen([100, 40, 20, 9, 3]), '3,4', 'two in any case');
  t.equal(chosen([1, 1, 1, 1, 1]), '1,2,3,4', 'the first file stays while its deltas are small');
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
  for (const row of rowsOf(writer.finish())) fresh.restore(row);
  const nameOf = (row: StateRow): string =>
    `${row.kind} ${row.table} ${mark(row.key)} ${mark(row.subkey)} ${row.keyGroup}`;
  const valuesOf = (of: MemoryState): Map<string, unknown> =>
    new Map([...of.rows()].map((row) => [nameOf(row), row.value]));
  const [found, wanted] = [valuesOf(fresh), valuesOf(state)];
  t.equal(found.size, wanted.size);
  for (const [text, value] of wanted) {
    const wrong = found.has(text) ? difference(found.get(text), value) : 'missing';
    if (wrong) t.fail(`${text}: ${wrong}`);
  }
});
