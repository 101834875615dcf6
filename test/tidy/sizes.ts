/**
 * Rule: files and functions stay small. A ratchet: the numbers may be lowered, not raised, and a single file or
 * function may be long for a reason that it states.
 */
import ts from 'typescript';
import { nodesOf, placeOf, type Rule, type SourceFile } from './source-files.js';

/** Lines. Functions are counted when they take more than one. */
export const RATCHET = {
  fileMedian: 120,
  fileP90: 400,
  fileMaxUnexplained: 500,
  functionMedian: 10,
  functionP99: 80,
} as const;

const EXPLANATION = 'This file is long because';

interface Sized {
  readonly place: string;
  readonly lines: number;
}

export const sizes: Rule = (files) => {
  const fileSizes = files.map((file) => ({ place: file.path, lines: linesOf(file.text) }));
  const functionSizes = files.flatMap(functionsOf);
  return [
    ...within('median of file lines', quantile(fileSizes, 0.5), RATCHET.fileMedian),
    ...within('90th percentile of file lines', quantile(fileSizes, 0.9), RATCHET.fileP90),
    ...within('median of function lines', quantile(functionSizes, 0.5), RATCHET.functionMedian),
    ...within('99th percentile of function lines', quantile(functionSizes, 0.99), RATCHET.functionP99),
    ...files.flatMap(unexplained),
  ];
};

/** A one-line summary of the sizes, for the test's output. */
export function sizeSummary(files: readonly SourceFile[]): string {
  const fileSizes = files.map((file) => ({ place: file.path, lines: linesOf(file.text) }));
  const functionSizes = files.flatMap(functionsOf);
  const show = (sized: readonly Sized[], ...at: number[]): string =>
    at.map((share) => quantile(sized, share)?.lines ?? 0).join(' / ');
  return `${files.length} files: median / p90 ${show(fileSizes, 0.5, 0.9)} lines; ${functionSizes.length} functions: median / p90 / p99 ${show(functionSizes, 0.5, 0.9, 0.99)} lines`;
}

function within(what: string, found: Sized | undefined, max: number): string[] {
  return found && found.lines > max ? [`${what} is ${found.lines}, at most ${max} (${found.place})`] : [];
}

function quantile(sized: readonly Sized[], share: number): Sized | undefined {
  const ordered = [...sized].sort((a, b) => a.lines - b.lines);
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))];
}

function unexplained(file: SourceFile): string[] {
  const lines = linesOf(file.text);
  const head = file.text.slice(0, file.text.indexOf('*/'));
  if (lines <= RATCHET.fileMaxUnexplained || head.includes(EXPLANATION)) return [];
  return [`${file.path} has ${lines} lines; its head comment must say "${EXPLANATION} …"`];
}

function linesOf(text: string): number {
  return text.trimEnd().split('\n').length;
}

function functionsOf(file: SourceFile): Sized[] {
  return nodesOf(file.tree)
    .filter(hasBody)
    .flatMap((node) => {
      const lines = linesOf(node.getText());
      return lines > 1 ? [{ place: placeOf(file, node), lines }] : [];
    });
}

function hasBody(node: ts.Node): boolean {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}
