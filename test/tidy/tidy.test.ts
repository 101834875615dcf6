/** The repository keeps its own rules; and each rule catches what it is there to catch. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ERRORS } from '../../core/errors.js';
import { conventions } from './conventions.js';
import { determinism } from './determinism.js';
import { docstrings } from './docstrings.js';
import { errorCodes } from './error-codes.js';
import { layers } from './layers.js';
import { circles, reach } from './reach.js';
import { sizeSummary, sizes } from './sizes.js';
import { AROUND, PRODUCT, parseSource, ROOT, type Rule, readSources } from './source-files.js';

const product = readSources(PRODUCT);
const everything = [...product, ...readSources(AROUND)];

t.test('imports go inwards', async (t) => t.same(layers(product), []));

t.test('nothing is dead, nothing circular', async (t) => t.same([...reach(product), ...circles(product)], []));

t.test('nothing but the host touches the outside world', async (t) => t.same(determinism(product), []));

t.test('files and functions stay small', async (t) => {
  t.comment(sizeSummary(product));
  t.same(sizes(product), []);
});

t.test('files are named and introduced', async (t) => t.same(conventions(everything), []));

t.test('error codes are thrown and explained', async (t) => {
  const docs = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
  t.same(errorCodes(Object.keys(ERRORS), product, docs), []);
});

t.test('public names have docstrings', async (t) =>
  t.same(docstrings(['api/index.ts', 'agents/index.ts', 'testing/index.ts']), []),
);

/** Violations that a rule sees in one planted file. */
function planted(rule: Rule, path: string, text: string): string[] {
  return rule([parseSource(path, text)]);
}

t.test('the layer rule catches outward imports, foreign packages and concrete operators', async (t) => {
  const caught = (path: string, text: string): number => planted(layers, path, text).length;
  t.equal(caught('core/a.ts', "import { b } from '../state/b.js';"), 1);
  t.equal(caught('core/a.ts', "import type { B } from '../engine/b.js';"), 1);
  t.equal(caught('core/a.ts', "import { z } from 'zod';"), 1);
  t.equal(caught('core/a.ts', "import { S } from '@standard-schema/spec';"), 1);
  t.equal(caught('engine/job.ts', "import { map } from '../operators/map.js';"), 1);
  t.equal(caught('engine/job.ts', "export * from '../test/x.js';"), 1);
  t.equal(caught('engine/job.ts', "await import('../api/stream.js');"), 1);
  t.equal(caught('core/a.ts', "import type { S } from '@standard-schema/spec';"), 0);
  t.equal(caught('engine/job.ts', "import type { Operator } from '../operators/operator.js';"), 0);
  t.equal(caught('api/index.ts', "export { files } from '../connectors/files/source.js';"), 0);
});

t.test('the reach rule catches dead files and circles', async (t) => {
  const files = [
    parseSource('api/index.ts', "import '../core/a.js';"),
    parseSource('core/a.ts', "import { b } from './b.js';"),
    parseSource('core/b.ts', "export * from './a.js';\nconst later = () => import('./a.js');"),
    parseSource('core/c.ts', "import type { A } from './a.js';"),
  ];
  t.same(reach(files), ['core/c.ts is used by nothing that is published']);
  t.same(circles(files), ['core/a.ts → core/b.ts → core/a.ts is a circle']);
});

t.test('the determinism rule catches clocks, randomness, timers, disk and shared memory', async (t) => {
  const caught = (text: string, path = 'operators/a.ts'): number => planted(determinism, path, text).length;
  for (const text of [
    'const now = Date.now();',
    'const now = new Date();',
    'if (Math.random() < 0.5) stop();',
    'setTimeout(stop, 1);',
    'const start = performance.now();',
    "if (process.env.X === '1') stop();",
    "import { readFileSync } from 'node:fs';",
    'const memory = new SharedArrayBuffer(8);',
    'const id = globalThis.crypto.randomUUID();',
    'call(setImmediate);',
  ]) {
    t.equal(caught(text), 1, text);
  }
  t.equal(caught('const at = new Date(0).getTime(); host.fetch(1); type P = { process: 1 };'), 0);
  t.equal(caught('class Worker {}\nconst worker = new Worker();'), 0);
  t.equal(caught('function f(process: () => void) { process(); }'), 0);
  t.equal(caught('Atomics.wait(a, 0, 0);', 'engine/exchange/ring-writer.ts'), 0);
  t.equal(caught('Date.now();', 'engine/host/node-host.ts'), 0);
});

t.test('the size rule catches long files and long functions', async (t) => {
  const long = (lines: number): string => `/** Long. */\nexport function f() {\n${'  g();\n'.repeat(lines)}}\n`;
  t.match(planted(sizes, 'core/a.ts', long(90)).join('\n'), /99th percentile of function lines is 92/);
  t.match(planted(sizes, 'core/a.ts', long(600)).join('\n'), /its head comment must say/);
  const explained = long(600).replace('Long.', 'This file is long because it is one machine.');
  t.notMatch(planted(sizes, 'core/a.ts', explained).join('\n'), /head comment/);
});

t.test('the convention rule catches names, missing heads and unfinished business', async (t) => {
  const caught = (path: string, text: string): number => planted(conventions, path, text).length;
  t.equal(caught('core/camelCase.ts', '/** A. */'), 1);
  t.equal(caught('core/string-utils.ts', '/** A. */'), 1);
  t.equal(caught('common/a.ts', '/** A. */'), 1);
  t.equal(caught('core/a.ts', 'export const a = 1;'), 1);
  t.equal(caught('core/a.ts', `/** A. */\n// ${'TO'}${'DO'}: later`), 1);
  t.equal(caught('core/a.ts', `/** A. */\n// @ts-${'ignore'}`), 1);
  t.equal(caught('core/a.ts', '/** A. */\nf(x as any);'), 1);
  t.equal(caught('cli/main.ts', '#!/usr/bin/env node\n/** A. */'), 0);
});

t.test('the error rule catches codes that are unused, unexplained or invented', async (t) => {
  const files = [parseSource('core/a.ts', "throw new MillraceError('MILL_A', '');")];
  t.same(errorCodes(['MILL_A', 'MILL_B'], files, '## MILL_A\n## MILL_C\n'), [
    'MILL_B is thrown nowhere',
    'MILL_B has no heading in docs/errors.md',
    'docs/errors.md explains MILL_C, which does not exist',
  ]);
});
