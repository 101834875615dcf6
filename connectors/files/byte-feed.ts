/**
 * Reads a file ahead of a reader that must never block: chunks of bytes, decompressed, from some offset on.
 *
 * Invariants: at most CHUNKS_AHEAD chunks wait, one more is being read; none is asked for while they do. `wake` is
 * called when a chunk comes to an empty queue and when the end is reached. Errors go to `fail`, once. After `close`
 * nothing is called any more and the file is closed.
 */

import { MillraceError } from '../../core/errors.js';
import type { Codec, Host } from '../../core/host.js';
import { readError } from './file-errors.js';

/** A read of this size costs little beside the parsing of what it brings. */
const CHUNK_BYTES = 256 << 10;
const CHUNKS_AHEAD = 2;

export interface ByteFeedOptions {
  readonly host: Host;
  readonly path: string;
  /** Undefined: the file is not compressed. */
  readonly codec: Codec | undefined;
  /** Offset, of the decompressed bytes, of the first byte wanted. */
  readonly from: number;
  /** How often to look for more at the end of the file; undefined: the end is the end. */
  readonly followMs: number | undefined;
  wake(): void;
  fail(error: MillraceError): void;
}

export class ByteFeed {
  private readonly options: ByteFeedOptions;
  private readonly chunks: Uint8Array[] = [];
  private atEnd = false;
  private closed = false;
  /** Has a pump that waits, for room or for time to pass, go on. */
  private resume: (() => void) | undefined;
  private readonly pumped: Promise<void>;

  constructor(options: ByteFeedOptions) {
    this.options = options;
    this.pumped = this.pump();
  }

  /** The next chunk, if one is at hand. */
  take(): Uint8Array | undefined {
    const chunk = this.chunks.shift();
    if (this.chunks.length === CHUNKS_AHEAD - 1) this.resume?.();
    return chunk;
  }

  /** No chunk will come any more. */
  get ended(): boolean {
    return this.atEnd && this.chunks.length === 0;
  }

  /** Resolves when the file is closed. */
  close(): Promise<void> {
    this.closed = true;
    this.resume?.();
    return this.pumped;
  }

  /** Never rejects. */
  private async pump(): Promise<void> {
    try {
      for await (const chunk of this.bytes()) {
        if (this.closed) return;
        this.chunks.push(chunk);
        if (this.chunks.length === 1) this.options.wake();
        while (this.chunks.length >= CHUNKS_AHEAD && !this.closed) await this.pause();
      }
      this.atEnd = true;
      if (!this.closed) this.options.wake();
    } catch (thrown) {
      if (!this.closed) this.options.fail(readError(this.options.path, thrown));
    }
  }

  private async *bytes(): AsyncGenerator<Uint8Array> {
    const { host, path, codec, from } = this.options;
    const file = await host.storage.read(path);
    try {
      if (codec !== undefined) yield* skip(host.storage.decompress(codec, this.raw(file, 0, undefined)), from);
      else yield* this.raw(file, from, this.options.followMs);
    } finally {
      await file.close();
    }
  }

  private async *raw(
    file: { read(into: Uint8Array, position: number): Promise<number> },
    from: number,
    followMs: number | undefined,
  ): AsyncGenerator<Uint8Array> {
    if (from > 0) await this.checkSize(from);
    for (let position = from; !this.closed; ) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      const bytes = await file.read(chunk, position);
      position += bytes;
      if (bytes > 0) yield chunk.subarray(0, bytes);
      if (bytes === CHUNK_BYTES) continue;
      if (followMs === undefined) return;
      await this.checkSize(position);
      await this.pause(followMs);
    }
  }

  private async checkSize(bytes: number): Promise<void> {
    const found = await this.options.host.storage.stat(this.options.path);
    if (found !== undefined && found.sizeBytes < bytes) throw shorter(bytes);
  }

  /** Until `resume` is called, or for `ms`. */
  private pause(ms?: number): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = ms === undefined ? undefined : this.options.host.timer(ms, () => this.resume?.());
      this.resume = () => {
        this.resume = undefined;
        cancel?.();
        resolve();
      };
    });
  }
}

/** Leaves out the first `count` bytes. */
async function* skip(chunks: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of chunks) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
  if (left > 0) throw shorter(count);
}

function shorter(bytes: number): MillraceError {
  return new MillraceError(
    'MILL_FILE_UNREADABLE',
    `it has become shorter than the ${bytes} bytes that were read of it`,
    {
      hint: 'Files may grow, but must not be changed or cut while a job reads them.',
    },
  );
}
