/**
 * The laws of keyed state, for every backend: `backendConformance(t, 'memory', () => new MemoryState(...))`.
 *
 * Random sequences of operations run against the backend and against a model made of plain Maps, which shares no
 * code with it: its keys are told apart by a text of their own making. Any step may be a restart (all rows are put
 * into a new backend) or churn (so many other keys come by that free slots are given away).
 */
import fc from 'fast-check';
import type { Test } from 'tap';
import { Batch, Inbox } from '../../core/batch.js';
import { compareKeys, hashKey, keyGroupOf } from '../../core/key.js';
import { TIME_MAX } from '../../core/time.js';
import type { KeyedState, StateRow } from '../../state/backend.js';
import { sealingConformance } from './sealing-conformance.js';
import { isSame, KEYS, mark, slotOf, slotsOf, twin } from './state-kit.js';

const CASES = 400;
const MAX_PARALLELISM = 128;

/** A new backend with all that the old one holds. */
function restarted(state: KeyedState, make: () => KeyedState, shuffle: boolean): KeyedState {
  const rows = [...state.rows()];
  const fresh = make();
  for (const row of shuffle ? rows.reverse() : rows) fresh.restore(row);
  return fresh;
}

/** One kind of table: how it is changed and read, in the backend and in the model. */
interface Law<Model> {
  readonly name: string;
  model(): Model;
  /** A random change. */
  readonly change: fc.Arbitrary<Change<Model>>;
  /** All that can be read of one key. */
  read(state: KeyedState, slot: number): unknown;
  readModel(model: Model, key: string): unknown;
}

interface Change<Model> {
  readonly text: string;
  apply(state: KeyedState, slot: number): void;
  applyModel(model: Model, key: string): void;
}

const scalar = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-0, Number.NaN));
const anything = fc.oneof(
  scalar,
  fc.string(),
  fc.bigInt(),
  fc.boolean(),
  fc.constant(null),
  fc.record({ a: fc.integer() }),
);
const subkeys = fc.constantFrom(...KEYS.map((key) => ({ key })));
/** Mostly the same few, so that steps meet. */
const keys = fc.oneof(subkeys, fc.constantFrom(...KEYS.slice(0, 2).map((key) => ({ key }))));

function change<Model>(
  text: string,
  apply: Change<Model>['apply'],
  applyModel: Change<Model>['applyModel'],
): Change<Model> {
  return { text, apply, applyModel };
}

function valueLaw(name: string, values: fc.Arbitrary<unknown>): Law<Map<string, unknown>> {
  return {
    name,
    model: () => new Map(),
    change: fc.oneof(
      values.map((value) =>
        change<Map<string, unknown>>(
          `set ${fc.stringify(value)}`,
          (state, slot) => state.value('v').set(slot, value),
          (model, key) => model.set(key, value),
        ),
      ),
      fc.constant(
        change<Map<string, unknown>>(
          'remove',
          (state, slot) => state.value('v').remove(slot),
          (model, key) => model.delete(key),
        ),
      ),
    ),
    read: (state, slot) => state.value('v').get(slot),
    readModel: (model, key) => model.get(key),
  };
}

type Lists = Map<string, unknown[]>;

const listLaw: Law<Lists> = {
  name: 'list',
  model: () => new Map(),
  change: fc.oneof(
    anything.map((element) =>
      change<Lists>(
        `add ${fc.stringify(element)}`,
        (state, slot) => state.list('l').add(slot, element),
        (model, key) => model.set(key, [...(model.get(key) ?? []), element]),
      ),
    ),
    fc.array(anything, { maxLength: 3 }).map((elements) =>
      change<Lists>(
        `set ${fc.stringify(elements)}`,
        (state, slot) => {
          const given = [...elements];
          state.list('l').set(slot, given);
          given.push('changed afterwards');
        },
        (model, key) => model.set(key, elements),
      ),
    ),
    fc.constant(
      change<Lists>(
        'remove',
        (state, slot) => state.list('l').remove(slot),
        (model, key) => model.delete(key),
      ),
    ),
  ),
  read: (state, slot) => [...state.list('l').get(slot)],
  readModel: (model, key) => model.get(key) ?? [],
};

type Maps = Map<string, Map<string, { key: unknown; value: unknown }>>;

