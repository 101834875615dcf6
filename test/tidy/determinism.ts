/**
 * Rule: nothing but the host (engine/host/) and the command line touches clock, randomness, timers, disk, network,
 * threads or the process, so that the simulated host can stand in for all of it.
 */
import ts from 'typescript';
import { importsOf } from './layers.js';
import { folderOf, nodesOf, PRODUCT, placeOf, type Rule, type SourceFile } from './source-files.js';

/** Where the outside world is let in. A scripted model is no part of any job: it stands for what is outside. */
const FREE = [/^engine\/host\//, /^cli\//, /^agents\/model-server\//];

/** Shared memory and its waits: how real workers meet. */
const SHARED_MEMORY_USERS = [...FREE, /^engine\/exchange\/ring[^/]*\.ts$/];

/** Node modules that compute and do nothing else. */
const PURE_MODULES = new Set([
  'node:buffer',
  'node:crypto',
  'node:events',
  'node:path',
  'node:string_decoder',
  'node:url',
  'node:util',
]);

const BANNED_GLOBALS = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'performance',
  'crypto',
  'process',
  'console',
  'fetch',
  'WebSocket',
  'Worker',
  'MessageChannel',
  'BroadcastChannel',
  'WeakRef',
  'FinalizationRegistry',
]);

const SHARED_MEMORY = new Set(['Atomics', 'SharedArrayBuffer']);

/** Members whose result differs from run to run, or with the machine's locale. */
const BANNED_MEMBERS = new Set([
  'Date.now',
  'Math.random',
  'AbortSignal.timeout',
  '*.localeCompare',
  '*.toLocaleString',
  '*.randomUUID',
  '*.randomBytes',
  '*.randomInt',
  '*.getRandomValues',
]);

export const determinism: Rule = (files) =>
  files
    .filter(({ path }) => (PRODUCT as readonly string[]).includes(folderOf(path)) && !matches(FREE, path))
    .flatMap((file) => [...bannedModules(file), ...bannedNames(file)]);

function matches(patterns: readonly RegExp[], path: string): boolean {
  return patterns.some((pattern) => pattern.test(path));
}

function bannedModules(file: SourceFile): string[] {
  return importsOf(file)
    .filter(({ specifier, typeOnly }) => specifier.startsWith('node:') && !typeOnly && !PURE_MODULES.has(specifier))
    .map(({ node, specifier }) => `${placeOf(file, node)} imports ${specifier}; only the host may`);
}

function bannedNames(file: SourceFile): string[] {
  const own = declaredNames(file.tree);
  const shared = matches(SHARED_MEMORY_USERS, file.path);
  return nodesOf(file.tree).flatMap((node) => {
    const name = bannedMember(node) ?? bannedGlobal(node, own, shared);
    return name === undefined ? [] : [`${placeOf(file, node)} uses ${name}; only the host may`];
  });
}

function bannedMember(node: ts.Node): string | undefined {
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) return 'new Date()';
  if (!ts.isPropertyAccessExpression(node)) return undefined;
  const full = `${node.expression.getText()}.${node.name.text}`;
  return BANNED_MEMBERS.has(full) || BANNED_MEMBERS.has(`*.${node.name.text}`) ? full : undefined;
}

function bannedGlobal(node: ts.Node, own: ReadonlySet<string>, shared: boolean): string | undefined {
  if (!ts.isIdentifier(node) || own.has(node.text) || !isReference(node)) return undefined;
  if (BANNED_GLOBALS.has(node.text)) return node.text;
  return SHARED_MEMORY.has(node.text) && !shared ? node.text : undefined;
}

/** Whether an identifier stands for a value, rather than naming a member, a type or a declaration. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  // `instanceof` asks about a value and makes none.
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) return false;
  return ts.isExpression(parent) || ts.isStatement(parent) || ts.isVariableDeclaration(parent);
}

function declaredNames(tree: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  for (const node of nodesOf(tree)) {
    const named = ts.isParameter(node) || ts.isVariableDeclaration(node) || ts.isImportSpecifier(node);
    const defined = ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node);
    if ((named || defined) && node.name && ts.isIdentifier(node.name)) names.add(node.name.text);
  }
  return names;
}
