/**
 * Finds the files that a path or a glob names.
 *
 * A glob is matched a segment at a time, so that only directories which can hold matches are listed: `*` and `?` match
 * within a segment, `**` any number of directories, `[a-z]` and `[!a-z]` one character, `{a,b}` either text (which
 * may contain `/`). A name that begins with a dot is matched only by a segment that does, as in shells: so the files
 * that a file sink has in progress are never read.
 */
import { MillraceError } from '../../core/errors.js';
import type { Storage } from '../../core/host.js';

const GLOB_CHARACTERS = /[*?[{]/;

/**
 * The files that `pattern` names, sorted by path: itself if it is one, those of a directory (not of its directories),
 * or the matches of a glob. Empty when there are none.
 */
export async function findFiles(storage: Storage, pattern: string): Promise<string[]> {
  const found = await storage.stat(pattern);
  if (found !== undefined) return found.directory ? findFiles(storage, `${pattern.replace(/\/+$/, '')}/*`) : [pattern];
  if (!GLOB_CHARACTERS.test(pattern)) return [];
  const paths = await Promise.all(expandBraces(pattern).map((glob) => findMatches(storage, glob)));
  return [...new Set(paths.flat())].sort();
}

async function findMatches(storage: Storage, glob: string): Promise<string[]> {
  const absolute = glob.startsWith('/');
  const segments = glob.split('/').filter((segment) => segment !== '' && segment !== '.');
  return walk(storage, absolute ? '/' : '', segments);
}

/** The files below `prefix` (empty, or ending in `/`) that the segments name. */
async function walk(storage: Storage, prefix: string, segments: readonly string[]): Promise<string[]> {
  const [segment, ...rest] = segments;
  if (segment === undefined) return [];
  if (segment !== '**' && !GLOB_CHARACTERS.test(segment)) return step(storage, `${prefix}${segment}`, rest);
  const entries = await listOrNone(storage, prefix === '' ? '.' : prefix);
  if (segment === '**') return walkAnyDepth(storage, prefix, segments, entries);
  const matches = segmentMatcher(segment);
  const found = entries.filter((entry) => matches(entry.name) && entry.directory === rest.length > 0);
  return (await Promise.all(found.map((entry) => step(storage, `${prefix}${entry.name}`, rest)))).flat();
}

/** A `**` matches no directory, or one and then itself again. At the end it stands for `**` and `*`. */
async function walkAnyDepth(
  storage: Storage,
  prefix: string,
  segments: readonly string[],
  entries: Awaited<ReturnType<Storage['list']>>,
): Promise<string[]> {
  const rest = segments.slice(1);
  const here = walk(storage, prefix, rest.length === 0 ? ['*'] : rest);
  const directories = entries.filter((entry) => entry.directory && !entry.name.startsWith('.'));
  const below = directories.map((entry) => walk(storage, `${prefix}${entry.name}/`, segments));
  return (await Promise.all([here, ...below])).flat();
}

async function step(storage: Storage, path: string, rest: readonly string[]): Promise<string[]> {
  if (rest.length > 0) return walk(storage, `${path}/`, rest);
  const found = await storage.stat(path);
  return found !== undefined && !found.directory ? [path] : [];
}

/** A directory that goes away, or never was, holds no matches. */
async function listOrNone(storage: Storage, directory: string): ReturnType<Storage['list']> {
  try {
    return await storage.list(directory);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

const ALTERNATIVES_MAX = 1_000;

/** `a{b,c}d` as `abd` and `acd`; the innermost braces first. Braces without a comma stay. */
export function expandBraces(pattern: string): string[] {
  const match = /\{([^{}]*,[^{}]*)\}/.exec(pattern);
  if (match === null) return [pattern];
  const before = pattern.slice(0, match.index);
  const after = pattern.slice(match.index + match[0].length);
  const expanded = (match[1] as string).split(',').flatMap((part) => expandBraces(before + part + after));
  if (expanded.length > ALTERNATIVES_MAX) {
    throw new MillraceError(
      'MILL_OPTION_INVALID',
      `the pattern ${pattern} has more than ${ALTERNATIVES_MAX} alternatives`,
    );
  }
  return expanded;
}

/** Whether a name matches a segment of a glob. Time is at most the product of their lengths: no backtracking trees. */
export function segmentMatcher(segment: string): (name: string) => boolean {
  const tokens = tokensOf(segment);
  const hidden = segment.startsWith('.');
  return (name) => (hidden || !name.startsWith('.')) && matchTokens(tokens, name);
}

type Token = 'star' | ((character: string) => boolean);

function tokensOf(segment: string): Token[] {
  const tokens: Token[] = [];
  const parts = /\*+|\?|\[(!|\^)?(\]?[^\]]*)\]|[\s\S]/gu;
  for (const [text, negated, members] of segment.matchAll(parts)) {
    if (text.startsWith('*')) tokens.push('star');
    else if (text === '?') tokens.push(() => true);
    else if (members !== undefined && members !== '') tokens.push(classMatcher(members, negated !== undefined));
    else for (const literal of text) tokens.push((character) => character === literal);
  }
  return tokens;
}

function classMatcher(members: string, negated: boolean): Token {
  const singles = new Set<string>();
  const ranges: [string, string][] = [];
  for (const [text, first, last] of members.matchAll(/(.)-(.)|[\s\S]/gsu)) {
    if (first !== undefined && last !== undefined) ranges.push([first, last]);
    else singles.add(text);
  }
  const isMember = (character: string): boolean =>
    singles.has(character) || ranges.some(([first, last]) => first <= character && character <= last);
  return (character) => isMember(character) !== negated;
}

/** Greedy, going back to the last star only. */
function matchTokens(tokens: readonly Token[], name: string): boolean {
  const characters = [...name];
  let at = 0;
  let token = 0;
  let star = -1;
  let starAt = 0;
  while (at < characters.length) {
    const expected = tokens[token];
    if (expected === 'star') {
      star = token;
      starAt = at;
      token += 1;
    } else if (expected?.(characters[at] as string) === true) {
      at += 1;
      token += 1;
    } else if (star >= 0) {
      starAt += 1;
      at = starAt;
      token = star + 1;
    } else {
      return false;
    }
  }
  return tokens.slice(token).every((rest) => rest === 'star');
}
