/**
 * Results of collect sinks on their way to the program: bounded, because a worker sends only on credit, and a batch's
 * credit goes back when the program takes it. Every result is handed out once, whoever asks.
 */
export interface ResultBatch {
  readonly uid: string;
  readonly records: readonly unknown[];
  /** Gives the worker its credit back. */
  release(): void;
}

export class ResultQueue {
  readonly #batches: ResultBatch[] = [];
  readonly #waiting: (() => void)[] = [];
  /** Sinks whose results nobody wants any more. */
  readonly #unwanted = new Set<string>();
  #flowing = false;
  #ended = false;
  #error: unknown;

  push(batch: ResultBatch): void {
    if (this.#unwanted.has(batch.uid)) return batch.release();
    this.#batches.push(this.#flowing ? released(batch) : batch);
    this.#wakeAll();
  }

  /** The job is about to end: what is still under way comes without waiting for a reader, who may be the one who stops it. */
  flow(): void {
    this.#flowing = true;
    this.#batches.forEach((batch, at) => {
      this.#batches[at] = released(batch);
    });
  }

  /** Drops what there is of a sink's results, and what comes: its reader has left. */
  discard(uid: string): void {
    this.#unwanted.add(uid);
    for (const batch of this.#batches) if (batch.uid === uid) batch.release();
    const kept = this.#batches.filter((batch) => batch.uid !== uid);
    this.#batches.splice(0, this.#batches.length, ...kept);
  }

  /** No more will come; with an error, readers get it after what is there. */
  end(error?: unknown): void {
    this.#ended = true;
    this.#error = error;
    this.#wakeAll();
  }

  /** The next batch of these sinks; undefined at the end. */
  async take(wanted: (uid: string) => boolean): Promise<readonly unknown[] | undefined> {
    for (;;) {
      const index = this.#batches.findIndex((batch) => wanted(batch.uid));
      if (index >= 0) {
        const [batch] = this.#batches.splice(index, 1) as [ResultBatch];
        batch.release();
        return batch.records;
      }
      if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return undefined;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function released(batch: ResultBatch): ResultBatch {
  batch.release();
  return { ...batch, release: () => {} };
}
