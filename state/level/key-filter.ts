/**
 * Which keys may have rows in the base: a Bloom filter (Bloom, 1970) of their hashes, so that a key that has never left
 * memory costs no look into the base.
 *
 * Invariant: `mayHave` is true for every hash that was added; for another one about once in a hundred times. Filters
 * grow by another one beside them, twice as large: bits once set can't be moved.
 */
const FIRST_KEYS = 1 << 10;
const BITS_PER_KEY = 10;
const PROBES = 6;

interface Part {
  readonly bits: Int32Array;
  readonly keysMax: number;
  keys: number;
}

export class KeyFilter {
  private readonly parts: Part[] = [];
  /** Nothing is known: every key may be there. */
  everything = false;

  add(hash: number): void {
    if (this.mayHave(hash)) return;
    let part = this.parts.at(-1);
    if (part === undefined || part.keys === part.keysMax) part = this.extend(part);
    setBits(part.bits, hash);
    part.keys += 1;
  }

  mayHave(hash: number): boolean {
    if (this.everything) return true;
    for (const { bits } of this.parts) if (hasBits(bits, hash)) return true;
    return false;
  }

  private extend(last: Part | undefined): Part {
    const keysMax = last === undefined ? FIRST_KEYS : last.keysMax * 2;
    const part = { bits: new Int32Array(wordsFor(keysMax)), keysMax, keys: 0 };
    this.parts.push(part);
    return part;
  }
}

/** A power of two, so that places are found by masking. */
function wordsFor(keys: number): number {
  let words = 32;
  while (words * 32 < keys * BITS_PER_KEY) words *= 2;
  return words;
}

/** Double hashing (Kirsch, Mitzenmacher, 2006): places at equal steps. */
function stepOf(hash: number): number {
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ (hash << 7)) | 1;
}

function setBits(bits: Int32Array, hash: number): void {
  const mask = bits.length * 32 - 1;
  const step = stepOf(hash);
  for (let probe = 0, place = hash; probe < PROBES; probe += 1, place = (place + step) | 0) {
    const bit = place & mask;
    (bits[bit >>> 5] as number) |= 1 << (bit & 31);
  }
}

function hasBits(bits: Int32Array, hash: number): boolean {
  const mask = bits.length * 32 - 1;
  const step = stepOf(hash);
  for (let probe = 0, place = hash; probe < PROBES; probe += 1, place = (place + step) | 0) {
    const bit = place & mask;
    if (((bits[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return false;
  }
  return true;
}
