/**
 * The filter of a LevelDB table: for each 2 KiB of its data, a Bloom filter (Bloom, 1970) of the keys in blocks that begin
 * there, as LevelDB's own util/bloom.cc makes it with ten bits a key: classic-level always has it so.
 *
 *   filters    each: bits, as many as fill bytes · probes u8
 *   places     u32 each, of filters
 *   end        u32, of the filters · u8 11, the 2 KiB as a power of two
 */
import { LevelBytes } from './level-bytes.js';

export const FILTER_NAME = 'filter.leveldb.BuiltinBloomFilter2';

const BASE_POWER = 11;
const BITS_PER_KEY = 10;
const BITS_MIN = 64;
/** 0.69 (ln 2) times the bits per key. */
const PROBES = 6;

export class FilterWriter {
  readonly #into = new LevelBytes(64 << 10);
  #places: number[] = [];
  #hashes = new Uint32Array(1 << 10);
  #count = 0;

  add(key: Uint8Array): void {
    if (this.#count === this.#hashes.length) {
      const grown = new Uint32Array(this.#count * 2);
      grown.set(this.#hashes);
      this.#hashes = grown;
    }
    this.#hashes[this.#count] = hashOf(key);
    this.#count += 1;
  }

  /** The keys that follow are of a block that begins here. */
  startBlock(at: number): void {
    while (this.#places.length < at >>> BASE_POWER) this.#close();
  }

  /** The whole of it, for one table; good until the next call. */
  finish(): Uint8Array {
    const into = this.#into;
    if (this.#count > 0) this.#close();
    const end = into.size;
    for (const place of this.#places) into.u32(place);
    into.u32(end);
    into.u8(BASE_POWER);
    const { written } = into;
    into.size = 0;
    this.#places = [];
    return written;
  }

  /** Keys of a 2 KiB in which no block begins are none: its filter takes no bytes. */
  #close(): void {
    const into = this.#into;
    this.#places.push(into.size);
    if (this.#count === 0) return;
    const size = (Math.max(BITS_MIN, this.#count * BITS_PER_KEY) + 7) >>> 3;
    into.reserve(size + 1);
    into.bytes.fill(0, into.size, into.size + size);
    for (let at = 0; at < this.#count; at += 1) setBits(into.bytes, into.size, size * 8, this.#hashes[at] as number);
    into.size += size;
    into.u8(PROBES);
    this.#count = 0;
  }
}

/** Double hashing (Kirsch, Mitzenmacher, 2006). */
function setBits(bytes: Uint8Array, from: number, bits: number, hash: number): void {
  const step = (hash >>> 17) | (hash << 15);
  for (let probe = 0, place = hash; probe < PROBES; probe += 1, place = (place + step) >>> 0) {
    const bit = place % bits;
    (bytes[from + (bit >>> 3)] as number) |= 1 << (bit & 7);
  }
}

/** LevelDB's util/hash.cc: four bytes at a time, and what is left. */
function hashOf(key: Uint8Array): number {
  const factor = 0xc6a4a793 | 0;
  let hash = 0xbc9f1d34 ^ Math.imul(key.length, factor);
  let at = 0;
  for (const last = key.length - 4; at <= last; at += 4) {
    const word =
      (key[at] as number) |
      ((key[at + 1] as number) << 8) |
      ((key[at + 2] as number) << 16) |
      ((key[at + 3] as number) << 24);
    hash = Math.imul((hash + word) | 0, factor);
    hash ^= hash >>> 16;
  }
  if (at === key.length) return hash >>> 0;
  let rest = 0;
  for (let shift = 0; at < key.length; at += 1, shift += 8) rest |= (key[at] as number) << shift;
  hash = Math.imul((hash + rest) | 0, factor);
  return (hash ^ (hash >>> 24)) >>> 0;
}
