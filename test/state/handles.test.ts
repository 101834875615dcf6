/** Handles: what user code sees of its state, and the types it sees it with. */
import t from 'tap';
import { Batch, Inbox } from '../../core/batch.js';
import { hashKey } from '../../core/key.js';
import type { Aggregator } from '../../state/aggregator.js';
import type { StateDescriptors } from '../../state/descriptors.js';
import { state } from '../../state/descriptors.js';
import { Expiry } from '../../state/expiry.js';
import { bindHandles, type Handles } from '../../state/handles.js';
import { MemoryState } from '../../state/memory/memory-state.js';

function keyed(keys: readonly string[]): { memory: MemoryState; at: (key: string) => void } {
  const memory = new MemoryState({ maxParallelism: 128 });
  const batch = new Batch(keys.length);
  for (const key of keys) batch.pushKeyed(null, 0, key, hashKey(key));
  memory.prepare(new Inbox(batch));
  const at = (key: string): void => {
    memory.slot = batch.slots[keys.indexOf(key)] as number;
  };
  return { memory, at };
}

function bind<D extends StateDescriptors>(descriptors: D, memory: MemoryState): Handles<D> {
  return bindHandles(descriptors, memory, new Expiry(memory, { now: () => 0, writtenAt: () => 0 }));
}

/** Compiles only if both types are the same. */
function same<A, B>(_same: [A] extends [B] ? ([B] extends [A] ? true : false) : false): void {}

t.test('a value: undefined or initial until it is set, per key', (t) => {
  const { memory, at } = keyed(['a', 'b']);
  const handles = bind({ last: state.value<string>(), total: state.value({ initial: 0 }) }, memory);
  same<ReturnType<typeof handles.last.get>, string | undefined>(true);
  same<ReturnType<typeof handles.total.get>, number>(true);
  at('a');
  t.equal(handles.last.get(), undefined);
  t.equal(handles.total.get(), 0);
  handles.total.set(handles.total.get() + 5);
  handles.last.set('x');
  at('b');
  t.equal(handles.last.get(), undefined);
  t.equal(handles.total.get(), 0);
  at('a');
  t.equal(handles.last.get(), 'x');
  t.equal(handles.total.get(), 5);
  handles.total.clear();
  t.equal(handles.total.get(), 0);
  t.end();
});

t.test('keys do not share an initial object', (t) => {
  const { memory, at } = keyed(['a', 'b']);
  const handles = bind({ seen: state.value({ initial: { count: 0 } }) }, memory);
  at('a');
  const seen = handles.seen.get();
  seen.count += 1;
  handles.seen.set(seen);
  at('b');
  t.same(handles.seen.get(), { count: 0 });
  t.end();
});

t.test('a list gives out copies', (t) => {
  const { memory, at } = keyed(['a']);
  const { pending } = bind({ pending: state.list<number>() }, memory);
  at('a');
  pending.add(1);
  const given = pending.get();
  pending.add(2);
  given.push(99);
  t.same(given, [1, 99]);
  t.same(pending.get(), [1, 2]);
  pending.set([7]);
  t.same(pending.get(), [7]);
  pending.clear();
  t.same(pending.get(), []);
  t.end();
});

t.test('a map', (t) => {
  const { memory, at } = keyed(['a', 'b']);
  const { byDay } = bind({ byDay: state.map<string, number>() }, memory);
  at('a');
  byDay.set('tue', 2);
  byDay.set('mon', 1);
  t.equal(byDay.get('mon'), 1);
  t.equal(byDay.has('wed'), false);
  t.equal(byDay.size, 2);
  t.same(
    [...byDay.entries()],
    [
      ['mon', 1],
      ['tue', 2],
    ],
  );
  t.same([...byDay.keys()], ['mon', 'tue']);
  t.same([...byDay.values()], [1, 2]);
  byDay.delete('mon');
  t.same([...byDay.keys()], ['tue']);
  at('b');
  t.equal(byDay.size, 0);
  at('a');
  byDay.clear();
  t.equal(byDay.size, 0);
  t.end();
});

const mean: Aggregator<number, { count: number; sum: number }, number> = {
  create: () => ({ count: 0, sum: 0 }),
  add: (acc, value) => {
    acc.count += 1;
    acc.sum += value;
    return acc;
  },
  result: (acc) => acc.sum / acc.count,
  merge: (a, b) => ({ count: a.count + b.count, sum: a.sum + b.sum }),
};

t.test('reducing and aggregating', (t) => {
  const { memory, at } = keyed(['a']);
  const handles = bind(
    { best: state.reducing<number>((a, b) => Math.max(a, b)), mean: state.aggregating(mean) },
    memory,
  );
  same<ReturnType<typeof handles.mean.get>, number | undefined>(true);
  same<Parameters<typeof handles.mean.add>, [record: number]>(true);
  at('a');
  t.equal(handles.best.get(), undefined);
  t.equal(handles.mean.get(), undefined);
  for (const value of [3, 9, 6]) {
    handles.best.add(value);
    handles.mean.add(value);
  }
  t.equal(handles.best.get(), 9);
  t.equal(handles.mean.get(), 6);
  handles.best.clear();
  handles.mean.clear();
  t.equal(handles.best.get(), undefined);
  t.equal(handles.mean.get(), undefined);
  t.equal(memory.keyCount, 0);
  t.end();
});

t.test('descriptors are frozen and names checked', (t) => {
  const { memory } = keyed(['a']);
  t.ok(Object.isFrozen(state.value()));
  t.ok(Object.isFrozen(state.value({ initial: 1 })));
  t.ok(Object.isFrozen(state.list()));
  t.ok(Object.isFrozen(state.map()));
  t.throws(() => bind({ 'a b': state.list() }, memory), { code: 'MILL_NAME_INVALID' });
  t.throws(() => bind({ '': state.list() }, memory), { code: 'MILL_NAME_INVALID' });
  t.end();
});
