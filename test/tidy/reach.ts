/** Rule: every file can be reached from an entry of the package, and no files import each other in a circle. */
import { importsOf, targetOf } from './layers.js';
import type { Rule, SourceFile } from './source-files.js';

/** What users and the runtime start from; workers name theirs by `new URL()`. */
const ENTRIES = ['api/index.ts', 'agents/index.ts', 'testing/index.ts', 'cli/main.ts'];

export const reach: Rule = (files) => {
  const all = new Map(files.map((file) => [file.path, targetsOf(file, false)]));
  const reached = reachableFrom(ENTRIES, all);
  return files
    .filter(({ path }) => !reached.has(path))
    .map(({ path }) => `${path} is used by nothing that is published`);
};

/** A fluent API is circular by nature: each kind of stream makes the others. */
const MAY_BE_CIRCULAR = 'api/';

export const circles: Rule = (files) => {
  const evaluated = new Map(files.map((file) => [file.path, targetsOf(file, true)]));
  return files.flatMap(({ path }) => {
    const circle = circleThrough(path, evaluated);
    return circle && !path.startsWith(MAY_BE_CIRCULAR) ? [`${circle.join(' → ')} is a circle`] : [];
  });
};

/** Files that a file names; only those that are loaded before it when `evaluated`. */
function targetsOf(file: SourceFile, evaluated: boolean): string[] {
  return importsOf(file)
    .filter(({ specifier, typeOnly, deferred }) => specifier.startsWith('.') && !(evaluated && (typeOnly || deferred)))
    .map(({ specifier }) => targetOf(file.path, specifier));
}

function reachableFrom(entries: readonly string[], graph: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    waiting.push(...(graph.get(path) ?? []));
  }
  return reached;
}

/** The shortest way from a file back to itself; told once, from its first file by name. */
function circleThrough(start: string, graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const next of graph.get(way.at(-1) as string) ?? []) {
      if (next === start) return [...way, start];
      if (next > start && !seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return undefined;
}
