/** `millrace agent` and `millrace eval` as processes: what they print, and how they end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunRecord } from 'millrace/agents';
import t from 'tap';

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

const MODULE = `
import { fileSink, generate, job, ndjson } from 'millrace';
import { agent, tool } from 'millrace/agents';
import { z } from 'zod';

interface Order { readonly id: number }

const deciding = (version: string, limit: number) => agent({
  version,
  tools: {
    hold: tool({ description: 'Holds.', input: z.object({ id: z.number() }), effect: 'outbox', run: () => undefined }),
  },
  async run({ id }: Order, ctx) {
    const risk = await ctx.step('risk', () => id * 10);
    const bound = await ctx.step('bound', () => limit);
    if (risk > bound) await ctx.tool('hold', { id });
    if (id === 9) throw new RangeError('nine is too many');
    return { id, hold: risk > bound };
  },
});

export const stricter = deciding('2', 40);
export const judge = ({ reply, input }) => ({ score: reply?.hold === (input.id > 4) ? 1 : 0 });

export default job('orders', (j) => {
  const { replies, runs, failures } = j
    .from('orders', generate({ count: 10, make: (id): Order => ({ id }) }))
    .keyBy(({ id }) => id)
    .agent('deciding', deciding('1', 60));
  replies.to('replies', fileSink('replies', ndjson()));
  runs.to('runs', fileSink('runs', ndjson()));
  failures.to('failures', fileSink('failures', ndjson()));
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

async function runsOf(directory: string): Promise<RunRecord[]> {
  const names = (await readdir(join(directory, 'runs'))).filter((name) => !name.startsWith('.'));
  const texts = await Promise.all(names.map((name) => readFile(join(directory, 'runs', name), 'utf8')));
  return texts.flatMap((text) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as RunRecord),
  );
}

t.test('recorded runs are listed, shown, forked and judged', async (t) => {
  const directory = t.testdir({ 'job.ts': MODULE });
  const ran = await millrace(directory, 'run', 'job.ts', '--workers', '1');
  t.equal(ran.code, 0, ran.stderr);
  const runs = await runsOf(directory);
  const of = (id: number): RunRecord => runs.find(({ key }) => key === id) as RunRecord;
  const onRuns = ['--runs', 'runs'] as const;

  const [failed, listed, shown, step, forked] = await Promise.all([
    millrace(directory, 'agent', 'list', ...onRuns, '--failed'),
    millrace(directory, 'agent', 'list', ...onRuns, '--last', '3', '--json'),
    millrace(directory, 'agent', 'show', of(7).id.slice(0, 10), ...onRuns),
    millrace(directory, 'agent', 'show', of(7).id, ...onRuns, '--step', '0'),
    millrace(directory, 'agent', 'fork', of(5).id, 'job.ts', ...onRuns, '--from', '1', '--with', 'stricter'),
  ]);
  t.match(failed, { code: 0, stdout: /^run .*\n\w{12} {3}deciding +1 +9 +failed +3 [^\n]*\n$/ });
  t.equal(listed.stdout.trim().split('\n').length, 3);
  t.match(
    shown.stdout,
    /run 0 of 7\n[\s\S]*0 {3}step {3}risk +\d+ ms +{} +→ 70\n[\s\S]*hold +\d+ ms +{"input":{"id":7}}/,
  );
  t.match(shown.stdout, /replied {"id":7,"hold":true}/);
  t.match(step.stdout, /^step 0: step risk, \d{4}-[\s\S]*answered\n{\n {2}"value": 70\n}/);
  t.match(forked, { code: 0, stdout: /hold: false → true[\s\S]*would have called hold\({"id":5}\)/ });

  const labels = runs.map(({ id, key }) => JSON.stringify({ run: id, reply: { hold: (key as number) > 4 } }));
  await writeFile(join(directory, 'labels.ndjson'), labels.join('\n'));
  const tried = ['eval', 'job.ts', ...onRuns, '--with', 'stricter', '--calls', 'live', '--fail-under', '0.95'];
  const [byLabels, byJudge, neither] = await Promise.all([
    millrace(directory, ...tried, '--labels', 'labels.ndjson'),
    millrace(directory, ...tried, '--judge', 'judge', '--json'),
    millrace(directory, ...tried),
  ]);
  t.match(byLabels, { code: 1, stdout: /^10 runs judged\nright before: 7 of 10[^\n]*\nright now: {4}9 of 10/ });
  t.match(JSON.parse(byJudge.stdout), { runs: 10, right: { before: { count: 7 }, after: { count: 9 } }, better: 2 });
  t.match(neither, { code: 1, stderr: /either --labels or --judge/ });
});

t.test('what there is not is said', async (t) => {
  const run = { id: 'abc', steps: [], operator: 'deciding' };
  const directory = t.testdir({ 'job.ts': MODULE, 'runs.ndjson': `${JSON.stringify(run)}\n` });
  const [unknown, noStep] = await Promise.all([
    millrace(directory, 'agent', 'show', 'fff', '--runs', 'runs.ndjson'),
    millrace(directory, 'agent', 'show', 'a', '--runs', 'runs.ndjson', '--step', '3'),
  ]);
  t.match(unknown, { code: 1, stderr: /no run fff[\s\S]*millrace agent list/ });
  t.match(noStep, { code: 1, stderr: /has no step 3/ });
});
