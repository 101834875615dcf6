/** The code in README.md and the guide compiles, and what says that it runs does run and prints what it says. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import ts from 'typescript';
import { type CodeBlock, codeBlocks } from './code-blocks.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Inside the package, so that 'millrace' is the package itself; hidden, so that the build leaves it alone. */
const PLACE = join(ROOT, 'dist/.examples');

/** As strict as the package itself; snippets may leave things unused. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2024.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  types: ['node'],
  noEmit: true,
};

const blocks = documents().flatMap((path) => codeBlocks(path, readFileSync(join(ROOT, path), 'utf8')));

t.before(() => {
  rmSync(PLACE, { recursive: true, force: true });
  mkdirSync(PLACE, { recursive: true });
  for (const block of blocks) writeFileSync(pathOf(block, 'ts'), sourceOf(block));
});

t.test(`all ${blocks.length} blocks compile`, async (t) => t.same(complaints(blocks), []));

for (const block of blocks.filter(({ run }) => run)) {
  t.test(`${block.document}:${block.line} runs`, async (t) => {
    const { outputText } = ts.transpileModule(sourceOf(block), {
      compilerOptions: { ...OPTIONS, module: ts.ModuleKind.ESNext, noEmit: false },
    });
    writeFileSync(pathOf(block, 'js'), outputText);
    const { stdout } = await promisify(execFile)(process.execPath, [pathOf(block, 'js')], {
      cwd: t.testdir(block.files),
    });
    if (block.output !== undefined) t.equal(stdout.trimEnd(), block.output.trimEnd());
  });
}

function documents(): string[] {
  const guide = existsSync(join(ROOT, 'docs/guide')) ? readdirSync(join(ROOT, 'docs/guide')) : [];
  return ['README.md', 'docs/errors.md', ...guide.map((name) => `docs/guide/${name}`)].filter(
    (path) => path.endsWith('.md') && existsSync(join(ROOT, path)),
  );
}

/** A module in any case, so that two blocks may use the same names. */
function sourceOf({ prelude, code }: CodeBlock): string {
  return `${prelude}${code}export {};\n`;
}

function pathOf({ document, line }: CodeBlock, extension: string): string {
  return join(PLACE, `${document.replaceAll('/', '-')}-${line}.${extension}`);
}

/** Type errors, at their lines in the documents. */
function complaints(all: readonly CodeBlock[]): string[] {
  const byPath = new Map(all.map((block) => [pathOf(block, 'ts'), block]));
  const program = ts.createProgram([...byPath.keys()], OPTIONS);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const block = diagnostic.file && byPath.get(diagnostic.file.fileName);
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n');
    return block ? `${block.document}:${lineOf(block, diagnostic)}: ${message}` : message;
  });
}

function lineOf({ line, prelude }: CodeBlock, { file, start }: ts.Diagnostic): number {
  const at = file?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0;
  return line + at - (prelude.split('\n').length - 1);
}

const SAMPLE = `<!-- prelude
declare const orders: string[];
-->
# Sample

\`\`\`ts
orders.length;
\`\`\`

\`\`\`json file=orders.ndjson
{"a":1}
\`\`\`

  \`\`\`ts
  // run
  import { log } from 'node:console';
  log('hello');
  \`\`\`

\`\`\`text
hello
\`\`\`

Text between.

~~~ts
import 'x';
~~~

More text.

\`\`\`text
not an output
\`\`\`
`;

t.test('blocks, outputs, files and preludes are found', async (t) => {
  const files = { 'orders.ndjson': '{"a":1}\n' };
  const code = "// run\nimport { log } from 'node:console';\nlog('hello');\n";
  const prelude = 'declare const orders: string[];\n';
  t.match(codeBlocks('a.md', SAMPLE), [
    { line: 7, run: false, prelude, code: 'orders.length;\n', output: undefined, files: {} },
    { line: 15, run: true, prelude: '', code, output: 'hello\n', files },
    { line: 27, run: false, prelude: '', code: "import 'x';\n", output: undefined, files },
  ]);
});
