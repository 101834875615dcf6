/**
 * The laws of sealing, for backends with a journal. Random changes of all kinds of tables, seals and drains; values
 * that are handed out are changed in place, with and without a `set` after it. What has reached the writers, applied
 * in order, must be what `rows` showed at each seal, however late it is drained; and a state restored from it must go
 * on as the one that was sealed.
 *
 * A change in place without a `set` is undone before the next seal: no backend has to notice it, and it must not be
 * in the checkpoint of the seal before. With a backend that evicts it is undone before the next change already: whether
 * the same object is handed out then is up to the backend.
 */
import fc from 'fast-check';
import type { Test } from 'tap';
import { hashKey, keyGroupOf } from '../../core/key.js';
import { TIME_MAX } from '../../core/time.js';
import type { KeyedState, RowWriter, StateRow } from '../../state/backend.js';
import { isSame, KEYS, mark, slotOf, slotsOf, twin } from './state-kit.js';

/** Of each kind of table alone, and of all together. */
const CASES = 500;
const STEPS = 120;

type Rows = Map<string, StateRow>;

function idOf(row: Omit<StateRow, 'value' | 'keyGroup'>): string {
  return `${row.kind} ${row.table} ${mark(row.key)} / ${mark(row.subkey)}`;
}

function snapshotOf(state: KeyedState): Rows {
  return new Map(Array.from(state.rows(), (row) => [idOf(row), structuredClone(row)]));
}

function compareRows(found: Rows, wanted: Rows, what: string): void {
  for (const [id, row] of wanted) {
    // The keys are in the id: by value, which 0 and -0 have in common.
    const same = found.get(id)?.keyGroup === row.keyGroup && isSame(found.get(id)?.value, row.value);
    if (!same) throw new Error(`${what}: ${id} is ${fc.stringify(found.get(id))}, not ${fc.stringify(row)}`);
  }
  for (const id of found.keys()) if (!wanted.has(id)) throw new Error(`${what}: ${id} should not be there`);
}

/** Applies rows to those of the checkpoints before; a row may come once. */
export class Gathered implements RowWriter {
  written = 0;
  private readonly seen = new Set<string>();

  constructor(readonly rows: Rows) {}

  put: RowWriter['put'] = (table, kind, keyGroup, key, subkey, value) => {
    const row = { keyGroup, table, kind, key, value: structuredClone(value) };
    const whole = subkey === undefined ? row : { ...row, subkey };
    this.rows.set(this.note(whole), whole);
  };

  remove: RowWriter['remove'] = (table, kind, _keyGroup, key, subkey) => {
    this.rows.delete(this.note({ table, kind, key, subkey }));
  };

  private note(row: Omit<StateRow, 'value' | 'keyGroup'>): string {
    const id = idOf(row);
    if (this.seen.has(id)) throw new Error(`${id} is written twice`);
    this.seen.add(id);
    this.written += 1;
    return id;
  }
}

/** A change of one key; what it gives back must not depend on what the state has been through. */
type Change = (state: KeyedState, slot: number, undo: Undo) => unknown;

/** Takes back changes in place. */
class Undo {
  private readonly kept: [object, object][] = [];

  /** The object is about to be changed in place. */
  keep(value: object): void {
    this.kept.push([value, structuredClone(value)]);
  }

  run(): void {
    for (const [value, before] of this.kept.splice(0).reverse()) {
      for (const name of Object.keys(value)) delete value[name as never];
      if (Array.isArray(value)) value.length = 0;
      Object.assign(value, before);
    }
  }
}

/** Changes an object in place. */
function spoil(value: unknown): void {
  if (Array.isArray(value)) value.push('more');
  else if (typeof value === 'object' && value !== null) Object.assign(value, { a: 'other', b: 1 });
}

function spoilForNow(value: unknown, undo: Undo): void {
  if (typeof value !== 'object' || value === null) return;
  undo.keep(value);
  spoil(value);
}

