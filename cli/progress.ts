/**
 * Shows how a running job gets on: on a terminal one line that is redrawn, elsewhere a plain line a second, with
 * `--json` a line of JSON a second. Goes to stderr, but for JSON, so that stdout is left to the job's own output.
 */
import { type Paint, paintFor } from './paint.js';

/** What the display needs to know of a job. */
export interface ProgressSample {
  readonly status: string;
  /** Records read from sources so far. */
  readonly events: number;
  readonly ratePerS: number;
  /** Epoch milliseconds; -Infinity before the first, Infinity at the end. */
  readonly watermark: number;
}

export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface Progress {
  /** Shows the last state and lets go of the terminal. */
  stop(): void;
}

const REDRAW_MS = 100;
const LINE_MS = 1_000;

/** Calls `sample` from time to time until stopped. */
export function showProgress(sample: () => ProgressSample, output: ProgressOutput, json = false): Progress {
  if (json) return every(LINE_MS, () => output.write(`${progressJson(sample())}\n`));
  if (output.isTTY) return redrawing(sample, output);
  return every(LINE_MS, () => output.write(`${progressLine(sample(), paintFor(output))}\n`));
}

function every(periodMs: number, show: () => void): Progress {
  const timer = setInterval(show, periodMs).unref();
  return {
    stop() {
      clearInterval(timer);
      show();
    },
  };
}

const CLEAR_LINE = '\r\x1b[2K';

function redrawing(sample: () => ProgressSample, output: ProgressOutput): Progress {
  const draw = (): unknown => output.write(CLEAR_LINE + fit(progressLine(sample(), paintFor(output)), output.columns));
  const progress = every(REDRAW_MS, draw);
  const release = stepAsideFor(process.stdout, output, draw);
  draw();
  return {
    stop() {
      release();
      progress.stop();
      output.write('\n');
    },
  };
}

/** When the job itself writes to the same terminal, its lines go above the one that is redrawn. */
function stepAsideFor(stdout: NodeJS.WriteStream, output: ProgressOutput, draw: () => void): () => void {
  if (!stdout.isTTY) return () => {};
  const write = stdout.write;
  stdout.write = ((...args: Parameters<typeof write>) => {
    output.write(CLEAR_LINE);
    const flowing = write.apply(stdout, args);
    if (String(args[0]).endsWith('\n')) draw();
    return flowing;
  }) as typeof write;
  return () => {
    stdout.write = write;
  };
}

/** `running   1,234,567 events   512,345/s   watermark 2013-12-31 23:59:00` */
export function progressLine({ status, events, ratePerS, watermark }: ProgressSample, paint: Paint): string {
  return [
    paint.bold(status),
    `${count(events)} events`,
    `${count(ratePerS)}/s`,
    `watermark ${watermarkText(watermark)}`,
  ].join('   ');
}

/** One line of JSON; the watermark is null before the first one and at the end. */
export function progressJson(sample: ProgressSample): string {
  const watermark = Number.isFinite(sample.watermark) ? sample.watermark : null;
  return JSON.stringify({ type: 'progress', ...sample, ratePerS: Math.round(sample.ratePerS), watermark });
}

/** `1,234,567`, whatever the locale. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

export function watermarkText(watermark: number): string {
  if (watermark === Number.NEGATIVE_INFINITY) return 'none yet';
  if (watermark === Number.POSITIVE_INFINITY) return 'end of input';
  const date = new Date(watermark);
  return Number.isNaN(date.getTime()) ? String(watermark) : `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** A line that wraps could not be redrawn. Colours take no room. */
function fit(line: string, columns = 80): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is meant
  const bare = line.replace(/\x1b\[\d+m/g, '');
  return bare.length < columns ? line : bare.slice(0, columns - 1);
}
