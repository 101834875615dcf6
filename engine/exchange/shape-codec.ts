/**
 * Encoders and decoders by shape, made once a thread, however many channels use them; and shapes as bytes.
 *
 * Invariant: whether code was generated or is interpreted cannot be told from the bytes.
 */
import { packPlain, unpackPlain } from '../../core/codec.js';
import { type ColumnDecoder, generateDecoder, interpretDecoder } from './column-decoder.js';
import { type ColumnEncoder, generateEncoder, interpretEncoder } from './column-encoder.js';
import { type Column, hasTags, type Shape, valueBytes } from './shape.js';

export interface ShapeCodec {
  readonly shape: Shape;
  readonly latin1: ColumnEncoder;
  readonly wide: ColumnEncoder;
  readonly decode: ColumnDecoder;
  /** Bytes of a row, texts aside. */
  readonly rowBytes: number;
  /** Bytes that padding adds to the columns of a frame at most. */
  readonly paddingBytesMax: number;
}

/** Codecs kept; beyond that the memory starts anew. Only a job of very many shapes gets there. */
const CODECS_MAX = 512;

const codecs = new Map<string, ShapeCodec>();

export function codecOf(shape: Shape): ShapeCodec {
  const key = JSON.stringify([
    shape.scalar,
    ...shape.columns.map(({ name, kind, nullable }) => [name, kind, nullable]),
  ]);
  let codec = codecs.get(key);
  if (codec === undefined) {
    codec = makeCodec(shape, codeCanBeGenerated());
    if (codecs.size >= CODECS_MAX) codecs.clear();
    codecs.set(key, codec);
  }
  return codec;
}

export function makeCodec(shape: Shape, generated: boolean): ShapeCodec {
  const encoder = generated ? generateEncoder : interpretEncoder;
  const decoder = generated ? generateDecoder : interpretDecoder;
  const sum = (bytes: (column: Column) => number): number =>
    shape.columns.reduce((total, column) => total + bytes(column), 0);
  return {
    shape,
    latin1: encoder(shape, false),
    wide: encoder(shape, true),
    decode: decoder(shape),
    rowBytes: sum((column) => valueBytes(column) + (hasTags(column) ? 1 : 0)),
    paddingBytesMax: sum((column) => (hasTags(column) ? 16 : 8)),
  };
}

let canGenerate: boolean | undefined;

/** False under `--disallow-code-generation-from-strings`. */
function codeCanBeGenerated(): boolean {
  if (canGenerate === undefined) {
    try {
      new Function('');
      canGenerate = true;
    } catch {
      canGenerate = false;
    }
  }
  return canGenerate;
}

export function packShape(id: number, shape: Shape): Uint8Array {
  return packPlain(
    [id, shape.scalar, shape.columns.map(({ name, kind, nullable }) => [name, kind, nullable])],
    'shape',
  );
}

export function unpackShape(bytes: Uint8Array): { readonly id: number; readonly shape: Shape } {
  const [id, scalar, columns] = unpackPlain(bytes) as [number, boolean, [string, number, boolean][]];
  return { id, shape: { scalar, columns: columns.map(([name, kind, nullable]) => ({ name, kind, nullable })) } };
}
