/**
 * What the call journal knows after a failure, by run: of runs that the checkpoint has, and of others, whose inputs may come
 * again.
 *
 * Invariant: what concerns a run that the checkpoint has goes into the row of its key, and so into the next checkpoint; what
 * concerns others stays here until their inputs come.
 */
import type { OperatorContext } from '../operators/operator.js';
import { type CallEntry, type KeyRow, runId } from './run-row.js';

export class KnownCalls {
  readonly #context: OperatorContext;
  readonly #byRun = new Map<string, CallEntry[]>();

  constructor(context: OperatorContext) {
    this.#context = context;
  }

  /** Reads the journal. */
  open(): void {
    for (const entry of (this.#context.calls?.restored ?? []) as readonly CallEntry[]) {
      const own = this.#byRun.get(entry.run);
      if (own) own.push(entry);
      else this.#byRun.set(entry.run, [entry]);
    }
  }

  /** Puts what is known of a restored row's runs into it; true if there was something. */
  attach(row: KeyRow, key: unknown): boolean {
    const waiting = row.waiting.map(([input, , number]) => runId(this.#context.uid, key, number, input));
    const known = (row.run ? [row.run.id, ...waiting] : waiting).flatMap((id) => {
      const own = this.#byRun.get(id) ?? [];
      this.#byRun.delete(id);
      return own;
    });
    row.ahead.push(...known);
    return known.length > 0;
  }

  /** An input has come: what is known of its run goes into the row of its key. */
  claim(row: KeyRow, key: unknown, input: unknown, number: number): void {
    if (this.#byRun.size === 0) return;
    row.ahead.push(...(this.#byRun.get(runId(this.#context.uid, key, number, input)) ?? []));
  }

  ended(run: string): void {
    this.#byRun.delete(run);
  }

  /**
   * Notes acts of runs that have not come again, for another checkpoint: after going back to an old one their inputs may take
   * long to come, and they must not be forgotten meanwhile.
   */
  carry(): void {
    for (const entries of this.#byRun.values())
      for (const entry of entries)
        if (!entry.row || entry.row.kind === 'tool') this.#context.calls?.note(entry.key, entry);
  }
}
