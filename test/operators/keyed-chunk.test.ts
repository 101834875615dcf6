/**
 * Chunks of each key, and mini-batches of so many records or so long, against models: batches, watermarks, the clock and room
 * downstream are drawn, over state in memory and state that lets go of what it may, and the operator is cut and goes on
 * anywhere.
 */
import fc from 'fast-check';
import t from 'tap';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import { type Bundling, bundledFoldFactory } from '../../operators/bundled-fold.js';
import { aggregateFold } from '../../operators/fold.js';
import { type KeyedChunkSpec, keyedChunkFactory } from '../../operators/keyed-chunk.js';
import { EvictingState } from '../level/evicting-state.js';
import { Drive, inMemory } from './drive.js';

const CASES = 1_500;
const KEYS = ['a', 'b', null, 1, 1n] as const;
const STATES = { memory: inMemory, evicting: () => new EvictingState() };

interface Event {
  readonly key: (typeof KEYS)[number];
  readonly n: number;
}

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.array(fc.nat(KEYS.length - 1), { maxLength: 6 }) },
    { weight: 2, arbitrary: fc.constant('watermark' as const) },
    { weight: 2, arbitrary: fc.record({ ms: fc.nat(6) }) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  ),
  { maxLength: 25 },
);

const CREATED = ['chunk', 'bundle'] as const;

const textOf = (out: readonly unknown[]): string =>
  JSON.stringify(out, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));

/** What an operator that lets records wait gives, and how far it lets event time come. */
interface Model {
  readonly out: { readonly record: unknown; readonly timestamp: number }[];
  readonly watermark: number;
  record(event: Event, now: number): void;
  advance(watermark: number): void;
  moveTo(now: number): void;
  /** A barrier, a crash and a recovery. */
  restart(now: number): void;
  end(): void;
}

class Chunks implements Model {
  out: { record: unknown; timestamp: number }[] = [];
  private waiting: { key: unknown; events: number[]; due: number; passed: number; own: number }[] = [];
  private arrived = TIME_MIN;

  constructor(private readonly spec: KeyedChunkSpec) {}

  get watermark(): number {
    return Math.min(this.arrived, ...this.waiting.map(({ passed }) => passed));
  }

  record({ key, n }: Event, now: number): void {
    let chunk = this.waiting.find((each) => each.key === key);
    if (!chunk) {
      chunk = { key, events: [], due: now + this.spec.withinMs, passed: this.arrived, own: this.arrived };
      this.waiting.push(chunk);
    }
    chunk.events.push(n);
    if (chunk.events.length === this.spec.size) this.put((each) => each === chunk);
  }

  advance(watermark: number): void {
    this.arrived = watermark;
  }

  moveTo(now: number): void {
    this.put(({ due }) => due <= now);
  }

  restart(now: number): void {
    // Those of before wait together: for the whole time again, and from the first one's watermark on.
    const passed = Math.min(...this.waiting.map(({ own }) => own));
    this.waiting = this.waiting.map((each) => ({ ...each, passed, due: now + this.spec.withinMs }));
  }

  end(): void {
    this.put(() => true);
  }

  private put(isDue: (each: Chunks['waiting'][number]) => boolean): void {
    for (const { events } of this.waiting.filter(isDue))
      this.out.push({ record: events, timestamp: Math.max(...events) });
    this.waiting = this.waiting.filter((each) => !isDue(each));
  }
}

class Bundles implements Model {
  out: { record: unknown; timestamp: number }[] = [];
  watermark = TIME_MIN;
  private readonly sums = new Map<unknown, number>();
  private changed = new Map<unknown, number>();
  private records = 0;
  private due = TIME_MAX;
  private arrived = TIME_MIN;

  constructor(private readonly bundling: Bundling) {}

  record({ key, n }: Event, now: number): void {
    this.sums.set(key, (this.sums.get(key) ?? 0) + n);
    this.changed.delete(key);
    this.changed.set(key, n);
    this.records += 1;
    this.due = Math.min(this.due, now + this.bundling.delayMs);
    if (this.records === this.bundling.size) this.end();
  }

  advance(watermark: number): void {
    this.arrived = watermark;
    if (this.records === 0) this.watermark = watermark;
  }

  moveTo(now: number): void {
    if (this.due <= now) this.end();
  }

  restart(): void {
    this.end();
  }

