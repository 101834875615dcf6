/**
 * One file of a sink on its way to being visible: from its first record until its checkpoint is complete.
 *
 * Invariants: `sizeBytes` counts what has been handed over for writing, in order; `sync` makes all of it durable. A
 * file that a handle has named is never removed from here: a checkpoint may know it.
 */
import type { Storage, WritableFile } from '../../core/host.js';
import type { RecordEncoder } from './file-format.js';
import type { PartHandle } from './part-name.js';

export interface PartNames {
  readonly directory: string;
  readonly temporary: string;
  readonly final: string;
}

export class PartFile {
  readonly encoder: RecordEncoder;
  sizeBytes = 0;
  /** Whether a handle has named it. */
  handed = false;
  /** The first checkpoint whose handles name it as complete. */
  sealedAt: number | undefined;
  /** Chosen just before the file is made. */
  private names: PartNames | undefined;
  private file: WritableFile | undefined;
  private written = 0;
  private synced = 0;

  constructor(encoder: RecordEncoder) {
    this.encoder = encoder;
  }

  get path(): string | undefined {
    return this.names && `${this.names.directory}/${this.names.temporary}`;
  }

  async open(names: PartNames, storage: Storage): Promise<void> {
    this.names = names;
    this.file = await storage.write(`${names.directory}/${names.temporary}`);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.file?.write(bytes);
    this.written += bytes.length;
  }

  async sync(): Promise<void> {
    if (this.synced === this.written) return;
    const written = this.written;
    await this.file?.sync();
    this.synced = written;
  }

  async close(): Promise<void> {
    const file = this.file;
    this.file = undefined;
    await file?.close();
  }

  /** Of a file that has been made. */
  handle(sizeBytes: number, open: boolean): PartHandle {
    return { ...(this.names as PartNames), sizeBytes, open };
  }
}
