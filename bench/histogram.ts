/**
 * A histogram of times with steps of about 1.5 %, in microseconds, that can be sent from thread to thread and added up (after
 * HdrHistogram: so many linear steps in each power of two).
 */

const STEPS = 64;
const POWERS = 40;

export type Counts = readonly number[];

export class Histogram {
  readonly #counts: number[] = new Array<number>(STEPS * POWERS).fill(0);

  add(micros: number): void {
    this.#counts[placeOf(micros)] = (this.#counts[placeOf(micros)] as number) + 1;
  }

  get counts(): Counts {
    return this.#counts.slice();
  }
}

export function sumOf(all: Iterable<Counts>): Counts {
  const sum = new Histogram().counts as number[];
  for (const counts of all)
    counts.forEach((count, at) => {
      sum[at] = (sum[at] as number) + count;
    });
  return sum;
}

/** Microseconds, the upper end of the step that holds this share of the times; 0 of none. */
export function percentile(counts: Counts, share: number): number {
  const total = counts.reduce((a, b) => a + b, 0);
  let left = Math.ceil(total * share);
  for (let at = 0; at < counts.length; at += 1) {
    left -= counts[at] as number;
    if (left <= 0 && total > 0) return upperEnd(at);
  }
  return 0;
}

/** Below `STEPS` each microsecond is a step of its own. */
function placeOf(micros: number): number {
  const time = Math.max(0, Math.floor(micros));
  if (time < STEPS) return time;
  const power = Math.floor(Math.log2(time)) - Math.log2(STEPS) + 1;
  return Math.min(STEPS * POWERS - 1, power * (STEPS / 2) + STEPS / 2 + (Math.floor(time / 2 ** power) - STEPS / 2));
}

function upperEnd(place: number): number {
  if (place < STEPS) return place;
  const power = Math.floor((place - STEPS / 2) / (STEPS / 2));
  const step = place - power * (STEPS / 2);
  return (step + 1) * 2 ** power;
}
