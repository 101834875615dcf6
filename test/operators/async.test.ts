/**
 * Asynchronous calls on a virtual clock, against a model: latencies, failures, retries and time-outs are drawn, watermarks
 * come in between, and the job is killed and goes on anywhere.
 */
import fc from 'fast-check';
import t from 'tap';
import { Batch, Inbox } from '../../core/batch.js';
import type { MillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import { VirtualClock } from '../../engine/host/virtual-clock.js';
import { type AsyncSpec, asyncFactory } from '../../operators/async/async-operator.js';
import type { Operator, OperatorContext } from '../../operators/operator.js';

const RUNS = 1_500;
const START = 1_000;

interface Answer {
  /** Virtual ms each attempt takes, and whether it fails. */
  readonly attempts: readonly { readonly after: number; readonly fails: boolean }[];
}

interface Item extends Answer {
  readonly id: number;
}

type Out = { readonly id: number } | { readonly watermark: number };

/** Drives the operator as a stage does. */
class Rig {
  readonly out: Out[] = [];
  readonly rejected: [error: unknown, id: number][] = [];
  readonly clock = new VirtualClock(START);
  awaitsBarrier = false;
  calls = 0;
  inFlight = 0;
  mostInFlight = 0;
  aborted = 0;
  private operator: Operator;
  private output = new Batch(2);
  private woken = false;
  private inbox = new Inbox(new Batch(0));
  private watermark = TIME_MIN;
  private saidWatermark = TIME_MIN;

  constructor(private readonly spec: Partial<AsyncSpec>) {
    this.operator = this.start([]);
  }

  private start(restored: readonly unknown[]): Operator {
    const rig = this;
    const apply = (item: Item, { attempt, signal }: { attempt: number; signal: AbortSignal }): Promise<unknown> => {
      this.calls += 1;
      this.inFlight += 1;
      this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
      const { after, fails } = item.attempts[Math.min(attempt, item.attempts.length) - 1] as Answer['attempts'][0];
      return new Promise((resolve, reject) => {
        let pending = true;
        const over = this.clock.timer(after, () => {
          this.inFlight -= 1;
          pending = false;
          if (fails) reject(new Error(`no ${item.id}`));
          else resolve({ id: item.id });
        });
        signal.addEventListener('abort', () => {
          if (pending) this.inFlight -= 1;
          this.aborted += 1;
          over();
        });
      });
    };
    const defaults = { order: 'input', capacity: 3, timeoutMs: Number.POSITIVE_INFINITY } as const;
    const rest = { retry: undefined, onTimeout: undefined, apply: apply as AsyncSpec['apply'] };
    const context = {
      host: { now: () => this.clock.now, timer: (ms: number, ring: () => void) => this.clock.timer(ms, ring) } as Host,
      output: this.output,
      get watermark() {
        return rig.watermark;
      },
      get awaitsBarrier() {
        return rig.awaitsBarrier;
      },
      wake: () => {
        this.woken = true;
      },
      reject: (error: unknown, record: Item) => this.rejected.push([error, record.id]),
    } as unknown as OperatorContext;
    const operator = asyncFactory({ ...defaults, ...rest, ...this.spec })(context, restored);
    void operator.open?.();
    return operator;
  }

  /** Offers records, and works until they are taken or it has to wait. */
  offer(items: readonly Item[]): void {
    const batch = new Batch(Math.max(1, items.length));
    for (const item of items) batch.push(item, item.id);
    this.inbox = new Inbox(batch);
    this.work();
  }

  get taken(): boolean {
    return this.inbox.drained;
  }

  advance(watermark: number): boolean {
    this.watermark = watermark;
    const done = this.operator.onWatermark?.(watermark) ?? true;
    this.work();
    return done;
  }

  work(): void {
    do {
      const woken = this.woken;
      this.woken = false;
      if (woken) this.operator.onWake?.();
      this.drain();
      if (!this.inbox.drained) this.operator.process(this.inbox);
      this.drain();
    } while (this.woken);
  }

  /** One timer rings, and what follows from it. */
  async tick(): Promise<boolean> {
    const rang = this.clock.advance();
    for (let turn = 0; turn < 8; turn += 1) await null;
    this.work();
    return rang;
  }

  save(): unknown {
    return this.operator.snapshot?.(1, false)?.state;
  }

  /** Dies, and goes on from what was saved. */
  restart(restored: readonly unknown[]): void {
    void this.operator.close?.();
    this.inFlight = 0;
    this.output = new Batch(2);
    this.inbox = new Inbox(new Batch(0));
    this.woken = false;
    this.operator = this.start(restored);
    this.work();
  }

  end(): boolean {
    return this.operator.onEnd?.() ?? true;
  }

  private drain(): void {
    for (let at = 0; at < this.output.count; at += 1) this.out.push(this.output.records[at] as Out);
    this.output.clear();
    const own = this.operator.ownWatermark?.() ?? TIME_MIN;
    if (own > this.saidWatermark && this.inbox.drained) {
      this.saidWatermark = own;
      this.out.push({ watermark: own });
    }
  }
}

const attempt = fc.record({ after: fc.integer({ min: 0, max: 20 }), fails: fc.boolean() });
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ attempts: fc.array(attempt, { minLength: 1, maxLength: 3 }) }) },
    { weight: 2, arbitrary: fc.constant('watermark' as const) },
    { weight: 2, arbitrary: fc.constant('tick' as const) },
    { weight: 1, arbitrary: fc.constant('kill' as const) },
  ),
  { maxLength: 25 },
);

