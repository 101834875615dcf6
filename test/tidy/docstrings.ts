/**
 * Rule: every name that a published entry exports has a docstring, and so has every method of its classes and
 * interfaces. Looked up through the compiler, so that re-exports are judged where they are declared.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './source-files.js';

/** Entries that do not exist yet are left out. */
export function docstrings(entries: readonly string[]): string[] {
  const paths = entries.map((entry) => join(ROOT, entry)).filter((path) => existsSync(path));
  const program = ts.createProgram(paths, {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  });
  return paths.flatMap((path) => undocumentedIn(program, path));
}

function undocumentedIn(program: ts.Program, path: string): string[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(path);
  const module = source && checker.getSymbolAtLocation(source);
  const symbols = module ? checker.getExportsOfModule(module) : [];
  return symbols.flatMap((symbol) => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return [target, ...methodsOf(target)]
      .filter((each) => each.getDocumentationComment(checker).length === 0)
      .map((each) => `${each === target ? '' : `${symbol.name}.`}${each.name} has no docstring (${placeOf(each)})`);
  });
}

/** Public methods, inherited ones left to their own class. */
function methodsOf(symbol: ts.Symbol): ts.Symbol[] {
  return [...(symbol.members?.values() ?? [])].filter(
    ({ flags, declarations, name }) =>
      flags & ts.SymbolFlags.Method && !name.startsWith('__') && declarations?.every(isPublic),
  );
}

function isPublic(declaration: ts.Declaration): boolean {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected | ts.ModifierFlags.Override;
  const name = ts.getNameOfDeclaration(declaration);
  return !(ts.getCombinedModifierFlags(declaration) & hidden) && !(name && ts.isPrivateIdentifier(name));
}

function placeOf(symbol: ts.Symbol): string {
  const declaration = symbol.declarations?.[0];
  if (!declaration) return 'declared nowhere';
  const source = declaration.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(declaration.getStart());
  return `${source.fileName.slice(ROOT.length)}:${line + 1}`;
}
