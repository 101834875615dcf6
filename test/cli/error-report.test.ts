/** What the command line says of errors: the paragraph, the JSON line, the stacks. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { errorLine, errorReport } from '../../cli/error-report.js';
import { userFrame } from '../../cli/user-frame.js';
import { MillraceError } from '../../core/errors.js';

t.test('a paragraph names code, place, the line of the user and the next step', async (t) => {
  const directory = t.testdir({ 'job.ts': "first\n  .map('cents', (o) => o.price.cents)\n" });
  const error = new MillraceError('MILL_FUNCTION_FAILED', 'The function of cents failed', {
    operator: 'cents',
    subtask: 1,
    key: ['EWR', 7n],
    position: 'orders.ndjson:17',
    declaredAt: `${join(directory, 'job.ts')}:2:4`,
    cause: Object.assign(new TypeError('Cannot read properties of undefined', { cause: 'no price' }), {
      stack: `TypeError: no\n    at get (node:internal)\n    at price (${join(directory, 'job.ts')}:1:2)\n`,
    }),
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
      '  thrown    job.ts:1:2',
      '            1 | first',
      '  cause     TypeError: Cannot read properties of undefined',
      '  cause     threw "no price", which is not an Error',
      "  next      Mend the function, or set the operator's onError.",
    ].join('\n'),
  );
});

t.test('what is not known is left out, and so is a cause that the message repeats', async (t) => {
  const error = new MillraceError('MILL_SINK_FAILED', 'The sink out failed: disk gone', {
    cause: Object.assign(new Error('disk gone'), { stack: '' }),
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

t.test('a position is a place as it is written, or its parts', async (t) => {
  const shown = (position: unknown): string => errorReport(new MillraceError('MILL_BUG', 'x', { position }));
  t.match(shown('a.csv:3'), '  position  a.csv:3\n');
  t.match(shown({ split: '0', from: 2, to: 3n }), '  position  split 0, from 2, to "3n"\n'.replaceAll('"', ''));
  t.match(shown(17), '  position  17\n');
});

t.test('the user frame is neither ours nor that of a package', async (t) => {
  const stack = (...frames: string[]): Error =>
    Object.assign(new Error('x'), { stack: `Error: x\n${frames.join('\n')}` });
  const own = fileURLToPath(new URL('../../core/errors.js', import.meta.url));
  const user = '    at f (file:///shop/job.ts:3:4)';
  t.equal(
    userFrame(stack(`    at g (${own}:1:1)`, '    at h (/shop/node_modules/zod/a.js:1:1)', user)),
    '/shop/job.ts:3:4',
  );
  t.equal(userFrame(stack('    at native', `    at async ${own}:1:1`)), undefined);
  t.equal(userFrame('not an error'), undefined);
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
