/** Broadcast state by itself: snapshots that later changes leave alone, and handles that only read. */
import { state } from 'millrace';
import t from 'tap';
import { BroadcastStore } from '../../operators/broadcast/broadcast-store.js';

const collected = state.aggregating<number, number[], number>({
  create: () => [],
  add(acc, record) {
    acc.push(record);
    return acc;
  },
  result: (acc) => acc.length,
  merge: (a, b) => [...a, ...b],
});

interface Adding {
  add(record: number): void;
  get(): number | undefined;
}

t.test('accumulators that change in place', (t) => {
  const store = new BroadcastStore({ collected }, undefined);
  const of = ({ handles }: BroadcastStore): Adding => handles.collected as Adding;
  of(store).add(1);
  const snapshot = store.snapshot();
  of(store).add(2);
  const [first, second] = [1, 2].map(() => new BroadcastStore({ collected }, snapshot)) as [
    BroadcastStore,
    BroadcastStore,
  ];
  of(first).add(3);
  t.same(
    [store, first, second].map((each) => of(each).get()),
    [2, 2, 1],
  );
  t.end();
});

t.test('a deque is read, not changed', (t) => {
  const { handles, readable } = new BroadcastStore({ recent: state.deque<number>() }, undefined);
  for (const element of [1, 2, 3]) (handles.recent as { push(element: number): void }).push(element);
  t.match(readable.recent, { size: 3, first: 1, last: 3 });
  for (const name of ['push', 'unshift', 'pop', 'shift', 'clear'])
    t.throws(() => (readable.recent as Record<string, () => void>)[name]?.(), { code: 'MILL_FUNCTION_FAILED' });
  t.end();
});
