/** `millrace replay` as a process: what it prints, and how it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

const MODULE = `
import { fileSink, generate, job, ndjson } from 'millrace';
import { agent } from 'millrace/agents';

interface Order { readonly id: number; readonly cents: number }

const deciding = (version: string, limit: number) => agent({
  version,
  async run({ id, cents }: Order, ctx) {
    const limits = await ctx.step('limits', () => ({ limit }));
    return { id, hold: cents > limits.limit && cents > limit };
  },
});

export const stricter = deciding('2', 4);

export default job('orders', (j) => {
  const { replies, runs } = j
    .from('orders', generate({ count: 10, make: (id): Order => ({ id, cents: id }) }))
    .keyBy(({ id }) => id)
    .agent('deciding', deciding('1', 2));
  replies.to('replies', fileSink('replies', ndjson()));
  runs.to('runs', fileSink('runs', ndjson()));
});
`;

async function millrace(directory: string, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: directory, env: { ...process.env, NO_COLOR: '1' } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

t.test('recorded runs are replayed, against the agent itself and a candidate', async (t) => {
  const directory = t.testdir({ 'job.ts': MODULE });
  t.match(await millrace(directory, 'run', 'job.ts', '--workers', '1'), { code: 0 });
  t.match(await millrace(directory, 'replay', 'job.ts', '--runs', 'runs'), {
    code: 0,
    stdout: /^10 runs; the same: 10 of 10: 100\.0 % \(72\.2 % to 100\.0 %\)\n/,
  });
  const compared = ['replay', 'job.ts', '--runs', 'runs', '--with', 'stricter', '--html', 'report.html'];
  const candidate = await millrace(directory, ...compared, '--fail-under', '0.9');
  t.match(candidate, { code: 1, stdout: /the same: 8 of 10[\s\S]*hold differs in 2[\s\S]*hold: true → false/ });
  t.match(await readFile(join(directory, 'report.html'), 'utf8'), /Fields that differ/);
  const { stdout } = await millrace(directory, ...compared, '--json');
  t.match(JSON.parse(stdout), { runs: 10, agreement: { count: 8 } });
});

t.test('a whole job is replayed, and its sinks get nothing', async (t) => {
  const directory = t.testdir({ 'job.ts': MODULE });
  t.match(await millrace(directory, 'run', 'job.ts', '--workers', '1'), { code: 0 });
  const before = await readdir(join(directory, 'replies'));
  const whole = ['replay', 'job.ts', '--whole', '--runs', 'runs'];
  t.match(await millrace(directory, ...whole, '--fail-under', '1'), {
    code: 0,
    stdout:
      /^deciding: 0 inputs without a recorded run, 0 .*\n10 runs; the same: 10 of 10[\s\S]*replies {2}10 records\n/,
  });
  t.match(await millrace(directory, ...whole, '--with', 'stricter', '--fail-under', '0.9'), {
    code: 1,
    stdout: /8 of 10/,
  });
  t.same(await readdir(join(directory, 'replies')), before);
});

t.test('what there is not is said', async (t) => {
  const directory = t.testdir({ 'job.ts': MODULE });
  const [nowhere, unknown, other, wrong] = await Promise.all([
    millrace(directory, 'replay', 'job.ts', '--runs', 'nowhere'),
    millrace(directory, 'replay', 'job.ts', '--runs', 'x', '--with', 'nothing'),
    millrace(directory, 'replay', 'job.ts', '--runs', 'x', '--agent', 'nobody'),
    millrace(directory, 'replay', 'job.ts', '--runs', 'x', '--calls', 'none'),
  ]);
  t.match(nowhere, { code: 1, stderr: /MILL_FILE_MISSING/ });
  t.match(unknown, { code: 1, stderr: /exports no agent nothing/ });
  t.match(other, { code: 1, stderr: /no agent nobody: deciding/ });
  t.match(wrong, { code: 1, stderr: /Expected one of recorded, live, recorded-then-live/ });
});