function entriesOf(model: Maps, key: string): { key: unknown; value: unknown }[] {
  return [...(model.get(key)?.values() ?? [])].sort((a, b) => compareKeys(a.key, b.key));
}

const mapLaw: Law<Maps> = {
  name: 'map',
  model: () => new Map(),
  change: fc.oneof(
    {
      weight: 5,
      arbitrary: fc.tuple(keys, anything).map(([{ key: subkey }, value]) =>
        change<Maps>(
          `set ${fc.stringify(subkey)} ${fc.stringify(value)}`,
          (state, slot) => state.map('m').set(slot, twin(subkey), value),
          (model, key) => model.set(key, (model.get(key) ?? new Map()).set(mark(subkey), { key: subkey, value })),
        ),
      ),
    },
    {
      weight: 3,
      arbitrary: keys.map(({ key: subkey }) =>
        change<Maps>(
          `remove ${fc.stringify(subkey)}`,
          (state, slot) => state.map('m').remove(slot, twin(subkey)),
          (model, key) => model.get(key)?.delete(mark(subkey)),
        ),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constant(
        change<Maps>(
          'clear',
          (state, slot) => state.map('m').clear(slot),
          (model, key) => model.delete(key),
        ),
      ),
    },
  ),
  read: (state, slot) => {
    const table = state.map('m');
    return {
      entries: [...table.entries(slot)].map(([key, value]) => ({ key: mark(key), value })),
      size: table.size(slot),
      got: KEYS.map((key) => table.get(slot, twin(key))),
      has: KEYS.map((key) => table.has(slot, twin(key))),
    };
  },
  readModel: (model, key) => ({
    entries: entriesOf(model, key).map((entry) => ({ key: mark(entry.key), value: entry.value })),
    size: entriesOf(model, key).length,
    got: KEYS.map((subkey) => model.get(key)?.get(mark(subkey))?.value),
    has: KEYS.map((subkey) => model.get(key)?.has(mark(subkey)) ?? false),
  }),
};

type Panes = Map<number, Map<string, unknown>>;

const PANES = [-3_600_000, 0, 0.5, 1_000, 1e15];
const paneTime = fc.oneof(fc.constantFrom(...PANES), fc.constant(0));

const paneLaw: Law<Panes> = {
  name: 'pane',
  model: () => new Map(),
  change: fc.oneof(
    {
      weight: 5,
      arbitrary: fc.tuple(paneTime, anything).map(([time, value]) =>
        change<Panes>(
          `set ${time} ${fc.stringify(value)}`,
          (state, slot) => state.panes('p').pane(time).set(slot, value),
          (model, key) => model.set(time, (model.get(time) ?? new Map()).set(key, value)),
        ),
      ),
    },
    {
      weight: 3,
      arbitrary: paneTime.map((time) =>
        change<Panes>(
          `remove ${time}`,
          (state, slot) => state.panes('p').find(time)?.remove(slot),
          (model, key) => model.get(time)?.delete(key),
        ),
      ),
    },
    {
      weight: 1,
      arbitrary: paneTime.map((time) =>
        change<Panes>(
          `drop ${time}`,
          (state) => state.panes('p').drop(time),
          (model) => model.delete(time),
        ),
      ),
    },
  ),
  read: (state, slot) => PANES.map((time) => paneOf(state, time, slot)),
  readModel: (model, key) =>
    PANES.map((time) => {
      const pane = model.get(time) ?? new Map();
      return { value: pane.get(key), all: [...pane].sort(byMark) };
    }),
};

function paneOf(state: KeyedState, time: number, slot: number): unknown {
  const pane = state.panes('p').find(time);
  const all = Array.from({ length: pane?.size ?? 0 }, (_, at) => {
    return [mark(state.keyOf(pane?.slotAt(at) as number)), pane?.valueAt(at)] as const;
  });
  return { value: pane?.get(slot), all: all.sort(byMark) };
}

function byMark(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

const keyAndChange = <Model>(law: Law<Model>): fc.Arbitrary<Step<Model>> =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .tuple(keys, law.change, fc.boolean())
        .map(([{ key }, made, checked]) => ({ kind: 'change', key, made, checked }) as const),
    },
    { weight: 1, arbitrary: fc.boolean().map((shuffle) => ({ kind: 'restart', shuffle }) as const) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 300 }).map((keys) => ({ kind: 'churn', keys }) as const) },
  );

