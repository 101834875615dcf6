/** What the command line says of errors: the paragraph, the JSON line, the stacks. */
import { join } from 'node:path';
import t from 'tap';
import { errorLine, errorReport } from '../../cli/error-report.js';
import { MillraceError } from '../../core/errors.js';

t.test('a paragraph names code, place, the line of the user and the next step', async (t) => {
  const directory = t.testdir({ 'job.ts': "first\n  .map('cents', (o) => o.price.cents)\n" });
  const error = new MillraceError('MILL_FUNCTION_FAILED', 'The function of cents failed', {
    operator: 'cents',
    subtask: 1,
    key: ['EWR', 7n],
    position: 'orders.ndjson:17',
    declaredAt: `${join(directory, 'job.ts')}:2:4`,
    cause: new TypeError('Cannot read properties of undefined', { cause: 'no price' }),
  });
  t.equal(
    errorReport(error, { directory }),
    [
      'MILL_FUNCTION_FAILED: The function of cents failed',
      '  operator  cents, subtask 1',
      '  key       ["EWR","7n"]',
      '  position  orders.ndjson:17',
      '  declared  job.ts:2:4',
      "            2 | .map('cents', (o) => o.price.cents)",
      '  cause     TypeError: Cannot read properties of undefined',
      '  cause     threw "no price", which is not an Error',
      "  next      Mend the function, or set the operator's onError.",
    ].join('\n'),
  );
});

t.test('what is not known is left out, and so is a cause that the message repeats', async (t) => {
  const error = new MillraceError('MILL_SINK_FAILED', 'The sink out failed: disk gone', {
    cause: new Error('disk gone'),
  });
  t.equal(
    errorReport(error),
    'MILL_SINK_FAILED: The sink out failed: disk gone\n  next      See the cause; the job restarts as its restart strategy says.',
  );
});

t.test('a declaration whose file is not at hand is shown without its line', async (t) => {
  const error = new MillraceError('MILL_NAME_TAKEN', 'x', { declaredAt: 'file:///no/where/job.ts:3:1' });
  t.match(errorReport(error, { directory: '/some' }), '  declared  /no/where/job.ts:3:1\n  next');
});

t.test('anything thrown is reported, circular causes included', async (t) => {
  t.match(errorReport(null), /^MILL_BUG: threw null, which is not an Error\n/);
  const circular = new Error('round');
  circular.cause = circular;
  t.match(errorReport(circular, { verbose: true }), /^MILL_BUG: round\n/);
});

t.test('stacks come on request only', async (t) => {
  const error = new MillraceError('MILL_BUG', 'x', { cause: new RangeError('y') });
  t.notMatch(errorReport(error), /at .*error-report\.test/);
  t.match(errorReport(error, { verbose: true }), /at .*error-report\.test[\s\S]*caused by RangeError: y\n/);
});

t.test('the JSON line carries all of it', async (t) => {
  const line = errorLine(new MillraceError('MILL_KEY_INVALID', 'x', { operator: 'by-user', position: 17n }));
  t.notMatch(line, /\n/);
  t.match(JSON.parse(line), { type: 'error', code: 'MILL_KEY_INVALID', operator: 'by-user', position: '17n' });
});
