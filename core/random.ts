/**
 * A small seeded generator, xorshift128 (Marsaglia, 2003): four words of state, which checkpoints hold, so that a
 * restored job draws the numbers it would have drawn.
 */
export class Random {
  readonly #words: Uint32Array;

  constructor(seed: number) {
    // SplitMix32 spreads one word over four; xorshift must not start from all zeros.
    let word = seed | 0;
    this.#words = Uint32Array.from({ length: 4 }, () => {
      word = (word + 0x9e3779b9) | 0;
      let mixed = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    });
    if (this.#words.every((each) => each === 0)) this.#words[0] = 1;
  }

  /** An unsigned 32-bit integer. */
  uint32(): number {
    const words = this.#words;
    let t = words[3] as number;
    const s = words[0] as number;
    words[3] = words[2] as number;
    words[2] = words[1] as number;
    words[1] = s;
    t ^= t << 11;
    t ^= t >>> 8;
    words[0] = t ^ s ^ (s >>> 19);
    return words[0];
  }

  /** A number in [0, 1). */
  next(): number {
    return this.uint32() / 2 ** 32;
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  get state(): readonly number[] {
    return [...this.#words];
  }

  restore(state: readonly number[]): void {
    this.#words.set(state);
  }
}