  end(): void {
    for (const [key, timestamp] of this.changed) this.out.push({ record: { key, sum: this.sums.get(key) }, timestamp });
    this.changed = new Map();
    this.records = 0;
    this.due = TIME_MAX;
    this.watermark = this.arrived;
  }
}

const sums = aggregateFold({ create: () => 0, add: (sum: number, { n }: Event) => sum + n }, (sum, key) => ({
  key,
  sum,
}));

const keyedChunks = (spec: KeyedChunkSpec) => ({
  factory: keyedChunkFactory(spec),
  model: new Chunks(spec),
  // Chunks that are due together come in any order after a restart.
  seen: (out: Model['out']) =>
    out.map(({ record, timestamp }) => ({ record: numbersOf(record), timestamp })).sort(byTime),
});

const numbersOf = (chunk: unknown): unknown =>
  (chunk as readonly (Event | number)[]).map((each) => (typeof each === 'number' ? each : each.n));

const byTime = (a: { timestamp: number }, b: { timestamp: number }): number => a.timestamp - b.timestamp;

const bundles = ({ size, withinMs }: KeyedChunkSpec) => ({
  factory: bundledFoldFactory(sums, { size, delayMs: withinMs }),
  model: new Bundles({ size, delayMs: withinMs }),
  seen: (out: Model['out']) => out,
});

for (const [named, newState] of Object.entries(STATES)) {
  for (const what of CREATED) {
    t.test(`${what}s, ${named} state`, (t) => {
      const property = fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 3 }),
        steps,
        (size, withinMs, capacity, all) => {
          const { factory, model, seen } = (what === 'chunk' ? keyedChunks : bundles)({ size, withinMs });
          const drive = new Drive((context) => factory(context, []), capacity, newState);
          let said = TIME_MIN;
          const check = (): void => {
            const [given, wanted] = [drive.out.splice(0), model.out.splice(0)];
            if (textOf(seen(given)) !== textOf(seen(wanted)))
              throw new Error(`${textOf(seen(given))}, not ${textOf(seen(wanted))}`);
            for (const { timestamp } of given)
              if (timestamp <= said) throw new Error(`${timestamp} comes out behind ${said}`);
            said = drive.ownWatermark;
            if (said !== model.watermark) throw new Error(`the watermark is ${said}, not ${model.watermark}`);
          };
          let n = 0;
          let watermark = TIME_MIN;
          for (const step of all) {
            if (Array.isArray(step)) {
              const events = step.map((key): Event => ({ key: KEYS[key] as Event['key'], n: ++n }));
              for (const event of events) model.record(event, drive.now);
              drive.records(events.map((event) => ({ record: event, key: event.key, timestamp: event.n })));
            } else if (step === 'watermark') {
              watermark = n;
              drive.advance(watermark);
              model.advance(watermark);
            } else if (step === 'restart') {
              drive.restart();
              model.restart(drive.now);
            } else {
              drive.moveTo(drive.now + step.ms);
              model.moveTo(drive.now);
            }
            check();
          }
          drive.advance(TIME_MAX);
          model.end();
          const [given, wanted] = [seen(drive.out), seen(model.out)];
          if (textOf(given) !== textOf(wanted)) throw new Error(`in the end ${textOf(given)}, not ${textOf(wanted)}`);
          if (what === 'chunk' && drive.keysLeft > 0) throw new Error('something is left of a key');
        },
      );
      const { failed, seed, numRuns } = fc.check(property, { numRuns: CASES });
      if (failed) fc.assert(property, { numRuns: CASES, seed });
      t.equal(numRuns, CASES, `seed ${seed}`);
      t.end();
    });
  }
}

t.test('a result of a mini-batch that fails is the only one that is lost', (t) => {
  const picky = aggregateFold({ create: () => 0, add: (sum: number, n: number) => sum + n }, (sum, key) => {
    if (sum === 13) throw new Error('unlucky');
    return { key, sum };
  });
  const drive = new Drive((context) => bundledFoldFactory(picky, { size: 3, delayMs: 10 })(context, []), 1);
  drive.skips = true;
  drive.records(['a', 'b', 'c'].map((key) => ({ record: key === 'b' ? 13 : 1, key, timestamp: 0 })));
  t.match(drive.out, [{ record: { key: 'a', sum: 1 } }, { record: { key: 'c', sum: 1 } }]);
  t.match(drive.rejected, [{ message: 'unlucky', place: { key: 'b' } }]);
  t.end();
});
