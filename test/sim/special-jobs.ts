/**
 * Random jobs for what the general ones leave out: records that are late, and splits that are found while the job
 * runs.
 */
import { fileSink, generate, job, ndjson, type Source, tumbling } from 'millrace';
import { Random } from '../../core/random.js';
import type { Enumerator, Split, SplitReader } from '../../operators/source.js';
import { OUT, type RandomJob } from './random-job.js';
import type { Event } from './steps.js';

const SIZE = 20;
const OUT_OF_ORDER = 6;

/**
 * Tumbling windows over a log with late records, a watermark after each: what is late depends on the log alone, as
 * long as one worker runs it.
 */
export function lateJob(seed: number): RandomJob {
  const random = new Random(seed);
  let time = 0;
  const events = Array.from({ length: 20 + random.below(60) }, (_, n): Event => {
    time += random.below(6);
    return { id: `${n}`, key: random.below(3), at: time - random.below(40), v: random.below(100), from: '', seq: n };
  });
  const definition = job<Event>('late', (j) => {
    const windows = j
      .from('log', generate<Event>({ count: events.length, splits: 1, rate: 3_000, make: (n) => events[n] as Event }))
      .eventTime((event) => event.at, { outOfOrder: OUT_OF_ORDER, emit: 'each' })
      .keyBy((event) => event.key)
      .window(tumbling(SIZE))
      .aggregate('windows', (a) => ({ n: a.count(), sum: a.sum((event) => event.v) }));
    const fired = windows.map(({ key, window, n, sum }): Event => windowEvent(key, window.start, n, sum));
    fired.union(windows.late).to('out', fileSink(OUT, ndjson(), { roll: { every: '20ms' } }));
  });
  return { definition, expected: lateModel(events), description: `late ${events.length}` };
}

const windowEvent = (key: number, start: number, n: number, sum: number): Event => ({
  id: `${key}@${start}`,
  key: n,
  at: start,
  v: sum,
  from: '',
  seq: 0,
});

function lateModel(events: readonly Event[]): Event[] {
  const windows = new Map<string, { key: number; start: number; n: number; sum: number }>();
  const late: Event[] = [];
  let watermark = Number.NEGATIVE_INFINITY;
  for (const event of events) {
    const start = Math.floor(event.at / SIZE) * SIZE;
    if (start + SIZE - 1 <= watermark) late.push(event);
    else {
      const name = `${event.key}@${start}`;
      const window = windows.get(name) ?? { key: event.key, start, n: 0, sum: 0 };
      windows.set(name, { ...window, n: window.n + 1, sum: window.sum + event.v });
    }
    watermark = Math.max(watermark, event.at - OUT_OF_ORDER - 1);
  }
  return [...late, ...[...windows.values()].map(({ key, start, n, sum }) => windowEvent(key, start, n, sum))];
}

interface GrowingSplit extends Split {
  readonly first: number;
  readonly end: number;
}

/** A source that finds one split after another; each event is to come out once. */
export function growingJob(seed: number): RandomJob {
  const random = new Random(seed);
  const splits: GrowingSplit[] = [];
  let end = 0;
  for (let n = 2 + random.below(6); n > 0; n -= 1) {
    const first = end;
    end += 1 + random.below(20);
    splits.push({ id: `${first}`, first, end });
  }
  const eventAt = (n: number): Event => ({ id: `${n}`, key: n % 4, at: n, v: n, from: '', seq: n });
  const definition = job<Event>('growing', (j) => {
    j.from('log', growing(splits, 1 + random.below(6), eventAt))
      .keyBy((event) => event.key)
      .process('pass', { onRecord: (event) => [event] })
      .to('out', fileSink(OUT, ndjson(), { roll: { every: '20ms' } }));
  });
  const expected = Array.from({ length: end }, (_, n) => eventAt(n));
  return { definition, expected, description: `growing ${splits.length} splits, ${end} events` };
}

function growing(splits: readonly GrowingSplit[], everyMs: number, eventAt: (n: number) => Event): Source<Event> {
  const source: Source<Event, GrowingSplit> = {
    kind: 'growing',
    description: `${splits.length} splits`,
    bounded: false,
    enumerator: () => new GrowingEnumerator(splits, everyMs),
    reader: (split, position) => growingReader(split, (position as number | undefined) ?? split.first, eventAt),
  };
  return source as Source<Event>;
}

class GrowingEnumerator implements Enumerator<GrowingSplit> {
  private found = 0;

  constructor(
    private readonly splits: readonly GrowingSplit[],
    private readonly intervalMs: number,
  ) {}

  get everyMs(): number | undefined {
    return this.found < this.splits.length ? this.intervalMs : undefined;
  }

  async discover(): Promise<readonly GrowingSplit[]> {
    const split = this.splits[this.found];
    if (!split) return [];
    this.found += 1;
    return [split];
  }

  snapshot(): unknown {
    return this.found;
  }

  restore(state: unknown): void {
    this.found = state as number;
  }
}

function growingReader(split: GrowingSplit, position: number, eventAt: (n: number) => Event): SplitReader {
  let next = position;
  return {
    poll(batch) {
      while (next < split.end && !batch.full) {
        batch.push(eventAt(next), Number.NEGATIVE_INFINITY);
        next += 1;
      }
      return next < split.end ? 'more' : 'end';
    },
    position: () => next,
    close() {},
  };
}
