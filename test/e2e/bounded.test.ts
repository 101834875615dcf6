/**
 * Where more is made than is taken, the source waits: counted in records that have been made and not yet taken, which
 * says the same as memory does and says it at once. `npm run bench -- memory` watches memory itself.
 */
import { type JobDefinition, type JobHandle, type OperatorMetrics, run } from 'millrace';
import t, { type Test } from 'tap';
import { EXPANSION, expansionJob, slowSinkJob, timersJob } from '../../bench/jobs/bounded.js';
import { LIMITS } from '../../core/limits.js';
import { until } from './until.js';

t.setTimeout(120_000);

const MODULE = { url: new URL('../../bench/jobs/bounded.js', import.meta.url).href };
const WORKERS = 2;

/** Batches that are being worked on, in each worker: of the source, of every operator, with every channel. */
const BATCHES = 8 * WORKERS * LIMITS.batchRecords;
/**
 * A record, be it only a number, takes more than this in a ring. Far less than most do: the workers' counters are not of
 * one instant, and what is not bounded goes past any bound.
 */
const RECORD_BYTES_MIN = 4;
const IN_RINGS = (WORKERS * LIMITS.ringBytes) / RECORD_BYTES_MIN;

type Counters = Readonly<Record<string, OperatorMetrics>>;

async function counters(handle: JobHandle<unknown>): Promise<Counters> {
  const { operators } = await handle.metrics();
  return Object.fromEntries(operators.map((operator) => [operator.name, operator]));
}

interface Watch {
  readonly params?: object;
  underWay(seen: Counters): number;
  readonly most: number;
  done(seen: Counters): boolean;
}

/** Looks at an endless job again and again until it is `done`; what is under way must never be more than `most`. */
async function watch(
  t: Test,
  job: JobDefinition<never, never>,
  { params = {}, underWay, most, done }: Watch,
): Promise<void> {
  const handle = run(MODULE, job as JobDefinition<never, object>, { workers: WORKERS, state: false, params });
  let highest = 0;
  await until(async () => {
    const seen = await counters(handle);
    if (!seen.out) return false;
    highest = Math.max(highest, underWay(seen));
    return done(seen) || highest > most;
  });
  await handle.cancel();
  t.ok(highest <= most, `at most ${highest} records were under way, ${most} may be`);
  t.ok(highest > 0, 'and some were');
}

const out = (seen: Counters, name: string): number => seen[name]?.recordsOut ?? 0;
const into = (seen: Counters, name: string): number => seen[name]?.recordsIn ?? 0;

t.test('a sink a hundred times slower than its source', (t) =>
  watch(t, slowSinkJob as never, {
    underWay: (seen) => out(seen, 'items') - into(seen, 'out'),
    most: BATCHES + IN_RINGS,
    done: (seen) => into(seen, 'out') > 20_000,
  }),
);

t.test('one record that becomes a million', async (t) => {
  await watch(t, expansionJob as never, {
    underWay: (seen) => out(seen, 'flat-map-1') - into(seen, 'totals'),
    most: BATCHES + IN_RINGS,
    done: (seen) => into(seen, 'totals') > EXPANSION / 10,
  });
  await watch(t, expansionJob as never, {
    underWay: (seen) => out(seen, 'items'),
    most: BATCHES,
    done: (seen) => into(seen, 'totals') > EXPANSION / 10,
  });
});

const TIMERS = 50_000;

t.test('a watermark that fires very many timers', async (t) => {
  await watch(t, timersJob as never, {
    params: { timers: TIMERS },
    // A record sets a timer, a timer makes a record: one round may be firing, one waiting for the watermark, which does not
    // leave with every record, and one be coming in.
    underWay: (seen) => out(seen, 'numbers') - out(seen, 'alarms'),
    most: 3 * TIMERS + BATCHES + IN_RINGS,
    done: (seen) => out(seen, 'alarms') > 5 * TIMERS,
  });
});