type Step<Model> =
  | { readonly kind: 'change'; readonly key: unknown; readonly made: Change<Model>; readonly checked: boolean }
  | { readonly kind: 'restart'; readonly shuffle: boolean }
  | { readonly kind: 'churn'; readonly keys: number };

/** Runs the steps on both sides and compares the key at hand after each, all keys at the end. */
function runLaw<Model>(law: Law<Model>, make: () => KeyedState, steps: readonly Step<Model>[]): void {
  let state = make();
  const model = law.model();
  const check = (key: unknown): void => {
    const found = law.read(state, slotOf(state, key));
    const wanted = law.readModel(model, mark(key));
    if (!isSame(found, wanted))
      throw new Error(`${law.name} of ${fc.stringify(key)}: ${fc.stringify(found)}, not ${fc.stringify(wanted)}`);
  };
  for (const step of steps) {
    if (step.kind === 'restart') state = restarted(state, make, step.shuffle);
    else if (step.kind === 'churn')
      slotsOf(
        state,
        Array.from({ length: step.keys }, (_, at) => `passing by ${at}`),
      );
    else {
      step.made.apply(state, slotOf(state, step.key));
      step.made.applyModel(model, mark(step.key));
      // Not always: what is read may be put in order by being read.
      if (step.checked) check(step.key);
    }
  }
  for (const key of KEYS) check(key);
  for (const row of state.rows()) checkRow(row);
}

function checkRow(row: StateRow): void {
  if (row.keyGroup === keyGroupOf(hashKey(row.key), MAX_PARALLELISM)) return;
  throw new Error(`row of ${fc.stringify(row.key)} in key group ${row.keyGroup}`);
}

/** A failure prints its seed and its smallest example. */
function checkProperty<Case>(t: Test, property: fc.IProperty<Case>): void {
  const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
  if (failed) fc.assert(property, { numRuns: CASES, seed });
  t.equal(numRuns, CASES, `seed ${seed}`);
}

function checkLaw<Model>(t: Test, law: Law<Model>, make: () => KeyedState): void {
  t.test(`${law.name} against a model`, (t) => {
    const steps = fc.array(keyAndChange(law), { maxLength: 60 });
    checkProperty(
      t,
      fc.property(steps, (made) => runLaw(law, make, made)),
    );
    t.end();
  });
}

type TimerStep =
  | { readonly kind: 'add' | 'remove'; readonly key: unknown; readonly time: number }
  | { readonly kind: 'take'; readonly until: number }
  | { readonly kind: 'restart'; readonly shuffle: boolean }
  | { readonly kind: 'churn'; readonly keys: number };

const times = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0.5, 1e15, -1e15, TIME_MAX));
const timerStep: fc.Arbitrary<TimerStep> = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(keys, times).map(([{ key }, time]) => ({ kind: 'add', key, time }) as const) },
  { weight: 5, arbitrary: fc.tuple(keys, times).map(([{ key }, time]) => ({ kind: 'remove', key, time }) as const) },
  { weight: 4, arbitrary: times.map((until) => ({ kind: 'take', until }) as const) },
  { weight: 1, arbitrary: fc.boolean().map((shuffle) => ({ kind: 'restart', shuffle }) as const) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 300 }).map((keys) => ({ kind: 'churn', keys }) as const) },
);

interface ModelTimer {
  readonly time: number;
  readonly key: unknown;
}

/** The set of timers as a list kept in order. */
class ModelTimers {
  list: ModelTimer[] = [];

  add(time: number, key: unknown): void {
    this.remove(time, key);
    this.list.push({ time, key });
    this.list.sort((a, b) => (a.time === b.time ? compareKeys(a.key, b.key) : a.time < b.time ? -1 : 1));
  }

  remove(time: number, key: unknown): void {
    this.list = this.list.filter((timer) => timer.time !== time || mark(timer.key) !== mark(key));
  }

  take(until: number): ModelTimer | undefined {
    return this.list[0] !== undefined && this.list[0].time <= until ? this.list.shift() : undefined;
  }
}

