/**
 * What goes wrong with threads and between them: a worker that dies, a record that does not survive the way to another
 * worker, a module that workers cannot make the job of. Each is a typed error, and never a hang.
 */
import { type JobDefinition, run } from 'millrace';
import t, { type Test } from 'tap';
import type { ErrorData } from '../../core/errors.js';
import { program, runToEnd } from './child.js';
import { type Failure, failureOf, visibleFiles } from './failure-of.js';
import * as crashing from './jobs/crashing.js';
import * as differing from './jobs/differing.js';
import exitsAtImport from './jobs/exits-at-import.js';
import failsInWorker from './jobs/fails-in-worker.js';
import { hidden } from './jobs/hidden.js';
import * as unsendable from './jobs/unsendable.js';
import waitsForEver from './jobs/waits-for-ever.js';

t.setTimeout(120_000);

type AnyJob = JobDefinition<unknown, { out?: string }>;

/** Runs it on two workers; whatever it fails with, nothing is to be seen. */
async function fails(t: Test, module: string, job: unknown, expected: object): Promise<void> {
  const out = t.testdir({});
  const url = new URL(`./jobs/${module}.js`, import.meta.url).href;
  const failure = await failureOf(() => run({ url }, job as AnyJob, { workers: 2, state: false, params: { out } }));
  t.match(failure, { hint: /./, ...expected });
  t.same(visibleFiles(out), []);
}

const CRASHES: Record<
  Exclude<keyof typeof crashing, 'memory' | 'suddenMemory'>,
  Partial<Record<keyof Failure, unknown>>
> = {
  rejection: { code: 'MILL_WORKER_FAILED', message: 'nobody awaits this', cause: 'nobody awaits this' },
  rejectionOfNull: { code: 'MILL_WORKER_FAILED', message: /null/ },
  callback: { code: 'MILL_WORKER_FAILED', message: 'nobody catches this', cause: 'nobody catches this' },
  callbackOfNull: { code: 'MILL_WORKER_FAILED', message: 'threw null, which is not an Error' },
  exit: { code: 'MILL_WORKER_EXITED', message: /ended with exit code 0.*process\.exit/ },
  exitWithCode: { code: 'MILL_WORKER_EXITED', message: /ended with exit code 7.*process\.exit/ },
};

for (const [name, expected] of Object.entries(CRASHES)) {
  t.test(`a worker dies: ${name}`, (t) =>
    fails(t, 'crashing', { ...crashing }[name as keyof typeof CRASHES], expected),
  );
}

/** Attempts until V8, which may end the whole process when a worker's memory runs out, has left it alive. */
const ATTEMPTS = 5;

t.test('a worker that runs out of memory is a typed error, unless V8 ends the process', async (t) => {
  const out = t.testdir({});
  let report: Partial<ErrorData> | undefined;
  for (let attempt = 0; attempt < ATTEMPTS && !report; attempt += 1) {
    const { code, stdout } = await runToEnd(program('out-of-memory'), ['slow', out]);
    t.not(code, 0, 'it ends, and not well');
    if (stdout !== '') report = JSON.parse(stdout) as ErrorData;
  }
  t.match(report, { code: 'MILL_WORKER_OUT_OF_MEMORY', message: /memory limit/, hint: /workerMemoryMb/ });
  t.same(visibleFiles(out), []);
});

t.test('memory that runs out at once may end the process: with a code, not with a hang', async (t) => {
  const out = t.testdir({});
  const { code, signal, stderr, stdout } = await runToEnd(program('out-of-memory'), ['sudden', out]);
  t.ok(code !== 0 || signal !== null, `code ${code}, signal ${signal}`);
  t.match(stderr + stdout, /out of memory/i);
  t.same(visibleFiles(out), []);
});

const UNSENDABLE: Record<keyof typeof unsendable, RegExp> = {
  aFunction: /record\.part is a function/,
  instance: /record\.part is an instance of class Money/,
  symbol: /record\.part is a symbol/,
  promise: /record\.part is an instance of class Promise/,
  cycle: /record\.part\.self is a cycle/,
  collected: /could not be cloned/,
};

for (const [name, message] of Object.entries(UNSENDABLE)) {
  const [operator, line] = name === 'collected' ? ['results', /^to\('results'/] : ['spoil', /^map\(/];
  t.test(`a record does not survive: ${name}`, (t) =>
    fails(t, 'unsendable', { ...unsendable }[name as keyof typeof unsendable], {
      code: 'MILL_RECORD_NOT_PLAIN',
      message,
      operator,
      line,
    }),
  );
}

t.test('a module that cannot be imported by a worker', (t) =>
  fails(t, 'fails-in-worker', failsInWorker, {
    code: 'MILL_JOB_MODULE_FAILED',
    cause: 'there is no window to draw in',
    position: /fails-in-worker\.js$/,
  }),
);

t.test('a job that workers do not find', (t) => fails(t, 'hidden', hidden, { code: 'MILL_JOB_NOT_IN_MODULE' }));

t.test('the wrong module', (t) =>
  fails(t, 'hidden', failsInWorker, { code: 'MILL_JOB_NOT_IN_MODULE', message: /does not define job windowed/ }),
);

t.test('a module that does not exist', (t) =>
  fails(t, 'absent', failsInWorker, { code: 'MILL_JOB_MODULE_FAILED', cause: /Cannot find module/ }),
);

t.test('an import that never comes to an end', (t) =>
  fails(t, 'waits-for-ever', waitsForEver, { code: 'MILL_JOB_NOT_IN_MODULE', message: /waits for something/ }),
);

t.test('an import that ends the worker', (t) =>
  fails(t, 'exits-at-import', exitsAtImport, { code: 'MILL_WORKER_EXITED', message: /exit code 3/ }),
);

for (const [name, job] of Object.entries(differing)) {
  t.test(`a plan that differs: ${name}`, (t) => fails(t, 'differing', job, { code: 'MILL_JOB_DIFFERS' }));
}
