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
  #ended = false;
  #error: unknown;

  push(batch: ResultBatch): void {
    this.#batches.push(batch);
    this.#wakeAll();
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