const objects = fc.oneof(fc.record({ a: fc.integer() }), fc.array(fc.integer(), { maxLength: 2 }));
const numbers = fc.oneof(fc.integer(), fc.constantFrom(-0, Number.NaN, 0.5));
const anything = fc.oneof(
  { weight: 4, arbitrary: objects },
  { weight: 1, arbitrary: fc.oneof(numbers, fc.string(), fc.constant(null)) },
);
const some = <T>(values: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(fc.nat(2), fc.nat(values.length - 1)).map((at) => values[at] as T);

const constant = (change: Change): fc.Arbitrary<Change> => fc.constant(change);

const valueChange = (name: string, values: fc.Arbitrary<unknown>): fc.Arbitrary<Change> =>
  fc.oneof(
    values.map(
      (made): Change =>
        (state, slot) =>
          state.value(name).set(slot, structuredClone(made)),
    ),
    constant((state, slot) => state.value(name).remove(slot)),
    constant((state, slot) => {
      const value = state.value(name).get(slot);
      spoil(value);
      state.value(name).set(slot, value);
    }),
    constant((state, slot, undo) => spoilForNow(state.value(name).get(slot), undo)),
  );

const listChange: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 3,
    arbitrary: anything.map(
      (made): Change =>
        (state, slot) =>
          state.list('l').add(slot, structuredClone(made)),
    ),
  },
  fc.array(anything, { maxLength: 3 }).map(
    (made): Change =>
      (state, slot) =>
        state.list('l').set(slot, structuredClone(made)),
  ),
  constant((state, slot) => state.list('l').remove(slot)),
  constant((state, slot) => {
    const elements = state.list('l').get(slot);
    spoil(elements[0]);
    state.list('l').set(slot, elements.slice(0, 2));
  }),
  constant((state, slot, undo) => spoilForNow(state.list('l').get(slot).at(-1), undo)),
);

const subkey = some(KEYS);
const mapChange: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(subkey, anything).map(
      ([key, made]): Change =>
        (state, slot) =>
          state.map('m').set(slot, twin(key), structuredClone(made)),
    ),
  },
  subkey.map(
    (key): Change =>
      (state, slot) =>
        state.map('m').remove(slot, twin(key)),
  ),
  constant((state, slot) => state.map('m').clear(slot)),
  subkey.map(
    (key): Change =>
      (state, slot) => {
        const value = state.map('m').get(slot, twin(key));
        if (value === undefined) return;
        spoil(value);
        state.map('m').set(slot, key, value);
      },
  ),
  subkey.map(
    (key): Change =>
      (state, slot, undo) =>
        spoilForNow(state.map('m').get(slot, key), undo),
  ),
  constant((state, slot, undo) => {
    for (const [, value] of state.map('m').entries(slot)) spoilForNow(value, undo);
  }),
);

const paneTime = some([0, 1_000, -3_600_000]);
const paneChange: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(paneTime, anything).map(
      ([time, made]): Change =>
        (state, slot) =>
          state.panes('p').pane(time).set(slot, structuredClone(made)),
    ),
  },
  paneTime.map(
    (time): Change =>
      (state, slot) =>
        state.panes('p').find(time)?.remove(slot),
  ),
  paneTime.map(
    (time): Change =>
      (state) =>
        state.panes('p').drop(time),
  ),
  paneTime.map(
    (time): Change =>
      (state, slot) => {
        const value = state.panes('p').find(time)?.get(slot);
        if (value === undefined) return;
        spoil(value);
        state.panes('p').pane(time).set(slot, value);
      },
  ),
  paneTime.map(
    (time): Change =>
      (state, _slot, undo) => {
        const pane = state.panes('p').find(time);
        for (let at = 0; pane !== undefined && at < pane.size; at += 1) spoilForNow(pane.valueAt(at), undo);
      },
  ),
  paneTime.map(
    (time): Change =>
      (state, slot, undo) =>
        spoilForNow(state.panes('p').find(time)?.get(slot), undo),
  ),
);