const RETRY = { attempts: 2, delayMs: 3, factor: 2, maxDelayMs: 5, when: undefined };
const TIMEOUT = 25;

/** What becomes of a record: `ok`, `fails`, or `late` for one that times out. */
function fateOf({ attempts }: Answer, retries: boolean): 'ok' | 'fails' | 'late' {
  let spent = 0;
  for (let n = 1; n <= (retries ? RETRY.attempts : 1); n += 1) {
    const { after, fails } = attempts[Math.min(n, attempts.length) - 1] as Answer['attempts'][0];
    spent += after + (n > 1 ? RETRY.delayMs : 0);
    if (spent > TIMEOUT) return 'late';
    if (!fails) return 'ok';
  }
  return 'fails';
}

async function check(
  all: readonly (Answer | 'watermark' | 'tick' | 'kill')[],
  how: { order: 'input' | 'any'; retries: boolean },
) {
  const { order, retries } = how;
  const rig = new Rig({ order, timeoutMs: TIMEOUT + 0.5, retry: retries ? RETRY : undefined });
  const items: Item[] = [];
  const fences: number[] = [];
  for (const step of all) {
    if (step === 'tick') await rig.tick();
    else if (step === 'watermark') {
      const watermark = items.length + 0.5;
      if (watermark !== fences.at(-1)) fences.push(watermark);
      if (!rig.advance(watermark)) throw new Error('a watermark is not taken');
    } else if (step === 'kill') rig.restart([rig.save()]);
    else {
      const item = { id: items.length + 1, ...step };
      items.push(item);
      rig.offer([item]);
      while (!rig.taken) await rig.tick();
    }
  }
  while (!rig.advance(TIME_MAX)) await rig.tick();
  if (!rig.end()) throw new Error('it has not ended');
  if (rig.mostInFlight > 3) throw new Error(`${rig.mostInFlight} calls at a time`);
  const fates = items.map((item) => [item.id, fateOf(item, retries)] as const);
  const ids = rig.out.flatMap((each) => ('id' in each ? [each.id] : []));
  const wanted = fates.filter(([, fate]) => fate === 'ok').map(([id]) => id);
  const ordered = order === 'input' ? ids : [...ids].sort((a, b) => a - b);
  if (ordered.join() !== wanted.join()) throw new Error(`out: ${ids}, not ${wanted}`);
  const rejected = new Map(rig.rejected.map(([error, id]) => [id, (error as MillraceError).code ?? 'error']));
  if (rejected.size !== rig.rejected.length) throw new Error('rejected twice');
  for (const [id, fate] of fates) {
    const code = { ok: undefined, fails: 'error', late: 'MILL_ASYNC_TIMEOUT' }[fate];
    if (rejected.get(id) !== code) throw new Error(`${id} is ${fate}, and was rejected with ${rejected.get(id)}`);
  }
  let passed = 0;
  for (const each of rig.out) {
    if ('watermark' in each) passed = each.watermark;
    else if (each.id < passed) throw new Error(`watermark ${passed} has overtaken ${each.id}`);
  }
  const said = rig.out.flatMap((each) => ('watermark' in each ? [each.watermark] : []));
  if (said.some((time, at) => time <= (said[at - 1] ?? TIME_MIN))) throw new Error(`watermarks ${said}`);
  if (said.at(-1) !== fences.at(-1)) throw new Error(`the last watermark is ${said.at(-1)}, not ${fences.at(-1)}`);
}

