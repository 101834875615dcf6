/** The command line as a process: output, exit codes, signals. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { collect, fromIterable, job } from 'millrace';
import t from 'tap';
import { confirmFresh } from '../../cli/confirm-fresh.js';
import { STARTER } from '../../cli/starter.js';
import { NodeHost } from '../../engine/host/node-host.js';
import { MainPool } from '../../engine/host/task-pool.js';

const MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(directory: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], { cwd: directory, env: { ...process.env, NO_COLOR: '1' } });
}

async function end(child: ChildProcess): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (text) => (stdout += text));
  child.stderr?.on('data', (text) => (stderr += text));
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

const millrace = (directory: string, ...args: string[]): Promise<Ended> => end(start(directory, args));

t.test('help and usage errors', async (t) => {
  const directory = t.testdir({});
  const [help, version, unknown, wrong] = await Promise.all([
    millrace(directory, 'run', '--help'),
    millrace(directory, '--version'),
    millrace(directory, 'rnu', 'job.ts'),
    millrace(directory, 'run', 'job.ts', '--workers', 'two'),
  ]);
  t.match(help, { code: 0, stdout: /Examples:\n {2}millrace run job\.ts/ });
  t.match(version, { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
  t.match(unknown, { code: 1, stderr: /unknown command 'rnu'\n\(Did you mean run\?\)/ });
  t.match(wrong, { code: 1, stderr: /'two' is invalid.*whole number/ });
});

t.test('init writes a job that runs at once, and overwrites nothing', async (t) => {
  const directory = t.testdir({});
  t.match(await millrace(directory, 'init', 'shop'), { code: 0, stdout: /npx millrace run shop\/job\.ts/ });
  t.match(await millrace(directory, 'init', 'shop'), { code: 1, stderr: /^MILL_FILE_UNWRITABLE: .* exists already/ });
  const { code, stdout, stderr } = await millrace(directory, 'run', 'shop/job.ts', '--workers', '2');
  t.equal(code, 0, stderr);
  t.match(stdout, /^09:04 {2}south {2}20 orders, [\d.]+$/m);
  t.match(stderr, /^takings finished: 300 events in .* s/m);
});

t.test('plan shows chains, or JSON', async (t) => {
  const directory = t.testdir({ 'job.ts': STARTER });
  const [text, json] = await Promise.all([
    millrace(directory, 'plan', 'job.ts'),
    millrace(directory, 'plan', 'job.ts', '--json'),
  ]);
  t.match(text, { code: 0, stdout: /^job takings: 2 chains, 128 key groups[\s\S]*→ per-minute by key\n\nchain 1/ });
  t.match(JSON.parse(json.stdout), {
    job: 'takings',
    chains: [[{ name: 'orders' }], [{ name: 'per-minute' }, {}, {}]],
  });
});

const PARAMS = `
import { collect, fromIterable, job } from 'millrace';
export default job('params', { params: { numbers: [1], factor: 1 } }, (j, { numbers, factor }) =>
  j.from('in', fromIterable(numbers)).map((n) => n * factor).to('out', collect()),
);
`;

t.test('params reach the job, and what it collects is printed', async (t) => {
  const directory = t.testdir({ 'job.mjs': PARAMS });
  const params = ['--param', 'numbers=[2,3]', '-p', 'factor=10'];
  const [text, json] = await Promise.all([
    millrace(directory, 'run', 'job.mjs', '--inline', ...params),
    millrace(directory, 'run', 'job.mjs', '-w', '1', '--no-state', '--json', ...params),
  ]);
  t.match(text, { code: 0, stdout: '20\n30\n' });
  const lines = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.same(
    lines.filter(({ type }) => type === 'record'),
    [20, 30].map((record) => ({ type: 'record', sink: 'out', record })),
  );
  t.match(lines.at(-1), { type: 'summary', job: 'params', status: 'finished', events: 2, sinks: { out: 2 } });
});

const FAILING = `
import { fromIterable, job, print } from 'millrace';
export default job('failing', (j) => {
  j.from('in', fromIterable([{ cents: 1 }, {}]))
    .map((order) => order.cents.toFixed(2), { name: 'euros' })
    .to('out', print());
});
`;

t.test('an error is a paragraph, a line of JSON, or comes with its stack', async (t) => {
  const directory = t.testdir({ 'job.mjs': FAILING });
  const [text, json, verbose] = await Promise.all([
    millrace(directory, 'run', 'job.mjs', '-w', '1', '--no-state'),
    millrace(directory, 'run', 'job.mjs', '--inline', '--json', '--no-state'),
    millrace(directory, 'run', 'job.mjs', '-w', '1', '--verbose', '--no-state'),
  ]);
  t.equal(text.code, 1);
  t.match(
    text.stderr,
    /^MILL_FUNCTION_FAILED: .*toFixed[\s\S]*operator {2}euros[\s\S]*declared {2}job\.mjs:5:6\n {12}5 \| \.map/m,
  );
  t.notMatch(text.stderr, / at .*job\.mjs/);
  t.match(JSON.parse(json.stdout.trim().split('\n').at(-1) as string), {
    type: 'error',
    code: 'MILL_FUNCTION_FAILED',
    operator: 'euros',
  });
  t.match(verbose.stderr, / at .*job\.mjs/);
});

const ENDLESS = `
import { generate, job, print } from 'millrace';
export default job('endless', (j) => void j.from('in', generate({ rate: 1000, make: (n) => n })).to('out', print()));
`;

t.test('Ctrl-C stops the job and tells so by the exit code', async (t) => {
  const directory = t.testdir({ 'job.mjs': ENDLESS });
  for (const [args, said] of [
    [['--no-state'], /stopping[\s\S]*endless stopped: .*\/s\n {2}out +[\d,]+ records\n$/],
    [
      [],
      /stopping[\s\S]*endless stopped: .*\/s\n.* records\nthe next run goes on from here \(\.millrace\/endless\)\n$/,
    ],
    [[], /endless stopped: .*, on from a checkpoint\n/],
  ] as const) {
    const child = start(directory, ['run', 'job.mjs', '-w', '1', ...args]);
    const ended = end(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGINT');
    t.match(await ended, { code: 130, stderr: said });
  }
});

const FILES = `
import { fileSink, fromIterable, job, lines } from 'millrace';
export default job('files', (j) => void j.from('in', fromIterable(['a', 'b'])).to('letters', fileSink('out', lines())));
`;

t.test('a job that has finished says so, and starts over only with a yes', async (t) => {
  const directory = t.testdir({ 'job.mjs': FILES, out: { 'mine.txt': 'keep' } });
  const run = (...args: string[]): Promise<Ended> => millrace(directory, 'run', 'job.mjs', '-w', '1', ...args);
  t.match(await run('--fresh'), { code: 0, stderr: /^files finished/m }, 'nothing to remove, nothing to ask');
  const files = readdirSync(`${directory}/out`);
  t.equal(files.length, 2);
  t.match(await run(), {
    code: 0,
    stderr: /^files has finished already, at 20.*Z \(\.millrace\/files\): nothing to do; --fresh starts over\n$/,
  });
  const json = await run('--json');
  t.match(JSON.parse(json.stdout.trim().split('\n').at(-1) as string), { status: 'finished', alreadyFinished: true });
  t.match(await run('--fresh'), {
    code: 1,
    stderr: /^MILL_FRESH_UNCONFIRMED: This removes the checkpoints in \.millrace\/files and 1 file of letters, and/,
  });
  t.same(readdirSync(`${directory}/out`), files, 'and nothing has been removed');
  t.match(await run('--fresh', '--yes'), { code: 0, stderr: /^files finished: 2 events/m });
  const now = readdirSync(`${directory}/out`);
  t.equal(now.length, 2);
  t.ok(now.includes('mine.txt') && now.join() !== files.join(), 'its own file is another one');
});

t.test('a question is asked on a terminal, and only a yes is a yes', async (t) => {
  const plan = job('asked', (j) => void j.from('in', fromIterable([1])).to('out', collect())).plan();
  const host = new NodeHost(new MainPool(undefined));
  const state = t.testdir({ checkpoints: { '000000000001-abc.manifest': '' } });
  const asked: string[] = [];
  for (const [answer, expected] of [
    ['y', true],
    ['YES ', true],
    ['', false],
    ['yesterday', false],
  ] as const) {
    const ask = async (question: string): Promise<string> => {
      asked.push(question);
      return answer;
    };
    t.equal(await confirmFresh({ plan, host, state, yes: false, ask }), expected, answer);
  }
  t.equal(asked[0], `This removes the checkpoints in ${state}. Start asked over? [y/N] `);
});

t.test('mcp-tools prints what a server has, with its own options left to it', async (t) => {
  const directory = t.testdir({});
  const server = fileURLToPath(
    new URL('../../../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js', import.meta.url),
  );
  const all = await millrace(directory, 'mcp-tools', '--only', 'read_text_file', process.execPath, server, directory);
  t.equal(all.code, 0, all.stderr);
  t.match(JSON.parse(all.stdout), { read_text_file: { description: /./, input: { required: ['path'] } } });
  t.same(Object.keys(JSON.parse(all.stdout)), ['read_text_file']);
  const args = ['-e', 'console.error("not today"); process.exit(2)'];
  const broken = await millrace(directory, 'mcp-tools', process.execPath, ...args);
  t.match(broken, { code: 1, stderr: /MILL_MCP_FAILED: .*not today/s });
  const missing = await millrace(directory, 'mcp-tools', '--only', 'red', process.execPath, server, directory);
  t.match(missing, { code: 1, stderr: /the server has no tool red/ });
});
