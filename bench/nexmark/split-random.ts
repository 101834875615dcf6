/**
 * SplittableRandom (Steele, Lea, Flood 2014), as Nexmark's generator draws from it. Its state is a counter in steps of a
 * constant, and what is drawn is a mix of it: so states are mixed a block at a time, and a position is how many were drawn.
 */
import { BLOCK, mixing, STEP } from './mixing.js';

export class SplitRandom {
  private readonly block = mixing();
  private readonly ints = this.block.ints;
  private readonly doubles = this.block.doubles;
  private at = 0;
  /** Draws before this block. */
  private before: number;
  /** Of the last draw of this block. */
  private state: bigint;

  /** Goes on after `drawn` draws. */
  constructor(seed: number, drawn = 0) {
    this.before = drawn;
    this.state = this.block.fill(BigInt.asUintN(64, BigInt(seed) + BigInt(drawn) * STEP));
  }

  get drawn(): number {
    return this.before + this.at;
  }

  /** In [0, 1), 53 bits of it. */
  double(): number {
    if (this.at === BLOCK) this.turn();
    const { at } = this;
    this.at = at + 1;
    return this.doubles[at] as number;
  }

  /** Any signed integer of 32 bits. */
  int32(): number {
    if (this.at === BLOCK) this.turn();
    const { at } = this;
    this.at = at + 1;
    return this.ints[at] as number;
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
    this.state = this.block.fill(this.state);
  }
}
