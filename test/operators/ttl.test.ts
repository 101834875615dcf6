/**
 * State with a time to live, against a model that keeps the time of each write: what is over is never shown, what is not
 * over always is, whatever is restored in between; and in the end nothing is left.
 */
import fc from 'fast-check';
import t from 'tap';
import { processFactory } from '../../operators/process.js';
import type { KeyedState } from '../../state/backend.js';
import { state } from '../../state/descriptors.js';
import type { Handles } from '../../state/handles.js';
import type { TtlOptions, TtlTime } from '../../state/ttl.js';
import { EvictingState } from '../level/evicting-state.js';
import { Drive, inMemory } from './drive.js';

const RUNS = 1_000;
const AFTER = 10;

type Does = 'get' | 'set' | 'clear' | 'add' | 'addAgain' | 'reduce' | 'put' | 'remove' | 'has';

interface Step {
  readonly does: Does | 'move' | 'restart';
  readonly key: number;
  readonly entry: number;
  readonly by: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom(
    ...(['get', 'get', 'set', 'set', 'clear', 'add', 'addAgain', 'reduce', 'put', 'put', 'remove', 'has'] as const),
    ...(['move', 'move', 'move', 'restart'] as const),
  ),
  key: fc.integer({ min: 0, max: 2 }),
  entry: fc.integer({ min: 0, max: 2 }),
  by: fc.integer({ min: 0, max: 7 }),
});

const descriptors = (ttl: TtlOptions | undefined) => ({
  last: state.value<number>(ttl ? { ttl } : {}),
  all: state.list<number>(ttl ? { ttl } : {}),
  by: state.map<number, number>(ttl ? { ttl } : {}),
  sum: state.reducing<number>((a, b) => a + b, ttl ? { ttl } : {}),
});

type Context = { readonly state: Handles<ReturnType<typeof descriptors>> };

const factory = (ttl: TtlOptions | undefined) =>
  processFactory({
    state: descriptors(ttl),
    sides: [],
    onRecord: [
      ({ does, entry, by }: Step, { state: { last, all, by: map, sum } }: Context) => {
        if (does === 'set') last.set(by);
        if (does === 'clear') last.clear();
        if (does === 'add') all.add(by);
        if (does === 'addAgain') all.set([...all.get(), by]);
        if (does === 'reduce') sum.add(by);
        if (does === 'put') map.set(entry, by);
        if (does === 'remove') map.delete(entry);
        if (does === 'has') return [[map.has(entry), map.size]];
        if (does !== 'get') return undefined;
        return [[last.get(), all.get(), [...map.entries()], sum.get()]];
      },
    ],
    onEventTimer: undefined,
    onProcessingTimer: undefined,
  });

interface Kept<T> {
  value: T;
  at: number;
}

class Model {
  last: Kept<number> | undefined;
  sum: Kept<number> | undefined;
  all: Kept<number>[] = [];
  by = new Map<number, Kept<number>>();

  constructor(private readonly renews: boolean) {}

  prune(now: number): void {
    const over = (kept: Kept<number> | undefined): boolean => kept !== undefined && kept.at + AFTER <= now;
    if (over(this.last)) this.last = undefined;
    if (over(this.sum)) this.sum = undefined;
    this.all = this.all.filter((kept) => !over(kept));
    for (const [entry, kept] of this.by) if (over(kept)) this.by.delete(entry);
  }

  apply({ does, entry, by }: Step, now: number): unknown {
    this.prune(now);
    const kept = { value: by, at: now };
    if (does === 'set') this.last = kept;
    if (does === 'clear') this.last = undefined;
    if (does === 'add') this.all.push(kept);
    if (does === 'addAgain') this.all = [...this.all.map(({ value }) => ({ value, at: now })), kept];
    if (does === 'reduce') this.sum = { value: (this.sum?.value ?? 0) + by, at: now };
    if (does === 'put') this.by.set(entry, kept);
    if (does === 'remove') this.by.delete(entry);
    if (does === 'has') return [this.read(this.by.get(entry), now) !== undefined, this.by.size];
    if (does !== 'get') return undefined;
    const entries = [...this.by].sort(([a], [b]) => a - b);
    return [
      this.read(this.last, now),
      this.all.map((each) => this.read(each, now)),
      entries.map(([key, each]) => [key, this.read(each, now)]),
      this.read(this.sum, now),
    ];
  }

  private read(kept: Kept<number> | undefined, now: number): number | undefined {
    if (kept && this.renews) kept.at = now;
    return kept?.value;
  }
}

interface Case {
  readonly time: TtlTime;
  readonly renew: 'write' | 'read';
  readonly newState: () => KeyedState;
}

