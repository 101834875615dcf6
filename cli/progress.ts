/**
 * Shows how a running job gets on: on a terminal one line that is redrawn, elsewhere a plain line a second, with
 * `json` a line of JSON a second.
 */
import { paintFor } from './paint.js';
import { fit, type ProgressSample, progressJson, progressLine } from './progress-text.js';
import { RateMeter } from './rate-meter.js';

/** What is needed of a job's metrics. */
export type ProgressMetrics = Omit<ProgressSample, 'ratePerS'>;

/** What is needed of a job's handle. */
export interface Watched {
  metrics(): Promise<ProgressMetrics>;
}

/** A terminal, or whatever takes text. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** A display of a job's progress, until it is stopped. */
export interface Progress {
  /** Shows the last state, if given, and lets go of the terminal. A second call does nothing. */
  stop(last?: ProgressMetrics): void;
}

const REDRAW_MS = 200;
const LINE_MS = 1_000;
const CLEAR_LINE = '\r\x1b[2K';

/**
 * Watches a job until stopped: events, rate and watermark, on standard error unless told otherwise.
 *
 * @example
 * const handle = run(import.meta, orders)
 * const progress = showProgress(handle)
 * await handle.then(({ metrics }) => progress.stop(metrics), () => progress.stop())
 */
export function showProgress(job: Watched, output: ProgressOutput = process.stderr, json = false): Progress {
  const meter = new RateMeter();
  meter.rate(0, performance.now());
  const rated = (metrics: ProgressMetrics): ProgressSample => ({
    ...metrics,
    ratePerS: meter.rate(metrics.events, performance.now()),
  });
  if (!json && output.isTTY) return redrawing(job, rated, output);
  const text = json ? progressJson : (sample: ProgressSample) => progressLine(sample, paintFor(output));
  return polling(job, LINE_MS, (metrics) => void output.write(`${text(rated(metrics))}\n`));
}

/** Shows metrics as often as they come, but never asks twice at once. */
function polling(job: Watched, periodMs: number, show: (metrics: ProgressMetrics) => void): Progress {
  let asking = false;
  let stopped = false;
  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    // A job that fails says so itself.
    const metrics = await job.metrics().catch(() => undefined);
    asking = false;
    if (metrics && !stopped) show(metrics);
  };
  const timer = setInterval(() => void ask(), periodMs).unref();
  return {
    stop(last) {
      if (stopped) return;
      stopped = true;
      clearInterval(timer);
      if (last) show(last);
    },
  };
}

function redrawing(
  job: Watched,
  rated: (metrics: ProgressMetrics) => ProgressSample,
  output: ProgressOutput,
): Progress {
  let line = '';
  const draw = (): unknown => output.write(CLEAR_LINE + fit(line, output.columns));
  const release = stepAsideFor(process.stdout, output, draw);
  const progress = polling(job, REDRAW_MS, (metrics) => {
    line = progressLine(rated(metrics), paintFor(output));
    draw();
  });
  return {
    stop(last) {
      progress.stop(last);
      release();
      if (line) output.write('\n');
      line = '';
    },
  };
}

/** When the job itself writes to the same terminal, its lines go above the one that is redrawn. */
function stepAsideFor(stdout: NodeJS.WriteStream, output: ProgressOutput, draw: () => void): () => void {
  if (!stdout.isTTY) return () => {};
  const write = stdout.write;
  const aside = (...args: Parameters<typeof write>): boolean => {
    output.write(CLEAR_LINE);
    const flowing = write.apply(stdout, args);
    if (String(args[0]).endsWith('\n')) draw();
    return flowing;
  };
  stdout.write = aside as typeof write;
  return () => {
    stdout.write = write;
  };
}
