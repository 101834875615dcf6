/**
 * Runs the disk calls of a sink's writer one after the other.
 *
 * Invariants: tasks run in the order in which they were added, one at a time. After one fails none runs any more, and
 * all that wait or come later reject with the same error; `failed` is called once.
 */
export class WriteQueue {
  private tail: Promise<unknown> = Promise.resolve();
  private error: { readonly thrown: unknown } | undefined;

  constructor(private readonly failed: (thrown: unknown) => void) {}

  get broken(): boolean {
    return this.error !== undefined;
  }

  /** Resolves when the task has run. Whoever does not care about the outcome may ignore the promise. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const done = this.tail.then(() => this.attempt(task));
    this.tail = done.catch(() => undefined);
    return done;
  }

  /** Resolves when no task is left. */
  async idle(): Promise<void> {
    await this.tail;
  }

  private async attempt<T>(task: () => Promise<T>): Promise<T> {
    if (this.error !== undefined) throw this.error.thrown;
    try {
      return await task();
    } catch (thrown) {
      this.error = { thrown };
      this.failed(thrown);
      throw thrown;
    }
  }
}
