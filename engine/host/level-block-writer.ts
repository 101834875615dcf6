/**
 * Blocks of LevelDB's tables: rows in ascending order, each without what its key has in common with the one before.
 *
 *   rows       varint shared · varint other · varint value length · other bytes of the key · value
 *   restarts   u32 each: where a row begins whose key stands in full, for binary search
 *   count      u32, of restarts
 *   trailer    compression u8, none · sum u32
 *
 * Invariant: keys rise from row to row, and from one of the writer's blocks to the next.
 */
import { MillraceError } from '../../core/errors.js';
import { type LevelBytes, putVarint, VARINT_BYTES } from './level-bytes.js';
import { storedSum } from './level-format.js';

const NO_COMPRESSION = 0;

/** Where a block stands; the trailer does not count. */
export interface Handle {
  readonly at: number;
  readonly sizeBytes: number;
}

export class BlockWriter {
  readonly #into: LevelBytes;
  readonly #rowsPerRestart: number;
  /** Of the open block, which is empty if there are none. */
  #restarts: number[] = [];
  #rowsSinceRestart = 0;
  #startsAt = 0;
  #lastKey = new Uint8Array(256);
  #lastKeyBytes = 0;

  constructor(into: LevelBytes, rowsPerRestart: number) {
    this.#into = into;
    this.#rowsPerRestart = rowsPerRestart;
  }

  /** Overwritten by the next row's. */
  get lastKey(): Uint8Array {
    return this.#lastKey.subarray(0, this.#lastKeyBytes);
  }

  /** Of the open block's rows. */
  get sizeBytes(): number {
    return this.#restarts.length === 0 ? 0 : this.#into.size - this.#startsAt;
  }

  /** `tail`: a few bytes that stand behind the key. */
  add(key: Uint8Array, tail: Uint8Array, value: Uint8Array): void {
    const into = this.#into;
    const common = this.#advance(key);
    const shared = this.#beginsInFull() ? 0 : common;
    into.reserve(3 * VARINT_BYTES + key.length + tail.length + value.length);
    const { bytes } = into;
    let at = putVarint(bytes, into.size, shared);
    at = putVarint(bytes, at, key.length - shared + tail.length);
    at = putVarint(bytes, at, value.length);
    at = putFrom(bytes, at, key, shared);
    at = putFrom(bytes, at, tail, 0);
    bytes.set(value, at);
    into.size = at + value.length;
  }

  /** Ends the block, save for its trailer; returns where it begins. The next row begins another one. */
  end(): number {
    const into = this.#into;
    for (const restart of this.#restarts) into.u32(restart);
    into.u32(this.#restarts.length);
    this.#restarts = [];
    return this.#startsAt;
  }

  /** Whether the next row's key stands in full, which is noted. */
  #beginsInFull(): boolean {
    this.#rowsSinceRestart += 1;
    const isFirst = this.#restarts.length === 0;
    if (!isFirst && this.#rowsSinceRestart < this.#rowsPerRestart) return false;
    if (isFirst) this.#startsAt = this.#into.size;
    this.#restarts.push(this.#into.size - this.#startsAt);
    this.#rowsSinceRestart = 0;
    return true;
  }

  /** Makes this the last key; how many bytes it has in common with the one before. */
  #advance(key: Uint8Array): number {
    const last = this.#lastKey;
    const lastBytes = this.#lastKeyBytes;
    const most = Math.min(key.length, lastBytes);
    let common = 0;
    while (common < most && key[common] === last[common]) common += 1;
    if (common === key.length || (common < lastBytes && (key[common] as number) < (last[common] as number)))
      throw new MillraceError('MILL_BUG', 'rows for a table do not come in ascending order of their keys');
    const known = key.length > last.length ? 0 : common;
    if (key.length > last.length) this.#lastKey = new Uint8Array(key.length * 2);
    putFrom(this.#lastKey, known, key, known);
    this.#lastKeyBytes = key.length;
    return common;
  }
}

/** Ends a block of any kind that begins at `at`. */
export function putTrailer(into: LevelBytes, at: number): Handle {
  const sizeBytes = into.size - at;
  into.u8(NO_COMPRESSION);
  into.u32(storedSum(into.view, at, into.size));
  return { at, sizeBytes };
}

/** A loop: for so few bytes cheaper than a call of `set`, and than the view it takes. */
function putFrom(bytes: Uint8Array, to: number, source: Uint8Array, from: number): number {
  let at = to;
  for (let next = from; next < source.length; next += 1, at += 1) bytes[at] = source[next] as number;
  return at;
}
