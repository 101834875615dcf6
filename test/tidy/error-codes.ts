/** Rule: every error code is thrown somewhere and explained in docs/errors.md, and nothing else is. */
import ts from 'typescript';
import { nodesOf, type SourceFile } from './source-files.js';

const TABLE = 'core/errors.ts';
const HEADING = /^## (MILL_[A-Z_]+)$/gm;

export function errorCodes(codes: readonly string[], files: readonly SourceFile[], docs: string): string[] {
  const thrown = new Set(files.filter(({ path }) => path !== TABLE).flatMap(codesIn));
  // The table's own file throws one as well: assert().
  thrown.add('MILL_BUG');
  const documented = [...docs.matchAll(HEADING)].map((match) => match[1] as string);
  return [
    ...codes.filter((code) => !thrown.has(code)).map((code) => `${code} is thrown nowhere`),
    ...codes.filter((code) => !documented.includes(code)).map((code) => `${code} has no heading in docs/errors.md`),
    ...documented
      .filter((code) => !codes.includes(code))
      .map((code) => `docs/errors.md explains ${code}, which does not exist`),
    ...documented
      .filter((code, at) => documented.indexOf(code) !== at)
      .map((code) => `docs/errors.md explains ${code} twice`),
  ];
}

function codesIn(file: SourceFile): string[] {
  return nodesOf(file.tree).flatMap((node) =>
    ts.isStringLiteral(node) && node.text.startsWith('MILL_') ? [node.text] : [],
  );
}
