/**
 * SplittableRandom (Steele, Lea, Flood 2014), as Nexmark's generator draws from it: SplitMix64 over two 32-bit integers, so that
 * nothing is boxed.
 */

const GAMMA_HI = 0x9e3779b9 | 0;
const GAMMA_LO = 0x7f4a7c15 | 0;

/** Places of the words: state, and the last product, each its upper half first. */
const HI = 0;
const LO = 1;
const HIGH = 2;
const LOW = 3;

export class SplitRandom {
  /** Integers that stand in an object by themselves would be boxed, one for each that is drawn. */
  private readonly words = new Int32Array(4);

  constructor(hi: number, lo: number) {
    this.words[HI] = hi;
    this.words[LO] = lo;
  }

  get state(): readonly [hi: number, lo: number] {
    return [this.words[HI] as number, this.words[LO] as number];
  }

  /** In [0, 1), 53 bits of it. */
  double(): number {
    this.step();
    const { words } = this;
    let hi = words[HI] as number;
    let lo = words[LO] as number;
    lo ^= (lo >>> 30) | (hi << 2);
    hi ^= hi >>> 30;
    this.multiply(hi, lo, 0xbf58476d, 0x1ce4e5b9);
    hi = words[HIGH] as number;
    lo = words[LOW] as number;
    lo ^= (lo >>> 27) | (hi << 5);
    hi ^= hi >>> 27;
    this.multiply(hi, lo, 0x94d049bb, 0x133111eb);
    hi = words[HIGH] as number;
    lo = words[LOW] as number;
    lo ^= (lo >>> 31) | (hi << 1);
    hi ^= hi >>> 31;
    return ((hi >>> 0) * 2 ** 21 + (lo >>> 11)) * 2 ** -53;
  }

  /** Any signed integer of 32 bits. */
  int32(): number {
    this.step();
    const { words } = this;
    let hi = words[HI] as number;
    let lo = words[LO] as number;
    lo ^= hi >>> 1;
    this.multiply(hi, lo, 0x62a9d9ed, 0x799705f5);
    hi = words[HIGH] as number;
    lo = words[LOW] as number;
    const shifted = (lo >>> 28) | (hi << 4);
    this.multiply(hi ^ (hi >>> 28), lo ^ shifted, 0xcb24d0a5, 0xc88c35b3);
    return words[HIGH] as number;
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

  private step(): void {
    const { words } = this;
    const lo = ((words[LO] as number) >>> 0) + (GAMMA_LO >>> 0);
    words[LO] = lo | 0;
    words[HI] = ((words[HI] as number) + GAMMA_HI + (lo > 0xffffffff ? 1 : 0)) | 0;
  }

  /** The lower 64 bits of a product. */
  private multiply(aHi: number, aLo: number, bHi: number, bLo: number): void {
    const a0 = aLo & 0xffff;
    const a1 = aLo >>> 16;
    const b0 = bLo & 0xffff;
    const b1 = bLo >>> 16;
    const middle = a1 * b0 + ((a0 * b0) >>> 16);
    const rest = a0 * b1 + (middle & 0xffff);
    const upper = a1 * b1 + Math.floor(middle / 65_536) + Math.floor(rest / 65_536);
    this.words[HIGH] = (upper + Math.imul(aHi, bLo) + Math.imul(aLo, bHi)) | 0;
    this.words[LOW] = Math.imul(aLo, bLo);
  }
}

/** Of a small seed. */
export function seeded(seed: number): SplitRandom {
  return new SplitRandom(0, seed);
}