const timerTime = fc.integer({ min: 0, max: 4 });
const timerChange: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 3,
    arbitrary: timerTime.map(
      (time): Change =>
        (state, slot) =>
          state.timers('event').add(slot, time),
    ),
  },
  timerTime.map(
    (time): Change =>
      (state, slot) =>
        state.timers('event').remove(slot, time),
  ),
  fc.oneof(timerTime, fc.constant(TIME_MAX)).map(
    (until): Change =>
      (state) => {
        while (!state.prepareTimers('event', until));
        const time = state.timers('event').earliest;
        const slot = state.timers('event').take(until);
        return slot < 0 ? undefined : `${time} ${mark(state.keyOf(slot))}`;
      },
  ),
);

const CHANGES: Readonly<Record<string, fc.Arbitrary<Change>>> = {
  numbers: valueChange('n', numbers),
  values: valueChange('v', anything),
  lists: listChange,
  maps: mapChange,
  panes: paneChange,
  timers: timerChange,
};

type Step =
  | { readonly kind: 'change'; readonly key: unknown; readonly change: Change }
  /** So many keys come by that slots are given away; some of them stay. */
  | { readonly kind: 'churn'; readonly keys: number; readonly change: Change }
  | { readonly kind: 'seal' }
  | { readonly kind: 'drain'; readonly rows: number }
  | { readonly kind: 'restart'; readonly reversed: boolean };

const stepsOf = (changes: fc.Arbitrary<Change>): fc.Arbitrary<Step[]> =>
  fc.array(stepOf(changes), { maxLength: STEPS, size: 'max' });

const stepOf = (changes: fc.Arbitrary<Change>): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 24,
      arbitrary: fc.tuple(some(KEYS), changes).map(([key, change]) => ({ kind: 'change', key, change }) as const),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.integer({ min: 1, max: 100 }), changes)
        .map(([keys, change]) => ({ kind: 'churn', keys, change }) as const),
    },
    { weight: 3, arbitrary: fc.constant({ kind: 'seal' } as const) },
    { weight: 5, arbitrary: fc.nat(8).map((rows) => ({ kind: 'drain', rows }) as const) },
    { weight: 1, arbitrary: fc.boolean().map((reversed) => ({ kind: 'restart', reversed }) as const) },
  );

/** A state, the checkpoints it has written, and the state it was restored from, which goes on beside it for a while. */
class Run {
  private readonly make: () => KeyedState;
  private state: KeyedState;
  private twin: KeyedState | null = null;
  /** What the checkpoints before amount to, and what the sealed one has to. */
  private readonly stored: Rows = new Map();
  private sealed: Rows | null = null;
  private readonly undo = new Undo();
  private passed = 0;
  private readonly evicts: boolean;

  constructor(make: () => KeyedState, evicts: boolean) {
    this.make = make;
    this.evicts = evicts;
    this.state = make();
  }

  step(step: Step): void {
    switch (step.kind) {
      case 'change':
        return this.change([step.key], step.change);
      case 'churn':
        return this.churn(step.keys, step.change);
      case 'seal':
        return this.seal();
      case 'drain':
        return this.drain(step.rows);
      case 'restart':
        return this.restart(step.reversed);
    }
  }

  finish(): void {
    this.checkReferences();
    this.restart(false);
    this.compareTwins();
  }

  /** Once all is written, nothing but rows holds on to keys. Timers may, so they are fired first. */
  private checkReferences(): void {
    this.compareTwins();
    do while (!this.state.prepareTimers('event', TIME_MAX));
    while (this.state.timers('event').take(TIME_MAX) >= 0);
    this.seal();
    this.drainAll();
    const keys = new Set(Array.from(this.state.rows(), ({ key }) => mark(key)));
    if (this.state.keyCount !== keys.size) throw new Error(`${this.state.keyCount} keys are held, not ${keys.size}`);
  }

  private change(keys: readonly unknown[], change: Change): void {
    if (this.evicts) this.undo.run();
    const results = [this.state, this.twin].map((state) => {
      if (state === null) return undefined;
      return keys.map((key) => change(state, slotOf(state, key), this.undo));
    });
    if (this.twin !== null && !isSame(results[0], results[1]))
      throw new Error(`restored: ${fc.stringify(results[0])}, not ${fc.stringify(results[1])}`);
  }

