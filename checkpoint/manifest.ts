/**
 * The manifest of a checkpoint: everything needed to start from it, and nothing that is not in the files it lists.
 *
 *   magic    8 bytes, "MILLCKPT"
 *   version  u16
 *   body     u32 length, then the manifest, packed
 *   digest   32 bytes, SHA-256 of all before
 */
import { createHash } from 'node:crypto';
import { ByteReader, ByteSink } from '../core/byte-sink.js';
import { packPlain, unpackPlain } from '../core/codec.js';
import { MillraceError } from '../core/errors.js';

const MAGIC = Buffer.from('MILLCKPT', 'latin1');
const VERSION = 1;
const HEADER_BYTES = 14;
const DIGEST_BYTES = 32;

/** A file that a checkpoint rests on. */
export interface FileRef {
  /** In the same directory tree, by its path from the state directory. */
  readonly path: string;
  readonly sizeBytes: number;
  /** SHA-256, hex, of its index, which has those of its sections. */
  readonly digest: string;
  readonly rows: number;
  /** The last checkpoint whose rows it holds. */
  readonly epoch?: number;
  /** Made of others: what was removed is not in it any more. */
  readonly merged?: true;
  /** Only rows of these key groups count; left out: all. The others are older than what is before it in the list. */
  readonly keyGroups?: KeyGroupRange;
}

/** The key groups [first, end). */
export interface KeyGroupRange {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

/** The state of the key groups [first, end): a run file, if any, then deltas in order. */
export interface StateRange extends KeyGroupRange {
  readonly files: readonly FileRef[];
}

export interface Manifest {
  readonly job: string;
  /** Random; decides what belongs together, where epoch numbers can't. */
  readonly id: string;
  /** The checkpoint it grew from. */
  readonly parent: string | undefined;
  /** Ids of the checkpoints it grew from, nearest first, as far as anybody may still hold what they held. */
  readonly ancestors: readonly string[];
  /** Rises over all runs of the job; never used again. */
  readonly epoch: number;
  /**
   * How the job came here: the branches of its history, each with the epoch at which it was left; the last is this
   * checkpoint's own. Going back begins another branch.
   */
  readonly path: readonly { readonly branch: string; readonly epoch: number }[];
  /** The job has gone back to this epoch: output begun later is still to be withdrawn. */
  readonly rewoundTo: number | undefined;
  readonly maxParallelism: number;
  readonly parallelism: number;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Set once the job has ended: there is nothing to go on with. */
  readonly ended: 'finished' | undefined;
  readonly ranges: readonly StateRange[];
  /** By uid: the enumerator's state, and every split under way or waiting, with its position. */
  readonly sources: Readonly<Record<string, { readonly enumerator: unknown; readonly splits: readonly unknown[] }>>;
  /** By uid: state of operators that is not keyed, of every subtask. */
  readonly operators: Readonly<Record<string, readonly unknown[]>>;
  /** By uid: handles that are not known to be committed. */
  readonly sinks: Readonly<Record<string, readonly unknown[]>>;
  /** By chain head's uid: the watermark that had passed. */
  readonly watermarks: Readonly<Record<string, number>>;
  /** By chain head's uid: the state of each subtask's random generator, in order of subtasks. */
  readonly randoms: Readonly<Record<string, readonly (readonly number[])[]>>;
  /** Uids of all keyed operators, and of all sources and sinks: what a changed job is compared with. */
  readonly uids: readonly string[];
}

/** Paths of the files it rests on. */
export function pathsOf({ ranges }: Manifest): string[] {
  return ranges.flatMap(({ files }) => files.map(({ path }) => path));
}

/** Bytes of all files it rests on. */
export function sizeOf({ ranges }: Manifest): number {
  const files = new Map(ranges.flatMap((range) => range.files.map(({ path, sizeBytes }) => [path, sizeBytes])));
  return [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** The first branch of its history: equal for all checkpoints and savepoints that stem from one start. */
export function lineageOf({ path, id }: Manifest): string {
  return path[0]?.branch ?? id;
}

/** Whether `newer` has come by way of `older`, rather than gone back to before it or never known it. */
export function isOnPath(older: Manifest, newer: Manifest): boolean {
  const own = older.path.at(-1);
  const there = newer.path[older.path.length - 1];
  return own !== undefined && there?.branch === own.branch && older.epoch <= there.epoch;
}

export function encodeManifest(manifest: Manifest): Uint8Array<ArrayBuffer> {
  const sink = new ByteSink();
  const body = packPlain(manifest, 'manifest');
  sink.put(MAGIC);
  sink.u16(VERSION);
  sink.u32(body.length);
  sink.put(body);
  sink.put(sha256(sink.bytes));
  return sink.take();
}

/** Throws `MILL_CHECKPOINT_DAMAGED`, naming `path`, unless every byte is as it was written. */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  const intact = bytes.length >= HEADER_BYTES + DIGEST_BYTES && isIntact(bytes);
  if (!intact)
    throw new MillraceError('MILL_CHECKPOINT_DAMAGED', `${path} is not as it was written`, { position: path });
  const reader = new ByteReader(bytes, MAGIC.length);
  const version = reader.u16();
  if (version !== VERSION) {
    throw new MillraceError(
      'MILL_CHECKPOINT_UNREADABLE',
      `${path} has version ${version}, this millrace reads ${VERSION}`,
      { position: path },
    );
  }
  return unpackPlain(reader.take(reader.u32())) as Manifest;
}

function isIntact(bytes: Uint8Array): boolean {
  const end = bytes.length - DIGEST_BYTES;
  const length = new ByteReader(bytes, MAGIC.length + 2).u32();
  return (
    MAGIC.equals(bytes.subarray(0, MAGIC.length)) &&
    HEADER_BYTES + length === end &&
    sha256(bytes.subarray(0, end)).equals(bytes.subarray(end))
  );
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
