/**
 * Jobs that would take all memory if anything in them were buffered without bound: each makes far more than what comes
 * after it can take, for ever.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { type GenerateOptions, generate, type JobBuilder, job, type Sink, type Stream } from 'millrace';

interface Item {
  readonly n: number;
  readonly text: string;
}

const make: GenerateOptions<Item>['make'] = (n) => ({ n, text: `item ${n}` });

/** A sink that takes some records, and then nothing for a millisecond. */
export function slowSink<T>(recordsPerMs: number): Sink<T> {
  return {
    kind: 'slow',
    description: `${recordsPerMs} records a millisecond`,
    writer: ({ host, wake }) => {
      let [resting, closed] = [false, false];
      return {
        write(inbox) {
          if (resting) return;
          inbox.cursor = Math.min(inbox.batch.count, inbox.cursor + recordsPerMs);
          resting = true;
          host.timer(1, () => {
            resting = false;
            if (!closed) wake();
          });
        },
        prepare: async () => [],
        close() {
          closed = true;
        },
      };
    },
  };
}

/**
 * `collectMs`: how often each worker collects its garbage, so that what is left is what is kept; 0: as it likes, which
 * lets young generations grow for minutes where little is made a second.
 */
const params = { collectMs: 0 };

function collectGarbage(everyMs: number): void {
  if (isMainThread || everyMs === 0) return;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
  setInterval(collect, everyMs).unref();
  // In between, what has just been made and dropped.
  setInterval(() => collect({ type: 'minor' }), everyMs / 10).unref();
}

const items = (j: JobBuilder): Stream<Item> => j.from('items', generate({ make }));

/** A source makes millions a second; all of them go to the slow sink by way of the other worker. */
export const slowSinkJob = job('slow-sink', { params }, (j, { collectMs }) => {
  collectGarbage(collectMs);
  items(j).rebalance().to('out', slowSink(16));
});

export const EXPANSION = 1_000_000;

/** One record becomes a million, again and again, for a keyed consumer that takes its time. */
export const expansionJob = job('expansion', { params }, (j, { collectMs }) => {
  collectGarbage(collectMs);
  items(j)
    .flatMap(function* ({ n }) {
      for (let at = 0; at < EXPANSION; at += 1) yield { key: at % 1_000, n: n + at };
    })
    .keyBy(({ key }) => key)
    .aggregate('totals', (a) => ({ n: a.count(), sum: a.sum((item) => item.n) }))
    .to('out', slowSink(64));
});

export const TIMERS = 1_000_000;

/** Each key has a timer at the end of its million, so that one watermark fires a million timers. */
export const timersJob = job('timers', { params: { ...params, timers: TIMERS } }, (j, { timers, collectMs }) => {
  collectGarbage(collectMs);
  // One split: of two, either may run ahead in event time, and its timers wait for the other.
  j.from('numbers', generate({ splits: 1, make: (n) => n }))
    .eventTime((n) => n)
    .keyBy((n) => n % timers)
    .process('alarms', {
      onRecord: (n, ctx) => ctx.eventTimers.add((Math.floor(n / timers) + 1) * timers),
      onTimer: (time, ctx) => [{ key: ctx.key, time }],
    })
    .to('out', slowSink(1_024));
});
