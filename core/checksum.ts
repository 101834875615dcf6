/**
 * A 32-bit checksum of bytes that are written often and in small pieces: FNV-1a (Fowler, Noll, Vo), its bits mixed at
 * the end. Each step is a bijection of the sum so far, so one changed byte always changes the sum; anything else goes
 * unnoticed once in four thousand million times.
 */
const OFFSET = 0x811c9dc5 | 0;
const PRIME = 0x01000193;

/** Sum of the bytes [from, end), going on from `sum`. */
export function addToSum(sum: number, bytes: Uint8Array, from = 0, end = bytes.length): number {
  let hash = sum;
  for (let at = from; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] as number), PRIME);
  return hash;
}

/** Checksum of two pieces one after the other, the second from byte `from` on; unsigned. */
export function checksumOf(first: Uint8Array, second: Uint8Array, from = 0): number {
  let hash = addToSum(addToSum(OFFSET, first), second, from);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
