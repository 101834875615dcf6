/**
 * The writer of a file sink on one subtask: encodes records into buffers, buffers go to files one after the other,
 * files roll, and checkpoints get handles.
 *
 * Invariants: nothing it writes is visible, names begin with a dot until the committer renames them. At most
 * BUFFERS_WAITING buffers wait to be written; while they do, no record is taken. Every handle of `prepare` is durable:
 * content and directory entry. A rolled file is in the handles of every checkpoint until one that names it is complete.
 * Disk calls run in the order of the records (write-queue.ts).
 */
import { ensureDirectory } from '../../checkpoint/durable-directory.js';
import type { Inbox } from '../../core/batch.js';
import type { SinkContext, SinkWriter } from '../../operators/sink.js';
import { writeError } from './file-errors.js';
import type { RecordEncoder, WriteFormat } from './file-format.js';
import { PartFile } from './part-file.js';
import { type PartHandle, partNames } from './part-name.js';
import { takeOver } from './part-recovery.js';
import { WriteQueue } from './write-queue.js';

const NO_BUFFER = Buffer.alloc(0);
const BUFFER_BYTES = 256 << 10;
const BUFFERS_WAITING = 2;

/** UTF-8 takes at most this many bytes a UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;

export interface PartWriterOptions {
  readonly directory: string;
  readonly format: WriteFormat<never>;
  /** A file of this size is complete. */
  readonly rollBytes: number;
  /** A file of this age is complete, whatever its size. */
  readonly rollMs: number;
}

export class PartWriter implements SinkWriter {
  private readonly queue: WriteQueue;
  /** The file that records go to; made by the first one. */
  private part: PartFile | undefined;
  /** Complete, and not yet known to be committed. */
  private rolled: PartFile[] = [];
  /** Complete files of the checkpoint that the job went on from, if it is not certain that they are committed. */
  private restored: { readonly handle: PartHandle; sealedAt: number | undefined }[] = [];
  private sequence = 0;
  /** The first checkpoint that can contain what is begun now. */
  private epoch: number;
  private buffer: Buffer = NO_BUFFER;
  private filled = 0;
  private readonly free: Buffer[] = [];
  private waiting = 0;
  private blocked = false;
  private closed = false;
  private entriesUnsynced = false;
  private cancelTimer: (() => void) | undefined;

  constructor(
    private readonly options: PartWriterOptions,
    private readonly context: SinkContext,
  ) {
    this.epoch = context.epoch + 1;
    this.queue = new WriteQueue((thrown) => {
      if (!this.closed) context.fail(thrown);
    });
  }

  /** Cuts what was in progress to what its checkpoint has of it; it becomes visible with the next checkpoint. */
  async open(restored: readonly unknown[]): Promise<void> {
    for (const handle of restored) {
      const rolled = await takeOver(this.context.host.storage, handle as PartHandle);
      if (rolled !== undefined) this.restored.push({ handle: rolled, sealedAt: undefined });
    }
  }

  write(inbox: Inbox): void {
    const { batch } = inbox;
    while (inbox.cursor < batch.count && this.hasRoom()) {
      const encoder = this.part?.encoder ?? this.options.format.encoder();
      const text = encoder.encode(batch.records[inbox.cursor]);
      this.store(this.part ?? this.begin(encoder), text);
      inbox.cursor += 1;
    }
  }

  private hasRoom(): boolean {
    if (this.queue.broken || this.closed) return false;
    this.blocked = this.waiting >= BUFFERS_WAITING;
    return !this.blocked;
  }

  private store(part: PartFile, text: string): void {
    const bytesMax = text.length * BYTES_PER_UNIT_MAX;
    if (this.filled + bytesMax > this.buffer.length) this.flush();
    part.sizeBytes += bytesMax > BUFFER_BYTES ? this.writeAlone(part, text) : this.writeBuffered(text);
    if (part.sizeBytes >= this.options.rollBytes) this.roll();
  }

  private writeBuffered(text: string): number {
    if (this.buffer === NO_BUFFER) this.buffer = this.free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    const bytes = this.buffer.write(text, this.filled);
    this.filled += bytes;
    return bytes;
  }

  private writeAlone(part: PartFile, text: string): number {
    const bytes = Buffer.from(text);
    this.enqueueWrite(part, bytes);
    return bytes.length;
  }

