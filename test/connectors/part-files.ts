/** Looks at what a file sink has left in its directory, and runs a job over one by hand. */
import { type FileSinkOptions, fileSink } from '../../connectors/files/file-sink.js';
import { files } from '../../connectors/files/files-source.js';
import { ndjson } from '../../connectors/files/ndjson.js';
import type { Storage } from '../../core/host.js';
import type { Committer, Sink } from '../../operators/sink.js';
import { ManualHost } from '../host/manual-host.js';
import { DrivenWriter, type DriveOptions } from './sink-driver.js';
import { readAll } from './source-driver.js';

export const DIRECTORY = 'data/out';

export async function namesIn(storage: Storage): Promise<string[]> {
  if ((await storage.stat(DIRECTORY)) === undefined) return [];
  return (await storage.list(DIRECTORY)).map((entry) => entry.name);
}

export async function hiddenIn(storage: Storage): Promise<string[]> {
  return (await namesIn(storage)).filter((name) => name.startsWith('.'));
}

/** All visible records, read as strictly as NDJSON can be: a partial file would not parse. */
export async function visibleIn(storage: Storage): Promise<unknown[]> {
  const visible = (await namesIn(storage)).filter((name) => !name.startsWith('.'));
  if (visible.length === 0) return [];
  const host = new ManualHost(storage);
  return readAll(
    files(
      visible.map((name) => `${DIRECTORY}/${name}`),
      ndjson(),
    ),
    host,
  );
}

export interface Checkpoint {
  readonly id: number;
  /** Records before the cut. */
  readonly count: number;
  readonly handles: readonly unknown[];
}

/** A job of one source of numbers and one file sink, driven as the engine drives it. */
export class SinkRun {
  readonly driven: DrivenWriter;
  readonly committer: Committer;
  private readonly host: ManualHost;
  private readonly from: Checkpoint;

  constructor(storage: Storage, from: Checkpoint, options: FileSinkOptions & DriveOptions = {}) {
    this.host = new ManualHost(storage);
    const sink = fileSink(DIRECTORY, ndjson(), { roll: { sizeBytes: 20 }, ...options }) as Sink<never>;
    this.driven = new DrivenWriter(sink, this.host, options);
    this.committer = sink.committer?.({ host: this.host, uid: 'out', job: 'job' }) as Committer;
    this.from = from;
  }

  /** As recovery does: commit what is in doubt, clean up, take over. */
  async recover(): Promise<void> {
    if (this.from.id === 0) return this.committer.clear();
    await this.committer.commit(this.from.handles);
    await this.committer.recover?.(this.from.handles);
    await this.driven.writer.open?.(structuredClone(this.from.handles));
  }

  /** Writes numbers up to `count`, a checkpoint every `every`; calls `complete` when one is. */
  async run(count: number, every: number, complete: (checkpoint: Checkpoint) => void): Promise<void> {
    let id = this.from.id;
    for (let at = this.from.count; at < count || at === this.from.count; ) {
      const next = Math.min(count, at + every);
      await this.driven.write(Array.from({ length: next - at }, (_, n) => ({ n: at + n })));
      this.host.advance(1);
      at = next;
      id += 1;
      const handles = structuredClone(await this.driven.writer.prepare(id, at === count));
      complete({ id, count: at, handles });
      await this.committer.commit(handles);
      this.driven.writer.onCheckpointComplete?.(id);
      if (at === count) break;
    }
    await this.driven.writer.close();
  }
}

export const BEGINNING: Checkpoint = { id: 0, count: 0, handles: [] };

export const numbers = (count: number): unknown[] => Array.from({ length: count }, (_, n) => ({ n }));
