/**
 * Rule: imports go inwards only, and each layer uses no packages but its own few.
 *
 *   core ← state ← operators ← checkpoint ← engine ← api ← connectors ← agents ← testing, cli
 *
 * The engine knows operators, sources and sinks by their contracts alone. `api/index.ts` is the package's entry: it
 * may reach outwards, to re-export connectors.
 */
import { posix } from 'node:path';
import ts from 'typescript';
import { folderOf, nodesOf, PRODUCT, placeOf, type Rule, type SourceFile } from './source-files.js';

const RANK: ReadonlyMap<string, number> = new Map(PRODUCT.map((folder, index) => [folder, index]));

const ENGINE_MAY_KNOW = new Set([
  'operators/call-journal.ts',
  'operators/operator.ts',
  'operators/source.ts',
  'operators/sink.ts',
]);

/** Packages by layer; those marked `type` only as types. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  core: ['msgpackr', 'type @standard-schema/spec'],
  state: ['classic-level'],
  operators: ['temporal-polyfill'],
  checkpoint: [],
  engine: ['classic-level', 'msgpackr', 'piscina', 'tsx'],
  api: ['type @standard-schema/spec'],
  connectors: ['csv-parse', 'type @standard-schema/spec'],
  agents: ['@cfworker/json-schema', '@modelcontextprotocol/client', 'type @standard-schema/spec', 'usearch'],
  testing: [],
  cli: ['commander', 'tsx'],
};

export interface Import {
  readonly node: ts.Node;
  readonly specifier: string;
  readonly typeOnly: boolean;
  /** Loaded while the program runs, not before the file. */
  readonly deferred: boolean;
}

/** All imports and re-exports of a file, dynamic ones with a literal path and `new URL('./x.js', …)` included. */
export function importsOf(file: SourceFile): Import[] {
  return nodesOf(file.tree).flatMap((node) => {
    const specifier = specifierOf(node);
    return specifier === undefined
      ? []
      : [{ node, specifier, typeOnly: isTypeOnly(node), deferred: loadedBy(node) !== undefined }];
  });
}

function specifierOf(node: ts.Node): string | undefined {
  const argument =
    ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
      ? node.moduleSpecifier
      : loadedBy(node)?.arguments?.[0];
  return argument && ts.isStringLiteral(argument) ? argument.text : undefined;
}

/** A call of `import()`, or `new URL()`, by which workers name their entry. */
function loadedBy(node: ts.Node): ts.CallExpression | ts.NewExpression | undefined {
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return node;
  if (ts.isNewExpression(node) && node.expression.getText() === 'URL') return node;
  return undefined;
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node)) return false;
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

/** The source that a relative specifier means: `../core/key.js` → `core/key.ts`. */
export function targetOf(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
}

export const layers: Rule = (files) =>
  files
    .filter(({ path }) => RANK.has(folderOf(path)))
    .flatMap((file) => importsOf(file).flatMap((entry) => judge(file, entry)));

function judge(file: SourceFile, entry: Import): string[] {
  const complaint = entry.specifier.startsWith('.') ? judgeInner(file.path, entry) : judgePackage(file.path, entry);
  return complaint ? [`${placeOf(file, entry.node)} imports ${entry.specifier}: ${complaint}`] : [];
}

function judgeInner(path: string, { specifier }: Import): string | undefined {
  const target = targetOf(path, specifier);
  if (!target.endsWith('.ts')) return undefined;
  const [own, other] = [folderOf(path), folderOf(target)];
  const otherRank = RANK.get(other);
  if (path === 'api/index.ts' || own === other || otherRank === undefined) {
    return otherRank === undefined && target.includes('/') ? `${other}/ is not part of the package` : undefined;
  }
  if (otherRank > (RANK.get(own) as number)) return `${own} may not know ${other}`;
  if (own === 'cli' && other === 'testing') return 'the command line may not know the test kit';
  if (own === 'engine' && other === 'operators' && !ENGINE_MAY_KNOW.has(target))
    return 'the engine knows contracts only';
  return undefined;
}

function judgePackage(path: string, { specifier, typeOnly }: Import): string | undefined {
  if (specifier.startsWith('node:')) return undefined;
  const allowed = PACKAGES[folderOf(path)] ?? [];
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (allowed.includes(name) || (typeOnly && allowed.includes(`type ${name}`))) return undefined;
  return `not a package of ${folderOf(path)}`;
}
