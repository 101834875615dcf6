/** How a job gets on, in words and numbers. */
import type { CheckpointInfo } from '../engine/coordinator/coordinator.js';
import type { Paint } from './paint.js';

export interface ProgressSample {
  readonly status: string;
  /** Records read from sources so far. */
  readonly events: number;
  readonly ratePerS: number;
  /** Epoch milliseconds; undefined before the first, Infinity at the end. */
  readonly watermark: number | undefined;
  /** The last complete one. */
  readonly checkpoint?: CheckpointInfo | undefined;
}

/** `running   1,234,567 events   512,345/s   watermark 2013-12-31 23:59:00Z   checkpoint 7, 3 s ago, 24 ms, 1.2 MB` */
export function progressLine(sample: ProgressSample, paint: Paint, now: number = Date.now()): string {
  const { status, events, ratePerS, watermark, checkpoint } = sample;
  const parts = [`${count(events)} events`, `${count(ratePerS)}/s`, `watermark ${watermarkText(watermark)}`];
  if (checkpoint) parts.push(`checkpoint ${checkpointText(checkpoint, now)}`);
  return [paint.bold(status), ...parts].join('   ');
}

/** One line of JSON; the watermark is null before the first one and at the end, the checkpoint before the first. */
export function progressJson({ status, events, ratePerS, watermark, checkpoint }: ProgressSample): string {
  const time = Number.isFinite(watermark) ? watermark : null;
  const rate = Math.round(ratePerS);
  return JSON.stringify({
    type: 'progress',
    status,
    events,
    ratePerS: rate,
    watermark: time,
    checkpoint: checkpoint ?? null,
  });
}

function checkpointText({ epoch, completedAt, durationMs, sizeBytes }: CheckpointInfo, now: number): string {
  const took = durationMs === undefined ? [] : [`${Math.round(durationMs)} ms`];
  return [String(epoch), `${ageText(now - completedAt)} ago`, ...took, sizeText(sizeBytes)].join(', ');
}

/** `3 s`, `12 min`, `5 h`, `3 d`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, ms / 1_000);
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129_600 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** `17 B`, `1.2 MB`: powers of a thousand. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let [value, unit] = [bytes / 1_000, 0];
  for (; value >= 999.5 && unit < units.length - 1; unit += 1) value /= 1_000;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
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
  return timeText(watermark);
}

/** `2013-12-31 23:59:00Z` */
export function timeText(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`;
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
