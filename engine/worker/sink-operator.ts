/**
 * Puts a sink's writer at the end of a chain: as an operator that has no output.
 *
 * Invariant: `handles` is what the last `prepare` gave once the input has ended; the coordinator commits it.
 */
import type { Inbox } from '../../core/batch.js';
import { asMillraceError } from '../../core/errors.js';
import type { Operator, OperatorContext, OperatorSnapshot } from '../../operators/operator.js';
import type { SinkWriter } from '../../operators/sink.js';

/** The checkpoint number of the last cut, made by the end of input rather than a barrier. */
export const FINAL_CUT = Number.MAX_SAFE_INTEGER;

export class SinkOperator implements Operator {
  readonly #writer: SinkWriter;
  readonly #context: OperatorContext;
  readonly #restored: readonly unknown[];
  #ending: Promise<void> | undefined;
  #handles: readonly unknown[] | undefined;
  /** The first checkpoint that has the final handles. */
  #sealedBy: number | undefined;

  constructor(writer: SinkWriter, context: OperatorContext, restored: readonly unknown[]) {
    this.#writer = writer;
    this.#context = context;
    this.#restored = restored;
  }

  /** What the end of input left to commit; undefined before. */
  get handles(): readonly unknown[] | undefined {
    return this.#handles;
  }

  open(): void | Promise<void> {
    return this.#writer.open?.(this.#restored);
  }

  process(inbox: Inbox): void {
    this.#writer.write(inbox);
  }

  onEnd(): boolean {
    this.#ending ??= this.#end();
    return this.#handles !== undefined;
  }

  snapshot(checkpoint: number, last: boolean): OperatorSnapshot {
    if (!this.#handles) return { durable: this.#writer.prepare(checkpoint, last) };
    // After the end everything is cut already, and stays part of every later checkpoint until it is committed.
    this.#sealedBy ??= checkpoint;
    return { durable: Promise.resolve(this.#handles) };
  }

  onCheckpointComplete(checkpoint: number): void {
    this.#writer.onCheckpointComplete?.(checkpoint);
    if (this.#sealedBy !== undefined && checkpoint >= this.#sealedBy) this.#handles = [];
  }

  onCheckpointAborted(checkpoint: number): void {
    if (this.#sealedBy === checkpoint) this.#sealedBy = undefined;
  }

  close(): void | Promise<void> {
    return this.#writer.close();
  }

  async #end(): Promise<void> {
    try {
      this.#handles = await this.#writer.prepare(FINAL_CUT, true);
      this.#context.wake();
    } catch (error) {
      this.#context.fail(asMillraceError(error, 'MILL_SINK_FAILED'));
    }
  }
}
