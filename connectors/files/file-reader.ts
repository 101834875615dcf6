/**
 * Reads one file: bytes come ahead of time (byte-feed.ts), are cut into records (record-splitter.ts) and decoded (the
 * format) when `poll` asks.
 *
 * Invariants: a position is the decompressed offset and the line of the first record that was neither given out nor
 * skipped; resuming there gives the rest of the file exactly. A malformed record is skipped before it is reported.
 */
import type { Batch } from '../../core/batch.js';
import { asMillraceError, MillraceError } from '../../core/errors.js';
import type { Codec } from '../../core/host.js';
import { TIME_MIN } from '../../core/time.js';
import type { PollStatus, ReaderContext, SplitReader } from '../../operators/source.js';
import { ByteFeed } from './byte-feed.js';
import { NOTHING, type ReadFormat, type RecordDecoder } from './file-format.js';
import { RecordSplitter, rawText, recordText } from './record-splitter.js';

/** Where a reader stands in a file. */
export interface FilePosition {
  /** Decompressed bytes before the next record. */
  readonly bytes: number;
  /** Number of its first line, from 1. */
  readonly line: number;
}

export interface FileReaderOptions {
  readonly path: string;
  readonly codec: Codec | undefined;
  readonly format: ReadFormat<unknown>;
  readonly followMs: number | undefined;
  readonly recordBytesMax: number;
}

const BEGINNING: FilePosition = { bytes: 0, line: 1 };

export class FileReader implements SplitReader {
  private readonly decoder: RecordDecoder;
  private feed: ByteFeed;
  private splitter: RecordSplitter;
  /** Records of the splitter's block before this one are done with. */
  private next = 0;
  private headerDue: boolean;
  /** Where to go on once the header has been read. */
  private resumeAt: FilePosition | undefined;
  private last = false;

  constructor(
    private readonly options: FileReaderOptions,
    position: FilePosition | undefined,
    private readonly context: ReaderContext,
  ) {
    this.decoder = options.format.decoder();
    this.headerDue = this.decoder.header !== undefined;
    const start = position ?? BEGINNING;
    this.resumeAt = this.headerDue && start.bytes > 0 ? start : undefined;
    const from = this.headerDue ? BEGINNING : start;
    this.feed = this.openFeed(from);
    this.splitter = this.openSplitter(from);
  }

  poll(batch: Batch): PollStatus {
    for (;;) {
      this.decode(batch);
      if (batch.full) return 'more';
      if (this.split()) continue;
      const chunk = this.feed.take();
      if (chunk !== undefined) this.splitter.append(chunk);
      else if (this.last) return 'end';
      else if (this.feed.ended) this.last = true;
      else return 'wait';
    }
  }

  private split(): boolean {
    if (!this.splitter.split(this.last)) return false;
    this.next = 0;
    if (this.headerDue) this.takeHeader();
    this.decoder.load(this.splitter.block);
    return true;
  }

  private takeHeader(): void {
    this.readHeader();
    this.headerDue = false;
    this.next = 1;
    const resumeAt = this.resumeAt;
    this.resumeAt = undefined;
    if (resumeAt !== undefined && resumeAt.bytes > this.position().bytes) this.seek(resumeAt);
  }

  private readHeader(): void {
    const { block } = this.splitter;
    try {
      this.decoder.header?.(recordText(block, 0));
    } catch (thrown) {
      const { message } = asMillraceError(thrown, 'MILL_FILE_UNREADABLE');
      throw new MillraceError('MILL_FILE_UNREADABLE', `${this.options.path}: ${message}`, {
        position: this.options.path,
        cause: thrown,
      });
    }
  }

  private seek(position: FilePosition): void {
    void this.feed.close();
    this.feed = this.openFeed(position);
    this.splitter = this.openSplitter(position);
    this.next = 0;
    this.last = false;
  }

  private decode(batch: Batch): void {
    while (this.next < this.splitter.block.count && !batch.full) {
      try {
        this.decodeRun(batch);
      } catch (thrown) {
        this.skip(thrown);
      }
    }
  }

  /** Decodes until the batch is full, the block is empty or a record is malformed. */
  private decodeRun(batch: Batch): void {
    const { decoder } = this;
    const { count } = this.splitter.block;
    let next = this.next;
    try {
      for (; next < count && !batch.full; next += 1) {
        const record = decoder.decode(next);
        if (record !== NOTHING) batch.push(record, TIME_MIN);
      }
    } finally {
      this.next = next;
    }
  }

  private skip(thrown: unknown): void {
    const { block } = this.splitter;
    const at = this.next;
    const position = `${this.options.path}:${block.line[at]} (byte ${block.offset[at]})`;
    const found = asMillraceError(thrown, 'MILL_RECORD_REJECTED');
    const error = new MillraceError(found.code, `${position}: ${found.message}`, {
      position,
      cause: found.cause,
      hint: found.hint,
    });
    if (error.kind !== 'fix-data') throw error;
    this.next = at + 1;
    this.context.malformed({ error, position, raw: rawText(block, at) });
  }

  position(): FilePosition {
    const { block, recordOffset, line } = this.splitter;
    if (this.resumeAt !== undefined) return this.resumeAt;
    if (this.next >= block.count) return { bytes: recordOffset, line };
    return { bytes: block.offset[this.next] as number, line: block.line[this.next] as number };
  }

  close(): Promise<void> {
    return this.feed.close();
  }

  private openFeed(from: FilePosition): ByteFeed {
    const { path, codec, followMs } = this.options;
    return new ByteFeed({
      host: this.context.host,
      path,
      codec,
      from: from.bytes,
      followMs: codec === undefined ? followMs : undefined,
      wake: () => this.context.wake(),
      fail: (error) => this.context.fail(error),
    });
  }

  private openSplitter(from: FilePosition): RecordSplitter {
    const { format, recordBytesMax } = this.options;
    return new RecordSplitter({ quoting: format.quoting, recordBytesMax, offset: from.bytes, line: from.line });
  }
}