for (const order of ['input', 'any'] as const) {
  for (const retries of [false, true]) {
    t.test(`order ${order}, ${retries ? 'with' : 'without'} retries`, async () => {
      await fc.assert(
        fc.asyncProperty(steps, (all) => check(all, { order, retries })),
        { numRuns: RUNS },
      );
    });
  }
}

const takes = (after: number, fails = false): Answer => ({ attempts: [{ after, fails }] });
const ids = (rig: Rig): number[] => rig.out.flatMap((each) => ('id' in each ? [each.id] : []));

t.test('any order: as they are done, but not across a watermark', async (t) => {
  const rig = new Rig({ order: 'any', capacity: 10 });
  rig.offer([
    { id: 1, ...takes(9) },
    { id: 2, ...takes(5) },
  ]);
  rig.advance(2.5);
  rig.offer([{ id: 3, ...takes(1) }]);
  while (await rig.tick());
  t.same(rig.out, [{ id: 2 }, { id: 1 }, { watermark: 2.5 }, { id: 3 }]);
});

t.test('a full queue takes in what comes before a barrier that is on its way, and calls for it in turn', async (t) => {
  const rig = new Rig({ capacity: 2 });
  const items = [1, 2, 3, 4, 5].map((id) => ({ id, ...takes(10) }));
  rig.offer(items);
  t.equal(rig.taken, false);
  t.equal(rig.calls, 2);
  rig.awaitsBarrier = true;
  rig.work();
  t.equal(rig.taken, true);
  t.equal(rig.calls, 2);
  const saved = rig.save();
  t.same(
    (saved as [Item, number][]).map(([{ id }]) => id),
    [1, 2, 3, 4, 5],
  );
  while (await rig.tick());
  t.same(ids(rig), [1, 2, 3, 4, 5]);
  t.equal(rig.mostInFlight, 2);
  const again = new Rig({ capacity: 2 });
  // What two subtasks have saved may come to one.
  again.restart([saved, [[{ id: 6, ...takes(1) }, 6]]]);
  while (await again.tick());
  t.same(ids(again), [1, 2, 3, 4, 5, 6]);
});

t.test('results in place of time-outs, errors not worth another attempt, and signals', async (t) => {
  const rig = new Rig({ timeoutMs: 5, onTimeout: (({ id }: Item) => ({ id: -id })) as never });
  rig.offer([{ id: 1, ...takes(6) }]);
  while (await rig.tick());
  t.same(ids(rig), [-1]);
  t.equal(rig.aborted, 1);
  const picky = new Rig({ retry: { ...RETRY, when: () => false } });
  picky.offer([{ id: 1, ...takes(1, true) }]);
  while (await picky.tick());
  t.same(
    picky.rejected.map(([, id]) => id),
    [1],
  );
  t.equal(picky.calls, 1);
  const closed = new Rig({});
  closed.offer([{ id: 1, ...takes(1) }]);
  closed.restart([]);
  t.equal(closed.aborted, 1);
  while (await closed.tick());
  t.same(closed.out, []);
});

