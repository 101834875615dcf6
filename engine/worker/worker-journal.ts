/**
 * A worker's notes of calls to the outside: one file for what was noted between two checkpoints, appended to, synced for
 * whoever waits for it. Several who wait share one write.
 *
 * Invariants: an entry is in the file of the last checkpoint whose barrier its operator had passed, so that what a
 * checkpoint does not hold is in files of its number or later ones; `durable` resolves only after a sync that began once
 * the entry was written.
 */
import { encodeEntry, JOURNAL_HEADER, type JournalEntry, journalPath } from '../../checkpoint/journal-file.js';
import { asMillraceError, type MillraceError } from '../../core/errors.js';
import type { Storage, WritableFile } from '../../core/host.js';

export interface WorkerJournalOptions {
  readonly storage: Storage;
  /** State directory of the job. */
  readonly directory: string;
  readonly runId: string;
  readonly worker: number;
  /** What earlier attempts have noted since the checkpoint that this one starts from. */
  readonly restored: readonly JournalEntry[];
  fail(error: MillraceError): void;
}

interface Waiter {
  done(): void;
}

export class WorkerJournal {
  readonly #options: WorkerJournalOptions;
  readonly #files = new Map<number, WritableFile>();
  /** Entries to be written, by checkpoint. */
  #pending = new Map<number, Uint8Array[]>();
  #waiting: Waiter[] = [];
  #writing = false;
  #closed = false;

  constructor(options: WorkerJournalOptions) {
    this.#options = options;
  }

  restored(operator: string): readonly unknown[] {
    return this.#options.restored.filter((entry) => entry.operator === operator).map(({ value }) => value);
  }

  note(checkpoint: number, entry: JournalEntry): void {
    const entries = this.#pending.get(checkpoint);
    if (entries) entries.push(encodeEntry(entry));
    else this.#pending.set(checkpoint, [encodeEntry(entry)]);
  }

  durable(): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ done });
      void this.#write();
    });
  }

  /** What was noted before this checkpoint is in it. */
  complete(checkpoint: number): void {
    for (const [of, file] of this.#files) {
      if (of >= checkpoint || this.#writing) continue;
      this.#files.delete(of);
      void file.close();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([...this.#files.values()].map((file) => file.close()));
  }

  async #write(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      while (this.#waiting.length > 0 && !this.#closed) {
        const waiting = this.#waiting.splice(0);
        const pending = this.#pending;
        this.#pending = new Map();
        for (const [checkpoint, entries] of pending) await this.#append(checkpoint, entries);
        for (const { done } of waiting) done();
      }
    } catch (error) {
      if (!this.#closed) this.#options.fail(asMillraceError(error, 'MILL_CHECKPOINT_FAILED'));
      return;
    }
    this.#writing = false;
  }

  async #append(checkpoint: number, entries: readonly Uint8Array[]): Promise<void> {
    const open = this.#files.get(checkpoint);
    const file = open ?? (await this.#open(checkpoint));
    await file.write(Buffer.concat(entries));
    await file.sync();
    // Only now: an empty file says nothing.
    if (!open) await this.#options.storage.syncDirectory(`${this.#options.directory}/journal`);
  }

  async #open(checkpoint: number): Promise<WritableFile> {
    const { storage, directory, runId, worker } = this.#options;
    const file = await storage.write(`${directory}/${journalPath(checkpoint, runId, worker)}`);
    await file.write(JOURNAL_HEADER);
    this.#files.set(checkpoint, file);
    return file;
  }
}
