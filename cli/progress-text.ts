/** How a job gets on, in words and numbers. */
import type { Paint } from './paint.js';

export interface ProgressSample {
  readonly status: string;
  /** Records read from sources so far. */
  readonly events: number;
  readonly ratePerS: number;
  /** Epoch milliseconds; undefined before the first, Infinity at the end. */
  readonly watermark: number | undefined;
}

/** `running   1,234,567 events   512,345/s   watermark 2013-12-31 23:59:00Z` */
export function progressLine({ status, events, ratePerS, watermark }: ProgressSample, paint: Paint): string {
  const parts = [`${count(events)} events`, `${count(ratePerS)}/s`, `watermark ${watermarkText(watermark)}`];
  return [paint.bold(status), ...parts].join('   ');
}

/** One line of JSON; the watermark is null before the first one and at the end. */
export function progressJson({ status, events, ratePerS, watermark }: ProgressSample): string {
  const time = Number.isFinite(watermark) ? watermark : null;
  return JSON.stringify({ type: 'progress', status, events, ratePerS: Math.round(ratePerS), watermark: time });
}

/** `1,234,567`, whatever the locale. */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

export function watermarkText(watermark: number | undefined): string {
  if (watermark === undefined) return 'none yet';
  if (watermark === Number.POSITIVE_INFINITY) return 'end of input';
  const date = new Date(watermark);
  return Number.isNaN(date.getTime()) ? String(watermark) : `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/**
 * Cut to less than `columns`, as a line that wraps could not be redrawn; colours take no room. Some terminals say that
 * they have 0 columns, and mean that they do not know.
 */
export function fit(line: string, columns: number | undefined): string {
  const bare = line.replace(/\x1b\[\d+m/g, '');
  const room = (columns || 80) - 1;
  return bare.length <= room ? line : bare.slice(0, room);
}
