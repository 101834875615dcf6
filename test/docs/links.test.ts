/** Links between documents lead to files and headings that exist, and every page of the guide can be reached. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import t from 'tap';
import { ROOT } from '../tidy/source-files.js';

const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'llms.txt', 'engine/README.md'],
  ...['docs', 'docs/guide', 'docs/design', 'examples', ...examples()].flatMap(pagesIn),
];

function examples(): string[] {
  return readdirSync(join(ROOT, 'examples'))
    .filter((name) => !name.includes('.'))
    .map((name) => `examples/${name}`);
}

function pagesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}

function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

interface Link {
  readonly path: string;
  readonly heading: string | undefined;
}

/** Local links of a page, from the root. */
function linksOf(page: string, markdown: string): Link[] {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] as string)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', heading] = target.split('#');
      return { path: path === '' ? page : normalize(join(dirname(page), path)), heading };
    });
}

/** Headings as anchors: in small letters, words joined by dashes. */
function anchorsOf(markdown: string): string[] {
  const headings = [...markdown.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.*)$/gm)];
  return headings.map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

function broken(page: string): string[] {
  return linksOf(page, textOf(page)).flatMap(({ path, heading }) => {
    if (!existsSync(join(ROOT, path))) return [`${page} links to ${path}, which does not exist`];
    if (heading === undefined || anchorsOf(textOf(path)).includes(heading)) return [];
    return [`${page} links to ${path}#${heading}, which has no such heading`];
  });
}

t.test('links lead somewhere', async (t) => t.same(PAGES.flatMap(broken), []));

t.test('every page is linked from its index, and from llms.txt', async (t) => {
  const linked = (index: string): string[] => linksOf(index, textOf(index)).map(({ path }) => path);
  const missing = (index: string, pages: string[]): string[] => pages.filter((page) => !linked(index).includes(page));
  const [guide, design] = [pagesIn('docs/guide'), pagesIn('docs/design')];
  const isIndex = (page: string): boolean => page.endsWith('README.md');
  t.same(
    missing('docs/guide/README.md', guide).filter((page) => !isIndex(page)),
    [],
  );
  t.same(
    missing('docs/design/README.md', design).filter((page) => !isIndex(page)),
    [],
  );
  t.same(
    missing('llms.txt', guide).filter((page) => !isIndex(page)),
    [],
  );
});

t.test('links and anchors are found', async (t) => {
  const page = '# A `b`: c?\n[x](y.md#z) [w](https://w.org) [v](#a-b-c)\n```\n# no\n[u](u)\n```\n';
  t.same(anchorsOf(page), ['a-b-c']);
  t.same(linksOf('docs/p.md', page), [
    { path: 'docs/y.md', heading: 'z' },
    { path: 'docs/p.md', heading: 'a-b-c' },
  ]);
});