  private churn(count: number, change: Change): void {
    const keys = Array.from({ length: count }, (_, at) => `passing by ${this.passed + at}`);
    this.passed += count;
    for (const state of [this.state, this.twin]) if (state !== null) slotsOf(state, keys);
    this.change(keys.slice(0, 3), change);
  }

  private seal(): void {
    this.drainAll();
    this.undo.run();
    this.compareTwins();
    this.sealed = snapshotOf(this.state);
    this.state.seal(new Gathered(this.stored));
    if (this.state.dirtyCount !== 0) throw new Error('rows are dirty right after a seal');
  }

  private drain(rows: number): void {
    if (this.sealed !== null && this.state.drainSealed(rows)) this.compareStored();
  }

  private drainAll(): void {
    while (!this.state.drainSealed(5));
    this.compareStored();
  }

  private compareStored(): void {
    if (this.sealed !== null) compareRows(this.stored, this.sealed, 'written');
    this.sealed = null;
  }

  /** Goes on with a state made of what is written. */
  private restart(reversed: boolean): void {
    this.seal();
    this.drainAll();
    const rows = [...this.stored.values()].map((row) => structuredClone(row));
    const fresh = this.make();
    for (const row of reversed ? rows.reverse() : rows) fresh.restore(row);
    if (fresh.dirtyCount !== 0) throw new Error('restored rows are dirty');
    this.twin = this.state;
    this.state = fresh;
    compareRows(snapshotOf(fresh), this.stored, 'restored');
  }

  private compareTwins(): void {
    if (this.twin !== null) compareRows(snapshotOf(this.state), snapshotOf(this.twin), 'restored');
    this.twin = null;
  }
}

export function sealingConformance(t: Test, make: () => KeyedState, evicts = false): void {
  const checkAll = (name: string, changes: fc.Arbitrary<Change>): void =>
    checkWritten(t, name, changes, () => new Run(make, evicts));
  for (const [name, changes] of Object.entries(CHANGES)) checkAll(name, changes);
  checkAll('all of it', fc.oneof(...Object.values(CHANGES)));
  checkComesBack(t, make);
  checkSeal(t, make);
  checkFailure(t, make);
  checkRestore(t, make);
  checkDirtyCount(t, make);
}

function checkWritten(t: Test, name: string, changes: fc.Arbitrary<Change>, begin: () => Run): void {
  t.test(`what is written is the state at the seal: ${name}`, (t) => {
    const property = fc.property(stepsOf(changes), (steps) => {
      const run = begin();
      for (const each of steps) run.step(each);
      run.finish();
    });
    const { failed, numRuns, seed } = fc.check(property, { numRuns: CASES });
    if (failed) fc.assert(property, { numRuns: CASES, seed });
    t.equal(numRuns, CASES, `seed ${seed}`);
    t.end();
  });
}

/** As after it had left memory: the slot it comes back into was another key's, whose row came and went unwritten. */
function checkComesBack(t: Test, make: () => KeyedState): void {
  t.test('a row that comes back into a used slot, and is removed, is written as removed', (t) => {
    const put: Readonly<
      Record<string, readonly [Omit<StateRow, 'key' | 'keyGroup'>, (s: KeyedState, slot: number) => void]>
    > = {
      value: [{ table: 'v', kind: 'value', value: 1 }, (s, slot) => s.value('v').remove(slot)],
      list: [{ table: 'l', kind: 'list', subkey: 0, value: 1 }, (s, slot) => s.list('l').remove(slot)],
      map: [{ table: 'm', kind: 'map', subkey: 'x', value: 1 }, (s, slot) => s.map('m').clear(slot)],
    };
    for (const [kind, [row, remove]] of Object.entries(put)) {
      const state = make();
      const first = slotOf(state, 'first');
      state.value('v').set(first, 1);
      state.value('v').remove(first);
      state.list('l').add(first, 1);
      state.list('l').remove(first);
      state.map('m').set(first, 'x', 1);
      state.map('m').remove(first, 'x');
      // Keys pass by until one gets the slot.
      let [key, second] = ['', -1];
      for (let n = 0; second !== first; n += 1) {
        key = `passing by ${n}`;
        second = slotOf(state, key);
      }
      state.restore({ ...row, key, keyGroup: keyGroupOf(hashKey(key), 128) });
      remove(state, second);
      const rows: Rows = new Map();
      const written: string[] = [];
      const gathered = new Gathered(rows);
      state.seal({
        put: gathered.put,
        remove: (table, of, _group, gone) => void written.push(`${of} ${table} ${gone}`),
      });
      while (!state.drainSealed(10));
      t.same(written, [`${kind} ${row.table} ${key}`]);
    }
    t.end();
  });
}

