/**
 * SplittableRandom (Steele, Lea, Flood 2014), as Nexmark's generator draws from it. Its state is a counter in steps of a
 * constant, and what is drawn is a mix of it: so states are mixed a block at a time, and a position is how many were drawn.
 *
 * `BigInt.asUintN(64, …)` around each step is what lets the compiler use machine integers.
 */
const STEP = 0x9e3779b97f4a7c15n;
const BLOCK = 512;

export class SplitRandom {
  private readonly seed: bigint;
  private readonly states = new BigUint64Array(BLOCK);
  private readonly mixed = new BigUint64Array(BLOCK);
  /** The upper half of what is mixed is every second one (memory is little-endian wherever Node runs). */
  private readonly halves = new Int32Array(this.mixed.buffer);
  /** As two numbers that are not boxed, as a bigint on its way to a number would be. */
  private readonly last = new BigUint64Array(1);
  private readonly lastHalves = new Uint32Array(this.last.buffer);
  private at = 0;
  /** Draws before this block. */
  private before: number;

  /** Goes on after `drawn` draws. */
  constructor(seed: number, drawn = 0) {
    this.seed = BigInt(seed);
    this.before = drawn;
    this.fill();
  }

  get drawn(): number {
    return this.before + this.at;
  }

  /** In [0, 1), 53 bits of it. */
  double(): number {
    if (this.at === BLOCK) this.turn();
    let z = this.states[this.at++] as bigint;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    this.last[0] = z ^ (z >> 31n);
    const low = this.lastHalves[0] as number;
    const high = this.lastHalves[1] as number;
    return (high * 2 ** 21 + (low >>> 11)) * 2 ** -53;
  }

  /** Any signed integer of 32 bits. */
  int32(): number {
    if (this.at === BLOCK) this.turn();
    const at = this.at;
    this.at = at + 1;
    return this.halves[2 * at + 1] as number;
  }

  /** From 0 to below `bound`. */
  below(bound: number): number {
    let drawn = this.int32();
    const most = bound - 1;
    if ((bound & most) === 0) return drawn & most;
    for (let bits = drawn >>> 1; ; bits = this.int32() >>> 1) {
      drawn = bits % bound;
      if (bits + most - drawn <= 0x7fffffff) return drawn;
    }
  }

  private turn(): void {
    this.before += BLOCK;
    this.at = 0;
    this.fill();
  }

  private fill(): void {
    const { states, mixed } = this;
    let state = BigInt.asUintN(64, this.seed + BigInt(this.before) * STEP);
    for (let at = 0; at < BLOCK; at += 1) {
      state = BigInt.asUintN(64, state + STEP);
      states[at] = state;
      const half = BigInt.asUintN(64, (state ^ (state >> 33n)) * 0x62a9d9ed799705f5n);
      mixed[at] = BigInt.asUintN(64, (half ^ (half >> 28n)) * 0xcb24d0a5c88c35b3n);
    }
  }
}
