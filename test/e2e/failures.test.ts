/**
 * Whatever user code does, a job ends with a typed error that names operator, key, position and the user's own line as
 * far as they are known; nothing of it becomes visible, and nothing hangs.
 */
import { run } from 'millrace';
import t from 'tap';
import { type Failure, failureOf, visibleFiles } from './failure-of.js';
import * as throwing from './jobs/throwing.js';

t.setTimeout(120_000);

const MODULE = { url: new URL('./jobs/throwing.js', import.meta.url).href };

/** The fourth batch of split 1, of four: numbers 1, 5, 9 … */
const BATCH = { split: '1', from: 12_289, to: 16_385 };
const BOOM = { code: 'MILL_FUNCTION_FAILED', message: 'RangeError: boom at 13333', cause: 'boom at 13333' };

const JOBS = { ...throwing };

const EXPECTED: Record<keyof typeof JOBS, Partial<Failure>> = {
  map: { ...BOOM, operator: 'careful', line: 'map(boom', position: BATCH },
  filter: { ...BOOM, operator: 'picky', line: 'filter(boom', position: BATCH },
  expanding: { ...BOOM, operator: 'twice', line: 'flatMap(', position: BATCH },
  nothing: {
    code: 'MILL_FUNCTION_FAILED',
    message: 'threw null, which is not an Error',
    cause: 'null',
    operator: 'nothing',
    line: 'map(',
    position: BATCH,
  },
  selector: { ...BOOM, operator: 'per-key', line: "aggregate('per-key'", position: BATCH },
  noKey: { code: 'MILL_KEY_INVALID', operator: 'per-key', line: "aggregate('per-key'", position: BATCH },
  aggregate: { ...BOOM, operator: 'per-key', key: '"k3"', line: "aggregate('per-key'" },
  reduce: { ...BOOM, operator: 'latest', key: '"k3"', line: "reduce('latest'" },
  onRecord: { ...BOOM, operator: 'keyed', key: '"k3"', line: "process('keyed'" },
  onTimer: { ...BOOM, operator: 'keyed', key: '"k3"', line: "process('keyed'" },
  onProcessingTimer: { ...BOOM, operator: 'keyed', line: "process('keyed'" },
  windowFold: { ...BOOM, operator: 'hundreds', key: '"k3"', line: "aggregate('hundreds'" },
  windowFiring: { ...BOOM, operator: 'hundreds', key: '"k3"', line: "process('hundreds'" },
  eventTime: { ...BOOM, operator: 'items', line: 'eventTime(', position: BATCH },
  noTime: { code: 'MILL_TIMESTAMP_INVALID', operator: 'items', line: 'eventTime(', position: BATCH },
  untimed: { code: 'MILL_TIMESTAMP_MISSING', operator: 'hours', line: "aggregate('hours'" },
  sinkCallback: { ...BOOM, operator: 'pager', line: 'to(', position: BATCH },
  sinkPromise: { ...BOOM, operator: 'pager', line: 'to(' },
  generator: { ...BOOM, operator: 'made', line: "from('made'", position: 13_333 },
  iterable: { ...BOOM, code: 'MILL_SOURCE_FAILED', operator: 'listed', line: 'from(', position: 13_333 },
  asyncIterable: { ...BOOM, code: 'MILL_SOURCE_FAILED', operator: 'awaited', line: 'from(' },
  offloaded: { ...BOOM, operator: 'heavy', line: "offload('heavy'" },
  unwritable: { code: 'MILL_RECORD_NOT_PLAIN', operator: 'out', line: "to('out'", position: BATCH },
};

for (const [name, expected] of Object.entries(EXPECTED)) {
  for (const how of [{ inline: true }, { workers: 2 }]) {
    t.test(`${name}, ${JSON.stringify(how)}`, async (t) => {
      const out = t.testdir({});
      const failure = await failureOf(() =>
        run(MODULE, JOBS[name as keyof typeof JOBS], { ...how, state: false, params: { out } }),
      );
      const { line = '', ...rest } = expected;
      t.match(failure, { ...rest, hint: /./ });
      t.ok(failure.line?.startsWith(line), `declared at "${failure.line}"`);
      t.same(visibleFiles(out), []);
    });
  }
}
