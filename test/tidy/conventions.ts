/** Rule: every source file says what it is for, is named after it, and hides no unfinished business. */
import ts from 'typescript';
import { nodesOf, placeOf, type Rule, type SourceFile } from './source-files.js';

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.(ts|mjs)$/;
const FOLDER = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const MEANINGLESS = /(^|[-/])(utils?|helpers?|managers?|common|misc)([-./]|$)/;
const HEAD = /^(#![^\n]*\n)?\/\*\*/;

/** Spelled in parts, so that this file does not break its own rule. */
const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`);
const SILENCED = new RegExp(`@ts-${'ignore'}|@ts-${'nocheck'}`);

export const conventions: Rule = (files) =>
  files.flatMap((file) => [...nameOf(file), ...headOf(file), ...linesOf(file), ...anyOf(file)]);

function nameOf({ path }: SourceFile): string[] {
  const segments = path.split('/');
  const name = segments.pop() as string;
  const kebab = NAME.test(name) && segments.every((segment) => FOLDER.test(segment));
  return [
    ...(kebab ? [] : [`${path} is not in kebab-case`]),
    ...(MEANINGLESS.test(path) ? [`${path} is named after nothing in particular`] : []),
  ];
}

function headOf({ path, text }: SourceFile): string[] {
  return HEAD.test(text) ? [] : [`${path} does not open with a comment that says what it is for`];
}

function linesOf({ path, text }: SourceFile): string[] {
  return text.split('\n').flatMap((line, index) => {
    const found = UNFINISHED.exec(line) ?? SILENCED.exec(line);
    return found ? [`${path}:${index + 1} has ${found[0]}`] : [];
  });
}

function anyOf(file: SourceFile): string[] {
  return nodesOf(file.tree)
    .filter((node) => ts.isAsExpression(node) && node.type.kind === ts.SyntaxKind.AnyKeyword)
    .map((node) => `${placeOf(file, node)} casts to any`);
}