t.test('what returns at once needs no promise; what throws is rejected', (t) => {
  const rig = new Rig({ apply: ((item: Item) => item) as never });
  rig.offer([1, 2, 3, 4, 5, 6, 7].map((id) => ({ id, ...takes(0) })));
  t.same(ids(rig), [1, 2, 3, 4, 5, 6, 7]);
  const throwing = new Rig({
    apply: () => {
      throw new Error('no');
    },
  });
  throwing.offer([{ id: 1, ...takes(0) }]);
  t.equal(throwing.rejected.length, 1);
  t.end();
});

const batchSteps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.nat({ max: 20 }) },
    { weight: 1, arbitrary: fc.constant('watermark' as const) },
    { weight: 2, arbitrary: fc.constant('tick' as const) },
    { weight: 1, arbitrary: fc.constant('kill' as const) },
  ),
  { maxLength: 30 },
);

/** Calls for several records each; a call takes as long as its first one says. */
class BatchRig extends Rig {
  readonly sizes: number[] = [];

  constructor(spec: Partial<AsyncSpec>) {
    const sizes: number[] = [];
    const apply = async (items: readonly Item[]): Promise<unknown> => {
      sizes.push(items.length);
      await new Promise<void>((resolve) => this.clock.timer(items[0]?.attempts[0]?.after ?? 0, () => resolve()));
      return items.map(({ id }) => ({ id }));
    };
    super({ ...spec, apply: apply as unknown as AsyncSpec['apply'] });
    this.sizes = sizes;
  }
}

for (const order of ['input', 'any'] as const) {
  t.test(`several records a call, order ${order}`, async () => {
    const check = async (all: readonly (number | string)[], size: number): Promise<void> => {
      const rig = new BatchRig({ order, capacity: 2, batch: { size, delayMs: 7 } });
      let id = 0;
      for (const step of all) {
        if (step === 'tick') await rig.tick();
        else if (step === 'watermark') rig.advance(id + 0.5);
        else if (step === 'kill') rig.restart([rig.save()]);
        else {
          id += 1;
          rig.offer([{ id, attempts: [{ after: step as number, fails: false }] }]);
          while (!rig.taken) await rig.tick();
        }
      }
      while (!rig.advance(TIME_MAX)) await rig.tick();
      const found = ids(rig);
      if (order === 'any') found.sort((a, b) => a - b);
      if (found.join() !== Array.from({ length: id }, (_, at) => at + 1).join()) throw new Error(`out: ${found}`);
      if (rig.sizes.some((each) => each > size || each === 0)) throw new Error(`calls for ${rig.sizes}`);
      let passed = 0;
      for (const each of rig.out) {
        if ('watermark' in each) passed = each.watermark;
        else if (each.id < passed) throw new Error(`watermark ${passed} has overtaken ${each.id}`);
      }
    };
    const property = fc.asyncProperty(batchSteps, fc.integer({ min: 1, max: 4 }), check);
    await fc.assert(property, { numRuns: RUNS });
  });
}

t.test('a call for several waits until there are enough, or for so long', async (t) => {
  const rig = new BatchRig({ capacity: 2, batch: { size: 3, delayMs: 7 } });
  rig.offer([1, 2].map((id) => ({ id, ...takes(0) })));
  t.same(rig.sizes, []);
  await rig.tick();
  t.equal(rig.clock.now - START, 7);
  t.same(rig.sizes, [2]);
  while (await rig.tick());
  rig.offer([3, 4, 5, 6].map((id) => ({ id, ...takes(0) })));
  t.same(rig.sizes, [2, 3]);
  while (await rig.tick());
  t.same(ids(rig), [1, 2, 3, 4, 5, 6]);
});

t.test('a call for several that does not give as many results', async (t) => {
  for (const result of [[1], undefined, 'text']) {
    const rig = new Rig({ batch: { size: 2, delayMs: 1 }, apply: (() => result) as never });
    rig.offer([1, 2].map((id) => ({ id, ...takes(0) })));
    while (await rig.tick());
    t.match(rig.rejected, [
      [{ code: 'MILL_FUNCTION_FAILED' }, 1],
      [{ code: 'MILL_FUNCTION_FAILED' }, 2],
    ]);
  }
});