function checkSeal(t: Test, make: () => KeyedState): void {
  t.test('an epoch is drained before the next is sealed', (t) => {
    const state = make();
    t.ok(state.drainSealed(1), 'nothing was sealed');
    for (let key = 0; key < 10; key += 1) state.value('v').set(slotOf(state, key), key);
    const rows: Rows = new Map();
    state.seal(new Gathered(rows));
    t.throws(() => state.seal(new Gathered(new Map())), { code: 'MILL_BUG' });
    t.notOk(state.drainSealed(0));
    t.notOk(state.drainSealed(1));
    t.ok(rows.size < 10, `${rows.size} rows of a drain of 1`);
    t.ok(state.drainSealed(1_000));
    t.equal(rows.size, 10);
    state.seal(new Gathered(rows));
    t.ok(state.drainSealed(1), 'nothing has changed');
    t.end();
  });
}

/** Rows of one key that differ in nothing but their value. */
function rowsWith(value: unknown): StateRow[] {
  const place = { keyGroup: 0, key: 'k', value };
  return [
    { ...place, kind: 'value', table: 'v' },
    { ...place, kind: 'list', table: 'l', subkey: 0 },
    { ...place, kind: 'map', table: 'm', subkey: 'e' },
    { ...place, kind: 'pane', table: 'p', subkey: 7 },
  ];
}

function checkRestore(t: Test, make: () => KeyedState): void {
  t.test('rows that are put back meanwhile leave the sealed ones alone', (t) => {
    const state = make();
    const slot = slotOf(state, 'k');
    state.value('v').set(slot, 'sealed');
    state.list('l').add(slot, 'sealed');
    state.map('m').set(slot, 'e', 'sealed');
    state.panes('p').pane(7).set(slot, 'sealed');
    const rows: Rows = new Map();
    state.seal(new Gathered(rows));
    for (const row of rowsWith('put back')) state.restore(row);
    t.equal(state.dirtyCount, 0);
    while (!state.drainSealed(1));
    t.same(
      [...rows.values()].map(({ value }) => value),
      ['sealed', 'sealed', 'sealed', 'sealed'],
    );
    t.same(
      Array.from(state.rows(), ({ value }) => value),
      ['put back', 'put back', 'put back', 'put back'],
    );
    t.end();
  });
}

function checkFailure(t: Test, make: () => KeyedState): void {
  t.test('a row that cannot be written stays to be written', (t) => {
    const state = make();
    const slot = slotOf(state, 'k');
    state.value('v').set(slot, { a: 1 });
    state.map('m').set(slot, 'e', { a: 1 });
    state.panes('p').pane(0).set(slot, { a: 1 });
    state.list('l').add(slot, { a: 1 });
    const gathered = new Gathered(new Map());
    const failed = new Map<string, number>();
    const put: RowWriter['put'] = (table, ...row) => {
      failed.set(table, (failed.get(table) ?? 0) + 1);
      if ((failed.get(table) as number) <= 2) throw new Error('not now');
      gathered.put(table, ...row);
    };
    state.seal({ put, remove: gathered.remove });
    t.throws(() => state.value('v').get(slot), { message: 'not now' });
    for (let drained = false; !drained; ) {
      try {
        drained = state.drainSealed(1);
      } catch {}
    }
    t.equal(gathered.rows.size, 4);
    t.end();
  });
}