function runTimers(make: () => KeyedState, steps: readonly TimerStep[]): void {
  let state = make();
  const model = new ModelTimers();
  const take = (until: number): boolean => {
    while (!state.prepareTimers('event', until));
    const time = state.timers('event').earliest;
    const slot = state.timers('event').take(until);
    const wanted = model.take(until);
    const found = slot < 0 ? 'none' : `${time} ${mark(state.keyOf(slot))}`;
    const expected = wanted === undefined ? 'none' : `${wanted.time} ${mark(wanted.key)}`;
    if (found !== expected) throw new Error(`took ${found}, not ${expected}`);
    return slot >= 0;
  };
  for (const step of steps) {
    if (step.kind === 'restart') state = restarted(state, make, step.shuffle);
    else if (step.kind === 'churn')
      slotsOf(
        state,
        Array.from({ length: step.keys }, (_, at) => -1 - at),
      );
    else if (step.kind === 'take') take(step.until);
    else {
      state.timers('event')[step.kind](slotOf(state, step.key), step.time);
      model[step.kind](step.time, step.key);
    }
    const { size } = state.timers('event');
    const earliest = state.nextTimer('event');
    if (size !== model.list.length) throw new Error(`size ${size}, not ${model.list.length}`);
    if (earliest !== (model.list[0]?.time ?? TIME_MAX)) throw new Error(`earliest ${earliest}`);
  }
  while (take(TIME_MAX));
}

function checkTimers(t: Test, make: () => KeyedState): void {
  t.test('timers against a model', (t) => {
    checkProperty(
      t,
      fc.property(fc.array(timerStep, { maxLength: 100 }), (steps) => runTimers(make, steps)),
    );
    t.end();
  });
  t.test('timers set and removed over and over do not pile up', (t) => {
    const state = make();
    const timers = state.timers('processing');
    for (let turn = 0; turn < 100_000; turn += 1) {
      const [slot] = slotsOf(state, [turn % 10]);
      timers.add(slot as number, turn % 7);
      timers.remove(slot as number, turn % 7);
    }
    t.equal(timers.size, 0);
    t.equal(timers.earliest, TIME_MAX);
    t.equal(state.keyCount, 0);
    t.end();
  });
}

function checkKeys(t: Test, make: () => KeyedState, evicts: boolean): void {
  t.test('keys are told apart by value', (t) => {
    const state = make();
    const slots = slotsOf(state, [...KEYS, ...KEYS.map(twin)]);
    t.equal(new Set(slots).size, KEYS.length);
    t.same(slots.slice(0, KEYS.length), slots.slice(KEYS.length));
    for (const [at, key] of KEYS.entries()) t.equal(mark(state.keyOf(slots[at] as number)), mark(key));
    t.end();
  });
  t.test('slots of keys that nothing is held for are given to others', (t) => {
    const state = make();
    const kept = slotsOf(
      state,
      Array.from({ length: 100 }, (_, at) => at),
    );
    for (const [at, slot] of kept.entries()) state.value('v').set(slot, at);
    let highest = 0;
    for (let round = 0; round < 200; round += 1) {
      const passing = slotsOf(
        state,
        Array.from({ length: 1_000 }, (_, at) => `${round}/${at}`),
      );
      for (const slot of passing) highest = Math.max(highest, slot);
    }
    t.ok(highest < 20_000, `${highest} is the highest of 200,100 keys' slots`);
    const again = slotsOf(
      state,
      Array.from({ length: 100 }, (_, at) => at),
    );
    if (!evicts) t.same(again, kept, 'those with state keep theirs');
    t.same(
      Array.from(again, (slot) => state.value('v').get(slot)),
      Array.from(again, (_, at) => at),
    );
    t.equal(state.keyCount, 100);
    for (const slot of again) state.value('v').remove(slot);
    t.equal(state.keyCount, 0);
    t.end();
  });
  t.test('the rest of a batch is numbered from the cursor on', (t) => {
    const state = make();
    const batch = new Batch(8);
    for (const key of ['a', 'b', 'a', 'c']) batch.pushKeyed(null, 0, key, hashKey(key));
    const inbox = new Inbox(batch);
    while (!state.prepare(inbox));
    inbox.cursor = 2;
    batch.slots.fill(-1);
    while (!state.prepare(inbox));
    t.same(batch.slots.slice(0, 2), new Int32Array([-1, -1]));
    t.equal(state.keyOf(batch.slots[2] as number), 'a');
    t.equal(state.keyOf(batch.slots[3] as number), 'c');
    t.end();
  });
}

