/** The published package works in an empty project: its entries, its types, its command. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import ts from 'typescript';
import { STARTER } from '../../cli/starter.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const call = promisify(execFile);

const PROGRAM = `
import { collect, fromIterable, job, run } from 'millrace';
import * as testing from 'millrace/testing';
const doubled = job('doubled', (j) => j.from('in', fromIterable([1, 2, 3])).map((n) => n * 2).to('out', collect()));
const { results } = await run(doubled);
console.log(results.join(), Object.keys(testing).length > 0);
`;

const project = await mkdtemp(join(tmpdir(), 'millrace-pack-'));
t.teardown(() => rm(project, { recursive: true, force: true }));

const installed = join(project, 'node_modules/millrace');

const packed = await call('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], { cwd: ROOT });
const [tarball] = JSON.parse(packed.stdout) as { filename: string; files: { path: string }[] }[];
await install(join(project, tarball?.filename ?? ''));

/** What `npm install` does, without a network: unpacked, with the declared dependencies beside it and no others. */
async function install(archive: string): Promise<void> {
  await mkdir(installed, { recursive: true });
  await call('tar', ['-xzf', archive, '-C', installed, '--strip-components=1']);
  await writeFile(join(project, 'package.json'), '{ "type": "module", "private": true }');
  for (const name of Object.keys((await manifest()).dependencies)) {
    const link = join(project, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), link, 'junction');
  }
}

async function manifest(): Promise<{ dependencies: Record<string, string>; bin: { millrace: string } }> {
  return JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
}

t.test('it holds the compiled package and nothing else', async (t) => {
  const foreign =
    /^(?!dist\/(agents|api|checkpoint|cli|connectors|core|engine|operators|state|testing)\/.*\.(js|d\.ts)$)/;
  const paths = tarball?.files.map(({ path }) => path) ?? [];
  t.same(paths.filter((path) => foreign.test(path)).sort(), ['LICENSE', 'README.md', 'package.json']);
});

t.test('both entries can be imported, and a job runs inline', async (t) => {
  await writeFile(join(project, 'program.mjs'), PROGRAM);
  const { stdout } = await call(process.execPath, ['program.mjs'], { cwd: project });
  t.equal(stdout, '2,4,6 true\n');
});

t.test('the command tells its version and runs a TypeScript job on workers', async (t) => {
  await writeFile(join(project, 'job.ts'), STARTER);
  const bin = join(installed, (await manifest()).bin.millrace);
  const version = await call(process.execPath, [bin, '--version'], { cwd: project });
  t.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  const { stdout } = await call(process.execPath, [bin, 'run', 'job.ts', '--workers', '2'], { cwd: project });
  t.match(stdout, /^09:00 {2}north {2}20 orders/m);
});

const MISSING_PEERS = `
import { collect, fromIterable, job, run } from 'millrace';
import { listMcpTools } from 'millrace/agents';
const codeOf = (promise) => Promise.resolve(promise).then(() => 'none', ({ code, hint }) => code + ': ' + hint);
console.log(await codeOf(listMcpTools({ command: 'node' })));
const how = { vector: (n) => [n], rowKey: (n) => n, rowVector: (n) => [n], index: 'hnsw' };
console.log(await codeOf(run(job('near', (j) => {
  const rows = j.from('rows', fromIterable([1])).broadcast();
  j.from('in', fromIterable([1])).vectorJoin('near', rows, how, (n) => n).to('out', collect());
}), { restart: { kind: 'none' } })));
`;

t.test('what needs an optional package says so', async (t) => {
  await writeFile(join(project, 'missing.mjs'), MISSING_PEERS);
  const { stdout } = await call(process.execPath, ['missing.mjs'], { cwd: project });
  t.match(stdout.split('\n'), [
    'MILL_PACKAGE_MISSING: npm install @modelcontextprotocol/client@2',
    'MILL_PACKAGE_MISSING: npm install usearch@2',
  ]);
});

/** What has optional packages behind it, which are not there. */
const WITHOUT_PEERS = `
import type { Stream } from 'millrace';
import { jsonSchema, mcpTools, openAiCompatible } from 'millrace/agents';
import { chatModelConformance } from 'millrace/testing';
declare const texts: Stream<string>;
const model = openAiCompatible({ model: 'any', baseUrl: 'http://localhost' });
export const tools = mcpTools({ server: { url: 'http://localhost' }, list: {} });
export const checks = chatModelConformance(() => model);
export const n: Stream<number> = texts.infer('n', { model, instructions: 'Count.', output: jsonSchema<number>({ type: 'number' }) });
`;

t.test('its types are found and sound under strict options', async (t) => {
  await writeFile(join(project, 'job.ts'), STARTER);
  await writeFile(join(project, 'agents.ts'), WITHOUT_PEERS);
  const program = ts.createProgram([join(project, 'job.ts'), join(project, 'agents.ts')], {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  });
  const messages = ts.getPreEmitDiagnostics(program).map(({ messageText, file }) => {
    return `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  t.same(messages, []);
});