  private begin(encoder: RecordEncoder): PartFile {
    const part = new PartFile(encoder);
    this.part = part;
    const { epoch } = this;
    void this.enqueue(part, () => this.make(part, epoch));
    this.cancelTimer = this.context.host.timer(this.options.rollMs, () => this.roll());
    return part;
  }

  private async make(part: PartFile, epoch: number): Promise<void> {
    const { host, ...run } = this.context;
    const { directory, format } = this.options;
    const { storage } = host;
    if (this.sequence === 0) await ensureDirectory(storage, directory);
    for (;;) {
      const names = partNames({ ...run, epoch, sequence: this.sequence, extension: format.extension });
      this.sequence += 1;
      // A name is taken where a run goes on under its old id.
      const taken = await Promise.all(
        [names.temporary, names.final].map((name) => storage.stat(`${directory}/${name}`)),
      );
      if (taken.every((found) => found === undefined)) return this.makeNamed(part, names);
    }
  }

  private async makeNamed(part: PartFile, names: { temporary: string; final: string }): Promise<void> {
    this.entriesUnsynced = true;
    await part.open({ directory: this.options.directory, ...names }, this.context.host.storage);
  }

  /** Hands the buffered bytes over for writing. */
  private flush(): void {
    const { buffer, filled, part } = this;
    if (part === undefined || filled === 0) return;
    this.buffer = NO_BUFFER;
    this.filled = 0;
    this.enqueueWrite(part, buffer.subarray(0, filled), buffer);
  }

  private enqueueWrite(part: PartFile, bytes: Buffer, reusable?: Buffer): void {
    this.waiting += 1;
    void this.enqueue(part, async () => {
      await part.write(bytes);
      this.waiting -= 1;
      if (reusable !== undefined) this.free.push(reusable);
      if (this.blocked && !this.closed) this.context.wake();
    });
  }

  /** Completes the file, so that the next record begins another. */
  private roll(): void {
    const { part } = this;
    if (part === undefined) return;
    this.flush();
    this.part = undefined;
    this.cancelTimer?.();
    this.rolled.push(part);
    void this.enqueue(part, async () => {
      await part.sync();
      await part.close();
    });
  }

  async prepare(checkpoint: number, final: boolean): Promise<readonly PartHandle[]> {
    if (final) this.roll();
    else this.flush();
    const handles = this.cut(checkpoint);
    const { part } = this;
    await this.enqueue(part, async () => {
      await part?.sync();
      if (this.entriesUnsynced) await this.context.host.storage.syncDirectory(this.options.directory);
      this.entriesUnsynced = false;
    });
    return handles();
  }

  /** Notes what belongs to the checkpoint. Names are known only once the files are made. */
  private cut(checkpoint: number): () => PartHandle[] {
    this.epoch = checkpoint + 1;
    for (const part of this.rolled) part.sealedAt ??= checkpoint;
    for (const part of this.restored) part.sealedAt ??= checkpoint;
    const parts = this.part === undefined ? this.rolled : [...this.rolled, this.part];
    for (const part of parts) part.handed = true;
    const cuts = parts.map((part) => ({ part, sizeBytes: part.sizeBytes, open: part === this.part }));
    const restored = this.restored.map((part) => part.handle);
    return () => [...restored, ...cuts.map(({ part, sizeBytes, open }) => part.handle(sizeBytes, open))];
  }

  onCheckpointComplete(checkpoint: number): void {
    const uncommitted = (part: { sealedAt: number | undefined }): boolean =>
      !((part.sealedAt ?? Number.POSITIVE_INFINITY) <= checkpoint);
    this.rolled = this.rolled.filter(uncommitted);
    this.restored = this.restored.filter(uncommitted);
  }

  /** Removes what no checkpoint can know of. */
  async close(): Promise<void> {
    this.closed = true;
    this.cancelTimer?.();
    await this.queue.idle();
    const parts = this.part === undefined ? this.rolled : [...this.rolled, this.part];
    for (const part of parts) {
      await part.close().catch(ignore);
      if (!part.handed && part.path !== undefined) await this.context.host.storage.remove(part.path).catch(ignore);
    }
  }

  private enqueue(part: PartFile | undefined, task: () => Promise<void>): Promise<void> {
    return this.queue.run(async () => {
      try {
        await task();
      } catch (thrown) {
        const error = writeError(part?.path ?? this.options.directory, thrown);
        throw error.at({ operator: this.context.uid, subtask: this.context.subtask });
      }
    });
  }
}

function ignore(): void {}
