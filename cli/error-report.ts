/**
 * An error as a person wants to read it: what happened, where in the job and in the input, the line of theirs that is
 * meant, and what to do next. Stacks only on request.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { asMillraceError, describeThrown, describeValue, type ErrorData, type MillraceError } from '../core/errors.js';
import { redactThrown } from '../core/secrets.js';
import { type Paint, paintFor } from './paint.js';
import { userFrame } from './user-frame.js';

export interface ReportOptions {
  readonly verbose?: boolean | undefined;
  readonly paint?: Paint;
  /** Paths below it are shown relative to it. */
  readonly directory?: string;
}

/** A paragraph for any thrown value; without a final newline. */
export function errorReport(thrown: unknown, options: ReportOptions = {}): string {
  const paint = options.paint ?? paintFor({});
  const error = asMillraceError(redactThrown(thrown), 'MILL_BUG');
  const title = `${paint.bold(paint.red(error.code))}: ${error.message}`;
  const facts = factsOf(error, options.directory ?? process.cwd()).map(([name, text]) => factLines(name, text, paint));
  return [title, ...facts, ...(options.verbose ? stacksOf(error, paint) : [])].join('\n');
}

/** The same as one line of JSON. */
export function errorLine(thrown: unknown): string {
  const data: ErrorData = asMillraceError(thrown, 'MILL_BUG').toJSON();
  return JSON.stringify({ type: 'error', ...data }, (_name, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

type Fact = readonly [name: string, text: string];

function factsOf(error: MillraceError, directory: string): Fact[] {
  const { operator, subtask, key, position, declaredAt } = error.place;
  const where = subtask === undefined ? operator : `${operator ?? 'somewhere'}, subtask ${subtask}`;
  const thrownAt = causesOf(error).map(userFrame).find(Boolean);
  const elsewhere = thrownAt && lineOfPlace(thrownAt) !== lineOfPlace(declaredAt ?? '');
  return [
    ...fact('operator', where),
    ...fact('key', key === undefined ? undefined : describeValue(key)),
    ...fact('position', position === undefined ? undefined : positionText(position)),
    ...fact('declared', declaredAt && placeText(declaredAt, directory)),
    ...fact('thrown', elsewhere ? placeText(thrownAt, directory) : undefined),
    ...causeTexts(error).flatMap((text) => fact('cause', text)),
    ...fact('next', error.hint),
  ];
}

function fact(name: string, text: string | undefined): Fact[] {
  return text === undefined ? [] : [[name, text]];
}

/** `orders.ndjson:17` as it is, `{ split: 0, from: 2 }` as `split 0, from 2`. */
function positionText(position: unknown): string {
  if (typeof position === 'string') return position;
  if (typeof position !== 'object' || position === null || Array.isArray(position)) return describeValue(position);
  const parts = Object.entries(position);
  return parts.map(([name, value]) => `${name} ${typeof value === 'string' ? value : describeValue(value)}`).join(', ');
}

/** The causes, those left out that the text so far has said already. */
function causeTexts(error: MillraceError): string[] {
  let said = error.message;
  return causesOf(error)
    .map(describeThrown)
    .filter((text) => {
      const repeated = said.includes(text);
      said += text;
      return !repeated;
    });
}

/** The chain of causes, outermost first. Chains can be circular. */
function causesOf(error: MillraceError): unknown[] {
  const causes: unknown[] = [];
  let cause: unknown = error.cause;
  while (cause !== undefined && !causes.includes(cause)) {
    causes.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

/** `job.ts:12:6`, and what stands there. */
function placeText(place: string, directory: string): string {
  const match = /^(?:file:\/\/)?(.*?):(\d+)(?::\d+)?$/.exec(place);
  if (!match) return place;
  const [file, line] = [match[1] as string, Number(match[2])];
  const shown = nearer(file, directory) + place.slice(place.indexOf(file) + file.length);
  const code = lineOf(file, line);
  return code === undefined ? shown : `${shown}\n${line} | ${code}`;
}

/** Without its column. */
function lineOfPlace(place: string): string {
  return place.replace(/:\d+$/, '');
}

function nearer(file: string, directory: string): string {
  const path = relative(directory, file);
  return path.startsWith('..') ? file : path;
}

function lineOf(file: string, line: number): string | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n')[line - 1]?.trim() || undefined;
  } catch {
    // The job may have run elsewhere, or from a bundle.
    return undefined;
  }
}

const NAME_WIDTH = 10;

function factLines(name: string, text: string, paint: Paint): string {
  const [first, ...rest] = text.split('\n');
  return [
    `  ${paint.dim(name.padEnd(NAME_WIDTH))}${first}`,
    ...rest.map((line) => ' '.repeat(NAME_WIDTH + 2) + line),
  ].join('\n');
}

function stacksOf(error: MillraceError, paint: Paint): string[] {
  const causes = causesOf(error).map((cause) => (cause instanceof Error ? `caused by ${cause.stack}` : ''));
  return ['', error.stack ?? '', ...causes].map((stack) => paint.dim(stack));
}
