/**
 * A running sum per key of records that are due at fixed times, whatever the job makes of them (an open loop: what comes late
 * has waited since it was due, so that nothing is omitted). What comes out are histograms of how long records took.
 */
import { threadId } from 'node:worker_threads';
import { collect, job, type Source, state } from 'millrace';
import { type Counts, Histogram } from '../histogram.js';

export const pacedParams = { keys: 100_000, perSecond: 100_000, splits: 1, warmUpMs: 3_000 };

interface Paced {
  readonly key: number;
  readonly value: number;
  /** Microseconds of the machine's monotonic clock; 0: it is not measured. */
  readonly due: number;
}

/** How long the records of one worker have taken so far. */
export interface Latencies {
  readonly thread: number;
  readonly counts: Counts;
}

const TELL_MICROS = 1e6;

/** The same clock in all threads. */
function micros(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1e6 + nanos / 1e3;
}

/** Records at a fixed rate; with an infinite one, as many as there is room for. */
function paced({ keys, perSecond, splits, warmUpMs }: typeof pacedParams): Source<Paced, { readonly id: string }> {
  return {
    kind: 'paced',
    description: `${perSecond} a second`,
    bounded: false,
    enumerator: () => {
      let given = false;
      return {
        async discover() {
          const found = given ? [] : Array.from({ length: splits }, (_, at) => ({ id: String(at) }));
          given = true;
          return found;
        },
        snapshot: () => given,
        restore: (was) => {
          given = was as boolean;
        },
      };
    },
    reader: () => {
      const gap = (splits * 1e6) / perSecond;
      let [begun, count] = [0, 0];
      return {
        poll(batch) {
          const now = micros();
          if (begun === 0) begun = now;
          const measuredFrom = begun + warmUpMs * 1_000;
          for (let due = begun + count * gap; due <= now && !batch.full; due = begun + count * gap) {
            const key = (Math.imul(count, 0x9e3779b1) >>> 0) % keys;
            batch.push({ key, value: count & 1023, due: due >= measuredFrom ? due : 0 }, Number.NEGATIVE_INFINITY);
            count += 1;
          }
          return 'more';
        },
        position: () => count,
        close() {},
      };
    },
  };
}

/** Takes the time of each record; what comes out, once a second, is all times so far. */
function latencies(): (record: { readonly due: number }) => readonly Latencies[] {
  const histogram = new Histogram();
  let toldAt = micros();
  return ({ due }) => {
    const now = micros();
    if (due > 0) histogram.add(now - due);
    if (now < toldAt + TELL_MICROS) return NOTHING;
    toldAt = now;
    return [{ thread: threadId, counts: histogram.counts }];
  };
}

const NOTHING: readonly Latencies[] = [];

export default job('paced-sum', { params: pacedParams }, (j, params) => {
  const sums = j
    .from('numbers', paced(params))
    .keyBy((r) => r.key)
    .process('sums', {
      state: { sum: state.value<number>({ initial: 0 }) },
      onRecord({ key, value, due }, ctx) {
        const sum = ctx.state.sum.get() + value;
        ctx.state.sum.set(sum);
        return [{ key, sum, due }];
      },
    });
  return sums.flatMap(latencies()).to('out', collect());
});