function check(steps: readonly Step[], { time, renew, newState }: Case): void {
  const drive = new Drive((context) => factory({ after: AFTER, renew, time })(context, []), 4, newState);
  const models = [0, 1, 2].map(() => new Model(renew === 'read'));
  const move = (now: number): void => (time === 'event' ? drive.advance(now) : drive.moveTo(now));
  let now = 1_000;
  move(now);
  for (const each of steps) {
    if (each.does === 'move') move((now += each.by));
    else if (each.does === 'restart') drive.restart();
    else {
      drive.out.length = 0;
      drive.records([{ record: each, key: each.key, timestamp: now }]);
      const expected = (models[each.key] as Model).apply(each, now);
      const found = drive.out[0]?.record;
      if (JSON.stringify(found) !== JSON.stringify(expected))
        throw new Error(`${JSON.stringify(each)} at ${now}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
    }
  }
  move((now += AFTER + AFTER / 8));
  move(now + AFTER);
  if (drive.keysLeft > 0) throw new Error(`${drive.keysLeft} keys are left`);
  const left = [...drive.state.rows()];
  if (left.length > 0) throw new Error(`rows are left: ${JSON.stringify(left)}`);
}

const STATES = { memory: inMemory, evicting: () => new EvictingState() };

for (const [named, newState] of Object.entries(STATES)) {
  for (const time of ['event', 'processing'] as const) {
    for (const renew of ['write', 'read'] as const) {
      t.test(`${named} state, ${time} time, renewed by ${renew}s`, (t) => {
        fc.assert(
          fc.property(fc.array(step, { maxLength: 40 }), (steps) => check(steps, { time, renew, newState })),
          { numRuns: RUNS },
        );
        t.end();
      });
    }
  }
}

const get = (key: number) => ({ record: { does: 'get', key, entry: 0, by: 0 }, key, timestamp: 0 });
const set = (key: number, timestamp: number) => ({ record: { does: 'set', key, entry: 0, by: 7 }, key, timestamp });

t.test('a time to live given later begins when a key is met; taken away, nothing ends', (t) => {
  const plain = factory(undefined);
  const drive = new Drive((context) => plain(context, []), 4);
  drive.records([set(1, 0), { record: { does: 'add', key: 1, entry: 0, by: 5 }, key: 1, timestamp: 0 }]);
  drive.restart((context) => factory({ after: AFTER })(context, []));
  drive.moveTo(100);
  drive.records([get(1)]);
  drive.moveTo(100 + AFTER - 1);
  drive.records([get(1)]);
  drive.moveTo(100 + AFTER);
  drive.records([get(1)]);
  t.same(
    drive.out.map(({ record }) => (record as unknown[]).slice(0, 2)),
    [
      [7, [5]],
      [7, [5]],
      [undefined, []],
    ],
  );
  drive.records([set(2, 0)]);
  drive.restart((context) => plain(context, []));
  drive.moveTo(1_000);
  drive.records([get(2)]);
  t.equal((drive.out.at(-1) as { record: unknown[] }).record[0], 7);
  t.end();
});

t.test('an event timer sees what has not ended at its own time, however far the watermark is', (t) => {
  const seen: unknown[] = [];
  const made = processFactory({
    state: { last: state.value<number>({ ttl: { after: AFTER, time: 'event' } }) },
    sides: [],
    onRecord: [
      (time: number, ctx: { state: { last: { set(n: number): void } }; eventTimers: { add(time: number): void } }) => {
        ctx.state.last.set(time);
        ctx.eventTimers.add(time + AFTER - 1);
        ctx.eventTimers.add(time + AFTER);
      },
    ],
    onEventTimer: (time: number, ctx: { state: { last: { get(): unknown } } }) => {
      seen.push([time, ctx.state.last.get()]);
    },
    onProcessingTimer: undefined,
  });
  const drive = new Drive((context) => made(context, []), 4);
  drive.records([{ record: 50, key: 1, timestamp: 50 }]);
  drive.advance(1_000);
  t.same(seen, [
    [59, 50],
    [60, undefined],
  ]);
  t.equal(drive.keysLeft, 0);
  t.end();
});

t.test('options', (t) => {
  t.throws(() => state.value({ ttl: 0 }), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => state.list({ ttl: { after: '1h', renew: 'never' as never } }), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => state.map({ ttl: { after: '1h', time: 'local' as never } }), { code: 'MILL_OPTION_INVALID' });
  t.same(state.value({ ttl: '1h' }).ttl, { afterMs: 3_600_000, renewedByReads: false, time: 'processing' });
  t.end();
});