function checkNames(t: Test, make: () => KeyedState): void {
  t.test('a name has one kind', (t) => {
    const state = make();
    state.value('x');
    t.throws(() => state.list('x'), { code: 'MILL_BUG' });
    t.equal(state.value('x'), state.value('x'));
    t.end();
  });
  t.test('tables of one key are apart', (t) => {
    const state = make();
    const slot = slotOf(state, 'k');
    state.value('a').set(slot, 1);
    state.value('event').set(slot, 2);
    state.timers('event').add(slot, 5);
    state.timers('processing').add(slot, 6);
    const again = restarted(state, make, false);
    t.equal(again.value('a').get(slotOf(again, 'k')), 1);
    t.equal(again.value('event').get(slotOf(again, 'k')), 2);
    t.equal(again.timers('event').earliest, 5);
    t.equal(again.timers('processing').earliest, 6);
    t.end();
  });
  t.test('what is no key of a map changes nothing', (t) => {
    const state = make();
    const slot = slotOf(state, 'k');
    for (const key of [undefined, {}, Symbol('s'), [undefined]]) {
      t.throws(() => state.map('m').set(slot, key, 1), { code: 'MILL_KEY_INVALID' });
    }
    t.equal(state.keyCount, 0);
    t.same([...state.rows()], []);
    t.end();
  });
}

function checkIteration(t: Test, make: () => KeyedState): void {
  t.test('a map may change while it is iterated', (t) => {
    const state = make();
    const table = state.map<number, string>('m');
    const slot = slotOf(state, 'k');
    for (let key = 9; key >= 0; key -= 1) table.set(slot, key, `${key}`);
    const seen: number[] = [];
    for (const [key] of table.entries(slot)) {
      seen.push(key);
      table.remove(slot, key + 1);
      table.set(slot, key + 100, 'later');
    }
    t.same(seen, [0, 2, 4, 6, 8]);
    t.same(
      [...table.entries(slot)].map(([key]) => key),
      [0, 2, 4, 6, 8, 100, 102, 104, 106, 108],
    );
    t.end();
  });
  t.test('a key of a map that was removed and put back comes once', (t) => {
    const state = make();
    const table = state.map<unknown, number>('m');
    const slot = slotOf(state, 'k');
    table.set(slot, 'other', 0);
    for (const key of [1, ['a'], 1, ['a']]) {
      table.set(slot, key, 1);
      table.remove(slot, key);
      table.set(slot, key, 2);
    }
    t.same(
      [...table.entries(slot)],
      [
        [1, 2],
        ['other', 0],
        [['a'], 2],
      ],
    );
    t.end();
  });
  t.test('a pane lists its keys in order of insertion', (t) => {
    const state = make();
    const slots = slotsOf(state, ['c', 'a', 'b']);
    const pane = state.panes<number>('p').pane(7);
    for (const slot of slots) pane.set(slot, slot * 10);
    pane.set(slots[1] as number, -1);
    t.same(
      [0, 1, 2].map((at) => state.keyOf(pane.slotAt(at))),
      ['c', 'a', 'b'],
    );
    t.same(state.panes('p').times(), [7]);
    t.equal(state.keyCount, 3);
    state.panes('p').drop(7);
    t.same(state.panes('p').times(), []);
    t.equal(state.keyCount, 0, 'a dropped pane lets go of its keys');
    t.end();
  });
}

/**
 * All of it; for the tests of a backend. `journaled` if what `make` gives keeps a journal, so that it can be sealed;
 * `evicts` if keys may leave memory, and so have another slot when they come again.
 */
export function backendConformance(
  t: Test,
  name: string,
  make: () => KeyedState,
  { journaled = false, evicts = false }: { readonly journaled?: boolean; readonly evicts?: boolean } = {},
): void {
  t.test(`state backend ${name}`, (t) => {
    checkKeys(t, make, evicts);
    checkNames(t, make);
    checkIteration(t, make);
    checkLaw(t, valueLaw('numbers', scalar), make);
    checkLaw(t, valueLaw('values', anything), make);
    checkLaw(t, listLaw, make);
    checkLaw(t, mapLaw, make);
    checkLaw(t, paneLaw, make);
    checkTimers(t, make);
    if (journaled) sealingConformance(t, make, evicts);
    t.end();
  });
}
