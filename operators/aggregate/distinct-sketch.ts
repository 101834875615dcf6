/**
 * How many different keys there are, approximately: HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) with Ertl's improved
 * estimator (2017), which is unbiased from few keys to very many and needs no corrections.
 *
 * While there are few keys their hashes are kept, so that small numbers are exact; after that a register for each of
 * 2^precision parts of the keys, a byte each. Plain data.
 */
import { hashString } from '../../core/key.js';
import { keyText } from '../../state/tables/key-text.js';

/** Hashes of keys, or registers. */
export type DistinctSketch = Set<number> | Uint8Array;

/** Hashes are of so many bits: they fit into a number. */
const HASH_BITS = 53;
const LOW_BITS = 21;
const [SEED_HIGH, SEED_LOW] = [0x2c1b3c6d, 0x297a2d39];

const ALPHA_INFINITE = 1 / (2 * Math.LN2);

/** Adds to sketches, and asks them, with 2^precision registers. */
export class DistinctSketches {
  readonly #registers: number;
  /** Bits of a hash beside those that name its register. */
  readonly #restBits: number;
  /** So many hashes are kept before there are registers. */
  readonly #hashesMax: number;

  constructor(precision: number) {
    this.#registers = 2 ** precision;
    this.#restBits = HASH_BITS - precision;
    // A hash takes several times the memory of a register.
    this.#hashesMax = Math.max(16, this.#registers / 16);
  }

  add(sketch: DistinctSketch, key: unknown): DistinctSketch {
    return this.#addHash(sketch, hashOf(key));
  }

  merge(into: DistinctSketch, other: DistinctSketch): DistinctSketch {
    if (other instanceof Set) {
      let merged = into;
      for (const hash of other) merged = this.#addHash(merged, hash);
      return merged;
    }
    const merged = into instanceof Set ? this.#toRegisters(into) : into;
    for (let at = 0; at < merged.length; at += 1) merged[at] = Math.max(merged[at] as number, other[at] as number);
    return merged;
  }

  count(sketch: DistinctSketch): number {
    return sketch instanceof Set ? sketch.size : Math.round(this.#estimate(sketch));
  }

  #addHash(sketch: DistinctSketch, hash: number): DistinctSketch {
    if (sketch instanceof Set) {
      sketch.add(hash);
      return sketch.size > this.#hashesMax ? this.#toRegisters(sketch) : sketch;
    }
    this.#note(sketch, hash);
    return sketch;
  }

  #toRegisters(hashes: Set<number>): Uint8Array {
    const registers = new Uint8Array(this.#registers);
    for (const hash of hashes) this.#note(registers, hash);
    return registers;
  }

  #note(registers: Uint8Array, hash: number): void {
    const unit = 2 ** this.#restBits;
    const register = Math.floor(hash / unit);
    const rank = this.#restBits - bitLength(hash % unit) + 1;
    if (rank > (registers[register] as number)) registers[register] = rank;
  }

  /** Ertl's algorithm 6. */
  #estimate(registers: Uint8Array): number {
    const m = this.#registers;
    const q = this.#restBits;
    const counts = new Array<number>(q + 2).fill(0);
    for (const rank of registers) counts[rank] = (counts[rank] as number) + 1;
    let z = m * tau(1 - (counts[q + 1] as number) / m);
    for (let rank = q; rank >= 1; rank -= 1) z = 0.5 * (z + (counts[rank] as number));
    z += m * sigma((counts[0] as number) / m);
    return (ALPHA_INFINITE * m * m) / z;
  }
}

function hashOf(key: unknown): number {
  const text = keyText(key);
  const high = hashString(SEED_HIGH, text) >>> 0;
  const low = hashString(SEED_LOW, text) >>> (32 - LOW_BITS);
  return high * 2 ** LOW_BITS + low;
}

/** Of a whole number below 2^53. */
function bitLength(value: number): number {
  const high = Math.floor(value / 2 ** 32);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(value);
}

function sigma(start: number): number {
  if (start === 1) return Number.POSITIVE_INFINITY;
  let [x, y, z] = [start, 1, start];
  for (let before = Number.NaN; z !== before; ) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

function tau(start: number): number {
  if (start === 0 || start === 1) return 0;
  let [x, y, z] = [start, 1, 1 - start];
  for (let before = Number.NaN; z !== before; ) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}
