/** Records a second, over the last moments rather than since the start. */
const WINDOW_MS = 2_000;

interface Sample {
  readonly atMs: number;
  readonly count: number;
}

export class RateMeter {
  #samples: Sample[] = [];

  /** Takes the count reached at a time; returns the rate a second. A count that falls (a restart) begins anew. */
  rate(count: number, atMs: number): number {
    const last = this.#samples.at(-1);
    if (last && count < last.count) this.#samples = [];
    this.#samples.push({ count, atMs });
    while (this.#samples.length > 2 && (this.#samples[1] as Sample).atMs <= atMs - WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0] as Sample;
    return atMs > first.atMs ? ((count - first.count) * 1_000) / (atMs - first.atMs) : 0;
  }
}
