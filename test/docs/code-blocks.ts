/**
 * Finds the code in Markdown: fenced blocks in order, and invisible preludes.
 *
 *   ```ts            whose first line is `// run` is executed; a ```text block right after it is what it prints
 *   ```ts            else is type-checked
 *   ```json file=orders.ndjson     any block with `file=` is there, under that name, when later blocks run
 *   <!-- prelude … -->             code that goes before every later ts block without imports of its own
 */
export interface CodeBlock {
  readonly document: string;
  /** Of the first line of code, from 1. */
  readonly line: number;
  readonly code: string;
  readonly prelude: string;
  readonly run: boolean;
  /** What running it prints. */
  readonly output: string | undefined;
  /** Files that stand in the working directory. */
  readonly files: Readonly<Record<string, string>>;
}

interface Fence {
  readonly line: number;
  readonly endLine: number;
  readonly language: string;
  readonly info: string;
  readonly text: string;
}

/** The TypeScript blocks of a document. */
export function codeBlocks(document: string, markdown: string): CodeBlock[] {
  const lines = markdown.split('\n');
  const fences = fencesOf(lines);
  const files: Record<string, string> = {};
  return fences.flatMap((fence, index) => {
    const name = /\bfile=(\S+)/.exec(fence.info)?.[1];
    if (name) files[name] = fence.text;
    if (fence.language !== 'ts') return [];
    return [
      {
        document,
        line: fence.line,
        code: fence.text,
        prelude: /^import /m.test(fence.text) ? '' : preludeBefore(lines, fence.line),
        run: fence.text.startsWith('// run\n'),
        output: outputAfter(lines, fence, fences[index + 1]),
        files: { ...files },
      },
    ];
  });
}

function fencesOf(lines: readonly string[]): Fence[] {
  const fences: Fence[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const opening = /^( *)(`{3,}|~{3,})(\S*)(.*)$/.exec(lines[at] as string);
    if (!opening) continue;
    const [, indent, marks, language, info] = opening as unknown as [string, string, string, string, string];
    const end = closingOf(lines, at + 1, marks);
    const text = lines.slice(at + 1, end).map((line) => line.slice(Math.min(indent.length, line.search(/\S|$/))));
    fences.push({ line: at + 2, endLine: end + 1, language, info, text: `${text.join('\n')}\n` });
    at = end;
  }
  return fences;
}

function closingOf(lines: readonly string[], from: number, marks: string): number {
  const closing = lines.findIndex((line, at) => at >= from && line.trim().startsWith(marks) && !/[^`~\s]/.test(line));
  return closing < 0 ? lines.length : closing;
}

function preludeBefore(lines: readonly string[], line: number): string {
  const preludes = [
    ...lines
      .slice(0, line)
      .join('\n')
      .matchAll(/^<!-- prelude\n([\s\S]*?)^-->/gm),
  ];
  return preludes.at(-1)?.[1] ?? '';
}

/** The text block after a fence, with nothing but empty lines between. */
function outputAfter(lines: readonly string[], fence: Fence, next: Fence | undefined): string | undefined {
  if (next?.language !== 'text' || next.info.includes('file=')) return undefined;
  const between = lines.slice(fence.endLine, next.line - 2);
  return between.every((line) => line.trim() === '') ? next.text : undefined;
}
