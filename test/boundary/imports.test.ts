/**
 * What must not leak into the boundary by which other engines host millrace: threads, shared memory, the process, the
 * real host, the coordinator and its checkpoints. Looked for in everything that subtask.ts imports, however far away.
 */
import t from 'tap';
import ts from 'typescript';
import { importsOf, targetOf } from '../tidy/layers.js';
import { nodesOf, PRODUCT, placeOf, readSources, type SourceFile } from '../tidy/source-files.js';

const BOUNDARY = 'engine/worker/subtask.ts';

/** Folders of things that live on our side only. */
const OURS = /^(engine\/coordinator|engine\/host|checkpoint|api|connectors|cli|testing)\//;

const MODULES = /^node:(?!buffer$|path$|url$|util$)|^(piscina|classic-level|tsx)/;

const GLOBALS = new Set([
  'Atomics',
  'MessageChannel',
  'SharedArrayBuffer',
  'Worker',
  'console',
  'parentPort',
  'process',
  'setImmediate',
  'setInterval',
  'setTimeout',
]);

const sources = new Map(readSources(PRODUCT).map((file) => [file.path, file]));

/** The boundary and all that it imports, types included: a type is a promise to whoever hosts it. */
function behind(entry: string): SourceFile[] {
  const found = new Set<string>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    const imports = importsOf(sources.get(path) as SourceFile);
    waiting.push(
      ...imports.filter(({ specifier }) => specifier.startsWith('.')).map(({ specifier }) => targetOf(path, specifier)),
    );
  }
  return [...found].map((path) => sources.get(path) as SourceFile);
}

function leaksOf(file: SourceFile): string[] {
  const modules = importsOf(file)
    .filter(({ specifier }) => MODULES.test(specifier))
    .map(({ node, specifier }) => `${placeOf(file, node)} imports ${specifier}`);
  const globals = nodesOf(file.tree)
    .filter((node): node is ts.Identifier => ts.isIdentifier(node) && GLOBALS.has(node.text))
    .filter(({ parent }) => !ts.isMethodSignature(parent) && !ts.isMethodDeclaration(parent))
    .filter((node) => !(ts.isPropertyAccessExpression(node.parent) && node.parent.name === node))
    .map((node) => `${placeOf(file, node)} names ${node.text}`);
  return [...modules, ...globals];
}

const files = behind(BOUNDARY);

t.test('the boundary reaches nothing of threads, processes or our own runtime', async (t) => {
  t.ok(files.length > 20, `${files.length} files are behind it`);
  t.same(
    files.map(({ path }) => path).filter((path) => OURS.test(path)),
    [],
  );
  t.same(files.flatMap(leaksOf), []);
});

t.test('the analysis finds what leaks', async (t) => {
  const thread = sources.get('engine/host/thread-main.ts') as SourceFile;
  t.match(leaksOf(thread).join('\n'), /imports node:worker_threads[\s\S]*names parentPort/);
  const ring = sources.get('engine/exchange/ring.ts') as SourceFile;
  t.match(leaksOf(ring).join('\n'), /names SharedArrayBuffer[\s\S]*names Atomics/);
  t.ok(
    behind('engine/worker/worker.ts').some(({ path }) => OURS.test(path)),
    'a worker is our own',
  );
});
