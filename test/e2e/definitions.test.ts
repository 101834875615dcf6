/**
 * Jobs and runs that make no sense are refused before anything starts, at the user's own line. What TypeScript would
 * refuse as well gets here from JavaScript and from parameters.
 */
import {
  collect,
  csv,
  deadLetter,
  fileSink,
  files,
  fromIterable,
  generate,
  type JobBuilder,
  job,
  ndjson,
  print,
  type RunOptions,
  run,
  type Stream,
  session,
  side,
  sliding,
  state,
  tumbling,
} from 'millrace';
import t from 'tap';
import { type Failure, failureOf } from './failure-of.js';

const numbers = fromIterable([1, 2, 3]);
const out = <T>(stream: Stream<T>): unknown => stream.to('out', print());
const keyed = (j: JobBuilder) => j.from('numbers', numbers).keyBy((n) => n);
const wrong = (value: unknown): never => value as never;

interface Case {
  readonly define: (j: JobBuilder) => unknown;
  readonly expected: { readonly [P in keyof Failure]?: Failure[P] | RegExp };
}

const option = (message: RegExp): Case['expected'] => ({ code: 'MILL_OPTION_INVALID', message });

const CASES: Record<string, Case> = {
  'no source': { define: () => {}, expected: { code: 'MILL_PLAN_INVALID', hint: 'Begin with j.from(name, source).' } },
  'a source that nobody reads': {
    define: (j) => [j.from('unread', numbers), out(j.from('numbers', numbers))],
    expected: { code: 'MILL_PLAN_INVALID', operator: 'unread', line: /^from\('unread'/, hint: /\.to\(/ },
  },
  'an operator that nobody reads': {
    define: (j) => [out(j.from('numbers', numbers)), j.from('more', numbers).map((n) => n, { name: 'lost' })],
    expected: { code: 'MILL_PLAN_INVALID', operator: 'lost', line: /^map\(/ },
  },
  'two sources of one name': {
    define: (j) => [out(j.from('numbers', numbers)), j.from('numbers', numbers).to('out-2', print())],
    expected: { code: 'MILL_NAME_TAKEN', operator: 'numbers', message: /:\d+\) and a/, line: /^from\('numbers'/ },
  },
  'a sink named as an operator': {
    define: (j) =>
      keyed(j)
        .reduce('total', (a, b) => a + b)
        .to('total', print()),
    expected: { code: 'MILL_NAME_TAKEN', operator: 'total', line: /^to\('total'/ },
  },
  'a dead-letter sink named as another': {
    define: (j) => out(j.from('numbers', numbers, { onError: deadLetter('out', print()) })),
    expected: { code: 'MILL_NAME_TAKEN', operator: 'out' },
  },
  'an empty name': {
    define: (j) => out(j.from('', numbers)),
    expected: { code: 'MILL_NAME_INVALID', line: /^from\('',/ },
  },
  'a name with a slash': {
    define: (j) => out(j.from('a/b', numbers)),
    expected: { code: 'MILL_NAME_INVALID', message: /"a\/b"/ },
  },
  'no name': {
    define: (j) => out(keyed(j).reduce(wrong(undefined), (a) => a)),
    expected: { code: 'MILL_NAME_INVALID', line: /^reduce\(/ },
  },
  'a duration in words': {
    define: (j) =>
      out(
        keyed(j)
          .window(tumbling(wrong('1 hour')))
          .aggregate('w', (a) => ({ n: a.count() })),
      ),
    expected: option(/1 hour.*expected a duration/),
  },
  'a window of no length': { define: () => tumbling(0), expected: option(/0/) },
  'a window that slides by nothing': { define: () => sliding('1h', 0), expected: option(/0/) },
  'a session without a gap': { define: () => session('0s'), expected: option(/0/) },
  'lateness below zero': {
    define: (j) => keyed(j).window(tumbling('1h'), { lateness: -1 }),
    expected: option(/lateness is -1/),
  },
  'disorder that is no duration': {
    define: (j) => j.from('numbers', numbers).eventTime((n) => n, { outOfOrder: wrong('long') }),
    expected: option(/outOfOrder is "long"/),
  },
  'an aggregate named key': {
    define: (j) => keyed(j).aggregate('total', (a) => ({ key: a.count() })),
    expected: option(/cannot be named 'key'/),
  },
  'no aggregate': { define: (j) => keyed(j).aggregate('total', () => ({})), expected: option(/no aggregate/) },
  'fewer than no records': { define: () => generate({ count: -1, make: (n) => n }), expected: option(/count is -1/) },
  'a rate of nothing': { define: () => generate({ rate: 0, make: (n) => n }), expected: option(/rate is 0/) },
  'no path': { define: () => files([], ndjson()), expected: option(/no path/) },
  'no directory': { define: () => fileSink('', ndjson()), expected: option(/directory is empty/) },
  'a long delimiter': { define: () => csv({ delimiter: '::' }), expected: option(/delimiter is "::"/) },
  'state with an invalid name': {
    define: (j) => out(keyed(j).process('p', { state: { 'a b': state.value<number>() }, onRecord: (n) => [n] })),
    expected: { code: 'MILL_NAME_INVALID', message: /a b/, line: /^process\(/ },
  },
  'a side output named as that of dead letters': {
    define: (j) => {
      const onError = deadLetter('dead', print());
      const sides = { 'dead-letters': side<number>() };
      return out(keyed(j).process('p', { sides, onRecord: (n) => [n], onError }));
    },
    expected: { code: 'MILL_NAME_TAKEN', operator: 'p', line: /^process\(/ },
  },
  'a branch named rest': {
    define: (j) => j.from('numbers', numbers).split({ rest: (n) => n > 1 }),
    expected: { code: 'MILL_NAME_TAKEN', line: /^split\(/ },
  },
};

for (const [name, { define, expected }] of Object.entries(CASES)) {
  t.test(name, async (t) => {
    const definition = job('nonsense', (j) => void define(j));
    t.match(await failureOf(async () => run(definition)), { hint: /./, ...expected });
  });
}

const sane = job('sane', { params: { n: 1 } }, (j, { n }) => j.from('numbers', fromIterable([n])).to('out', collect()));
/** Never imported: nothing gets so far. */
const MODULE = { url: new URL('./absent.js', import.meta.url).href };

const RUNS: Record<string, { readonly options: RunOptions<{ n: number }>; readonly expected: Case['expected'] }> = {
  'no workers': { options: { workers: 0 }, expected: option(/workers is 0, expected an integer from 1 to 128/) },
  'half a worker': { options: { workers: 1.5 }, expected: option(/workers is 1\.5/) },
  'more workers than key groups': { options: { workers: 129 }, expected: option(/workers is 129/) },
  'no memory': { options: { workers: 1, workerMemoryMb: 0 }, expected: option(/workerMemoryMb is 0/) },
  'restarts that are no policy': { options: { restart: wrong({ kind: 'often' }) }, expected: option(/restart/) },
  'restarts after no time': {
    options: { restart: { kind: 'fixed-delay', attempts: 1, delay: wrong('soon') } },
    expected: option(/restart\.delay is "soon"/),
  },
  'restarts without a number': {
    options: { restart: { kind: 'fixed-delay', attempts: wrong(undefined), delay: 0 } },
    expected: option(/restart\.attempts is undefined/),
  },
  'restarts that come ever faster': {
    options: { restart: { kind: 'exponential', initial: '1s', max: '1m', factor: 0.5, resetAfter: '1h' } },
    expected: option(/restart\.factor is 0\.5/),
  },
  'parameters that cannot be cloned': {
    options: { params: { n: wrong(() => 1) } },
    expected: { code: 'MILL_PARAMS_INVALID', hint: /structuredClone/ },
  },
};

for (const [name, { options, expected }] of Object.entries(RUNS)) {
  t.test(name, async (t) => {
    // At once, not in the end: a handle would be a job that has been started.
    const failure = await failureOf(async () => t.fail(`started: ${run(MODULE, sane, options).status}`));
    t.match(failure, { hint: /./, ...expected });
  });
}
