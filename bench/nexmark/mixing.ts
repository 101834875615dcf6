/**
 * SplittableRandom's two mixes of a block of states, in WebAssembly: 64-bit integers are what JavaScript lacks. A fourth of the
 * time that bigints take, and no memory.
 *
 *   for at in 0 .. BLOCK-1
 *     state += STEP
 *     ints[at]    = upper half of mix(state, 33, 0x62a9…, 28, 0xcb24…)
 *     doubles[at] = upper 53 bits of mix(state, 30, 0xbf58…, 27, 0x94d0…) ^ itself >>> 31, times 2^-53
 *
 * where mix(z, s, a, t, b) = (z' ^ z' >>> t) * b with z' = (z ^ z >>> s) * a.
 */

export const BLOCK = 512;
export const STEP = 0x9e3779b97f4a7c15n;

const DOUBLES_AT = BLOCK * 4;

// Instructions, by their names in the text format.
const LOOP = [0x03, 0x40];
const END = [0x0b];
const BR_IF = (depth: number): number[] => [0x0d, depth];
const GET = (local: number): number[] => [0x20, local];
const SET = (local: number): number[] => [0x21, local];
const TEE = (local: number): number[] => [0x22, local];
const I32_CONST = (value: number): number[] => [0x41, ...leb(BigInt(value))];
const I64_CONST = (value: bigint): number[] => [0x42, ...leb(BigInt.asIntN(64, value))];
const I32_ADD = [0x6a];
const I32_LT_U = [0x49];
const I64_ADD = [0x7c];
const I64_MUL = [0x7e];
const I64_XOR = [0x85];
const I64_SHR_U = [0x88];
const I32_WRAP = [0xa7];
const F64_CONVERT_U = [0xba];
const F64_MUL = [0xa2];
const I32_STORE = (offset: number): number[] => [0x36, 2, ...uleb(offset)];
const F64_STORE = (offset: number): number[] => [0x39, 3, ...uleb(offset)];
const F64_CONST = (value: number): number[] => [0x44, ...new Uint8Array(new Float64Array([value]).buffer)];

const I32 = 0x7f;
const I64 = 0x7e;
/** Locals: the state (a parameter, and the result), what is being mixed, where it goes. */
const [STATE, MIXED, AT] = [0, 1, 2];

function shifted(by: bigint): number[] {
  return [...TEE(MIXED), ...GET(MIXED), ...I64_CONST(by), ...I64_SHR_U, ...I64_XOR];
}

function mix(s: bigint, a: bigint, t: bigint, b: bigint): number[] {
  return [...GET(STATE), ...shifted(s), ...I64_CONST(a), ...I64_MUL, ...shifted(t), ...I64_CONST(b), ...I64_MUL];
}

const CODE = [
  ...LOOP,
  ...[...GET(STATE), ...I64_CONST(STEP), ...I64_ADD, ...SET(STATE)],
  ...GET(AT),
  ...mix(33n, 0x62a9d9ed799705f5n, 28n, 0xcb24d0a5c88c35b3n),
  ...[...I64_CONST(32n), ...I64_SHR_U, ...I32_WRAP, ...I32_STORE(0)],
  // Twice as far: a double has twice the size.
  ...[...GET(AT), ...GET(AT), ...I32_ADD],
  ...mix(30n, 0xbf58476d1ce4e5b9n, 27n, 0x94d049bb133111ebn),
  ...[...shifted(31n), ...I64_CONST(11n), ...I64_SHR_U, ...F64_CONVERT_U, ...F64_CONST(2 ** -53), ...F64_MUL],
  ...F64_STORE(DOUBLES_AT),
  ...[...GET(AT), ...I32_CONST(4), ...I32_ADD, ...TEE(AT), ...I32_CONST(BLOCK * 4), ...I32_LT_U, ...BR_IF(0)],
  ...END,
  ...GET(STATE),
  ...END,
];

const MODULE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 1, I64, 1, I64]),
  ...section(3, [1, 0]),
  ...section(5, [1, 0, 1]),
  ...section(7, [2, ...named('memory'), 2, 0, ...named('fill'), 0, 0]),
  ...section(10, [1, ...sized([2, 1, I64, 1, I32, ...CODE])]),
]);

/** A block of random numbers, each as an integer and as a double. */
export interface Mixing {
  readonly ints: Int32Array;
  readonly doubles: Float64Array;
  /** Fills it with the mixes of the states after `state`; gives the last of these. */
  fill(state: bigint): bigint;
}

/** Node's types leave it to the browser's. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

const compiled = new WebAssembly.Module(MODULE);

export function mixing(): Mixing {
  const { memory, fill } = new WebAssembly.Instance(compiled).exports as {
    readonly memory: { readonly buffer: ArrayBuffer };
    fill(state: bigint): bigint;
  };
  const { buffer } = memory;
  return { ints: new Int32Array(buffer, 0, BLOCK), doubles: new Float64Array(buffer, DOUBLES_AT, BLOCK), fill };
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...sized(content)];
}

function sized(content: readonly number[]): number[] {
  return [...uleb(content.length), ...content];
}

function named(name: string): number[] {
  return sized([...Buffer.from(name)]);
}

function uleb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...uleb(value >>> 7)];
}

/** Signed. */
function leb(value: bigint): number[] {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  const isLast = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
  return isLast ? [low] : [low | 0x80, ...leb(rest)];
}
