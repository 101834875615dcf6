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

t.test('its types are found and sound under strict options', async (t) => {
  await writeFile(join(project, 'job.ts'), STARTER);
  const program = ts.createProgram([join(project, 'job.ts')], {
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
