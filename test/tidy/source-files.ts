/**
 * The repository's own source, read and parsed for the tidy rules. A rule is a function from files to violations,
 * one line each; tidy.test.ts runs them over the repository and over planted violations.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** What is published, from the innermost layer outwards. */
export const PRODUCT = [
  'core',
  'state',
  'operators',
  'checkpoint',
  'engine',
  'api',
  'connectors',
  'agents',
  'testing',
  'cli',
] as const;

/** Everything else that is written by hand. */
export const AROUND = ['examples', 'bench', 'test', 'scripts'] as const;

export interface SourceFile {
  /** From the root, with slashes: `core/key.ts`. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

export type Rule = (files: readonly SourceFile[]) => string[];

export function parseSource(path: string, text: string): SourceFile {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true) };
}

/** Sources below the given folders of the root; a folder that does not exist yet has none. */
export function readSources(folders: readonly string[]): SourceFile[] {
  return folders
    .flatMap((folder) => pathsUnder(folder))
    .filter((path) => /\.(ts|mts|mjs)$/.test(path))
    .map((path) => parseSource(path, readFileSync(join(ROOT, path), 'utf8')));
}

const GENERATED = new Set(['out', 'node_modules']);

function pathsUnder(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.name.startsWith('.') || GENERATED.has(entry.name)) return [];
    return entry.isDirectory() ? pathsUnder(path) : [path];
  });
}

function entriesOf(folder: string) {
  try {
    return readdirSync(join(ROOT, folder), { withFileTypes: true });
  } catch {
    return [];
  }
}

const visited = new WeakMap<ts.SourceFile, readonly ts.Node[]>();

/** Every node of a file, depth first. */
export function nodesOf(tree: ts.SourceFile): readonly ts.Node[] {
  const known = visited.get(tree);
  if (known) return known;
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  visited.set(tree, nodes);
  return nodes;
}

/** `core/key.ts:12`, for messages. */
export function placeOf(file: SourceFile, node: ts.Node): string {
  const { line } = file.tree.getLineAndCharacterOfPosition(node.getStart());
  return `${file.path}:${line + 1}`;
}

/** The folder directly below the root: the file's layer. */
export function folderOf(path: string): string {
  return path.slice(0, path.indexOf('/'));
}