function checkDirtyCount(t: Test, make: () => KeyedState): void {
  const kinds: Record<string, (state: KeyedState, slot: number, at: number) => void> = {
    value: (state, slot) => state.value('v').set(slot, 1),
    list: (state, slot) => state.list('l').add(slot, 1),
    map: (state, slot, at) => state.map('m').set(slot, at, 1),
    pane: (state, slot, at) => state.panes('p').pane(at).set(slot, 1),
    timer: (state, slot, at) => state.timers('event').add(slot, at),
  };
  for (const [kind, change] of Object.entries(kinds)) {
    t.test(`rows of a ${kind} count as changed until they are sealed`, (t) => {
      const state = make();
      for (let key = 0; key < 10; key += 1) change(state, slotOf(state, key), 7);
      t.equal(state.dirtyCount, 10);
      if (kind !== 'list') change(state, slotOf(state, 0), 7);
      t.equal(state.dirtyCount, 10, 'a row counts once');
      state.seal(new Gathered(new Map()));
      t.equal(state.dirtyCount, 0);
      while (!state.drainSealed(100));
      change(state, slotOf(state, 3), 8);
      t.equal(state.dirtyCount, 1);
      t.end();
    });
  }
  t.test('rows that are dropped with their pane count if they are stored', (t) => {
    const state = make();
    const fill = (): void => {
      for (let key = 0; key < 10; key += 1) state.panes('p').pane(7).set(slotOf(state, key), key);
    };
    fill();
    state.panes('p').drop(7);
    t.equal(state.dirtyCount, 0, 'it came and went');
    fill();
    const rows: Rows = new Map();
    state.seal(new Gathered(rows));
    while (!state.drainSealed(100));
    t.equal(rows.size, 10);
    state.panes('p').pane(7).set(slotOf(state, 3), 'changed');
    state.panes('p').pane(7).set(slotOf(state, 'new'), 1);
    t.equal(state.dirtyCount, 2);
    state.panes('p').drop(7);
    t.equal(state.dirtyCount, 10);
    fill();
    t.equal(state.dirtyCount, 10, 'those that came back');
    state.panes('p').drop(7);
    const writer = new Gathered(rows);
    state.seal(writer);
    while (!state.drainSealed(3));
    t.equal(writer.written, 10);
    t.equal(rows.size, 0);
    t.end();
  });
  t.test('appending to a list changes one row of it', (t) => {
    const state = make();
    const slot = slotOf(state, 'k');
    for (let at = 0; at < 1_000; at += 1) state.list('l').add(slot, at);
    const rows: Rows = new Map();
    state.seal(new Gathered(rows));
    while (!state.drainSealed(100));
    state.list('l').add(slot, 'more');
    t.equal(state.dirtyCount, 1);
    const writer = new Gathered(rows);
    state.seal(writer);
    while (!state.drainSealed(100));
    t.equal(writer.written, 1);
    t.equal(rows.size, 1_001);
    t.end();
  });
  t.test('what comes and goes between two seals is not written', (t) => {
    const state = make();
    const slot = slotOf(state, 'k');
    const map = state.map('m');
    for (let at = 0; at < 100; at += 1) {
      state.value('v').set(slot, at);
      state.value('v').remove(slot);
      state.list('l').add(slot, at);
      state.list('l').remove(slot);
      map.set(slot, at, at);
      if (at % 2 === 0) map.remove(slot, at);
      else map.clear(slot);
      state.panes('p').pane(at).set(slot, at);
      if (at % 2 === 0) state.panes('p').pane(at).remove(slot);
      else state.panes('p').drop(at);
      state.timers('event').add(slot, at);
      state.timers('event').take(at);
    }
    t.equal(state.keyCount, 0);
    const writer = new Gathered(new Map());
    state.seal(writer);
    while (!state.drainSealed(100));
    t.equal(writer.written, 0);
    t.end();
  });
}
