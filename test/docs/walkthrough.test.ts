/**
 * Pages that lead through the code: every file they link to exists, and so does every function they name.
 *
 * A name is code with parentheses, as in `poll()`. It must be declared in a file that its own paragraph, or item of a
 * list, links to.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { nodesOf, parseSource, ROOT } from '../tidy/source-files.js';

const PAGES = ['docs/design/walkthrough.md', 'engine/README.md'];

type Read = (path: string) => string | undefined;

/** What of a page leads nowhere, one line each. */
function astray(page: string, markdown: string, read: Read): string[] {
  return paragraphsOf(markdown).flatMap((paragraph) => {
    const paths = linksOf(paragraph).map((link) => normalize(join(page, '..', link)));
    const missing = paths.filter((path) => read(path) === undefined);
    const declared = new Set(paths.filter((path) => path.endsWith('.ts')).flatMap((path) => namesIn(path, read(path))));
    const unknown = namesOf(paragraph).filter((name) => !declared.has(name));
    return [
      ...missing.map((path) => `${page} links to ${path}, which does not exist`),
      ...unknown.map((name) => `${page} names ${name}(), which is in none of ${paths.join(', ') || 'its links'}`),
    ];
  });
}

/** Blocks of code left out; items of lists are paragraphs of their own. */
function paragraphsOf(markdown: string): string[] {
  return markdown.replace(/^```[\s\S]*?^```/gm, '').split(/\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )/);
}

function linksOf(paragraph: string): string[] {
  return [...paragraph.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map((match) => match[1] as string);
}

function namesOf(paragraph: string): string[] {
  return [...paragraph.matchAll(/`(#?\w+)\(\)`/g)].map((match) => match[1] as string);
}

/** Functions, methods and accessors that a file declares. */
function namesIn(path: string, text: string | undefined): string[] {
  if (text === undefined) return [];
  return nodesOf(parseSource(path, text).tree).flatMap((node) => {
    const named = ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isAccessor(node);
    return named && node.name ? [node.name.getText()] : [];
  });
}

function fromDisk(path: string): string | undefined {
  return existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : undefined;
}

for (const page of PAGES) {
  t.test(`${page} leads to what is there`, async (t) => {
    t.same(astray(page, fromDisk(page) ?? '', fromDisk), []);
  });
}

t.test('the walkthrough names a function at nearly every step', async (t) => {
  const steps = paragraphsOf(fromDisk('docs/design/walkthrough.md') ?? '').filter((text) => /^\d+\. /.test(text));
  t.ok(steps.length >= 20, 'eleven steps of a record, nine of a barrier');
  for (const step of steps) t.ok(linksOf(step).length > 0 && namesOf(step).length > 0, step.slice(0, 40));
});

t.test('missing files and functions are caught', async (t) => {
  const files: Record<string, string> = { 'core/a.ts': 'class A { #b() {} get c() { return 1; } }\nfunction d() {}' };
  const read: Read = (path) => files[path];
  const found = (markdown: string): number => astray('docs/x.md', markdown, read).length;
  t.equal(found('In [a](../core/a.ts): `#b()`, `c()`, `d()`.'), 0);
  t.equal(found('In [a](../core/a.ts): `e()`.'), 1);
  t.equal(found('In [a](../core/a.ts).\n\nAnd `d()`.'), 1);
  t.equal(found('- In [a](../core/a.ts).\n- And `d()`.'), 1);
  t.equal(found('In [b](../core/b.ts).'), 1);
  t.equal(found('```ts\nnothing `e()`\n```'), 0);
});
