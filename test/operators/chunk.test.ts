/**
 * Chunks against a model: batches, watermarks, the clock and room downstream are drawn, and the operator is cut and goes on
 * from its snapshot anywhere.
 */
import fc from 'fast-check';
import t from 'tap';
import { Batch, Inbox } from '../../core/batch.js';
import type { Host } from '../../core/host.js';
import { TIME_MAX, TIME_MIN } from '../../core/time.js';
import { VirtualClock } from '../../engine/host/virtual-clock.js';
import { type ChunkSpec, chunkFactory } from '../../operators/chunk.js';
import type { Operator, OperatorContext } from '../../operators/operator.js';

const RUNS = 2_000;
const CAPACITY = 2;

type Out = { readonly chunk: readonly number[]; readonly timestamp: number } | { readonly watermark: number };

/** Drives the operator as a stage does: it is called again only for records at hand, a control, or because it woke up. */
class Rig {
  readonly out: Out[] = [];
  readonly clock = new VirtualClock(1_000);
  private operator: Operator;
  private output = new Batch(CAPACITY);
  private woken = false;
  private watermark = TIME_MIN;
  private said = TIME_MIN;

  constructor(private readonly spec: ChunkSpec) {
    this.operator = this.start([]);
  }

  private start(restored: readonly unknown[]): Operator {
    const rig = this;
    const context = {
      host: { timer: (ms: number, fire: () => void) => this.clock.timer(ms, fire) } as Host,
      output: this.output,
      get watermark() {
        return rig.watermark;
      },
      wake: () => {
        this.woken = true;
      },
    } as unknown as OperatorContext;
    const operator = chunkFactory(this.spec)(context, restored);
    void operator.open?.();
    return operator;
  }

  offer(records: readonly number[]): void {
    const batch = new Batch(Math.max(1, records.length));
    for (const record of records) batch.push(record, record);
    const inbox = new Inbox(batch);
    while (!inbox.drained) {
      this.operator.process(inbox);
      this.drain(inbox.drained);
    }
    this.settle();
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    while (!this.operator.onWatermark?.(watermark)) this.drain(false);
    this.settle();
  }

  end(): void {
    this.advance(TIME_MAX);
    while (!this.operator.onEnd?.()) this.drain(false);
    this.drain(true);
  }

  tick(): void {
    this.clock.advance();
    this.settle();
  }

  restart(): void {
    this.settle();
    const saved = structuredClone(this.operator.snapshot?.(1, false)?.state);
    void this.operator.close?.();
    this.output = new Batch(CAPACITY);
    this.woken = false;
    this.said = TIME_MIN;
    this.operator = this.start([saved]);
    this.settle();
  }

  private settle(): void {
    this.drain(true);
    while (this.woken) {
      this.woken = false;
      this.operator.onWake?.();
      this.drain(true);
    }
  }

  private drain(saysWatermark: boolean): void {
    const { output } = this;
    for (let at = 0; at < output.count; at += 1)
      this.out.push({ chunk: output.records[at] as number[], timestamp: output.timestamps[at] as number });
    output.release();
    const own = this.operator.ownWatermark?.() ?? TIME_MIN;
    if (!saysWatermark || own <= this.said) return;
    this.said = own;
    this.out.push({ watermark: own });
  }
}

const chunksOf = (out: readonly Out[]): readonly number[][] =>
  out.flatMap((each) => ('chunk' in each ? [[...each.chunk]] : []));

/** Nothing comes out behind a watermark that it came before. */
function checkTimes(out: readonly Out[]): void {
  let watermark = TIME_MIN;
  for (const each of out) {
    if ('watermark' in each) watermark = Math.max(watermark, each.watermark);
    else if (each.timestamp <= watermark) throw new Error(`chunk at ${each.timestamp} behind ${watermark}`);
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('records' as const), count: fc.nat(7) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('watermark' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('tick' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  ),
  { maxLength: 25 },
);

function play(rig: Rig, all: typeof steps extends fc.Arbitrary<infer S> ? S : never): number {
  let next = 1;
  for (const step of all) {
    if (step.kind === 'tick') rig.tick();
    else if (step.kind === 'restart') rig.restart();
    else if (step.kind === 'watermark') rig.advance(next - 1);
    else rig.offer(Array.from({ length: step.count }, () => next++));
  }
  return next - 1;
}

t.test('without a limit of time, chunks are the input cut into pieces, at once, and never late', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), steps, (size, all) => {
      const rig = new Rig({ size, withinMs: Number.POSITIVE_INFINITY });
      const count = play(rig, all);
      const full = Math.floor(count / size);
      if (chunksOf(rig.out).length !== full) throw new Error(`${chunksOf(rig.out).length} chunks are out, not ${full}`);
      rig.end();
      const numbers = Array.from({ length: count }, (_, at) => at + 1);
      const model = Array.from({ length: Math.ceil(count / size) }, (_, at) =>
        numbers.slice(at * size, (at + 1) * size),
      );
      t.same(chunksOf(rig.out), model);
      checkTimes(rig.out);
    }),
    { numRuns: RUNS },
  );
  t.end();
});

t.test('with one, each record is out once, in order, in chunks that are no larger, and never late', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), steps, (size, all) => {
      const rig = new Rig({ size, withinMs: 10 });
      const count = play(rig, all);
      rig.tick();
      const numbers = Array.from({ length: count }, (_, at) => at + 1);
      // Time is up for all of them.
      t.same(chunksOf(rig.out).flat(), numbers);
      rig.end();
      t.same(chunksOf(rig.out).flat(), numbers);
      t.ok(chunksOf(rig.out).every(({ length }) => length >= 1 && length <= size));
      checkTimes(rig.out);
    }),
    { numRuns: RUNS },
  );
  t.end();
});
