/**
 * Joins records with rows of a table that is loaded whole into each subtask, before its first record, and again from time to
 * time (Flink's lookup join with full caching).
 *
 * Invariant: a table that is being loaded takes the old one's place all at once.
 */
import type { Inbox } from '../../core/batch.js';
import { asMillraceError } from '../../core/errors.js';
import type { Host } from '../../core/host.js';
import type { Key } from '../../core/key.js';
import { distinctMark } from '../aggregate/plain-kinds.js';
import type { Operator, OperatorContext, OperatorFactory } from '../operator.js';

export interface TableLookupSpec {
  readonly keyOf: (record: never) => Key | null | undefined;
  readonly combine: (record: never, row: never) => unknown;
  readonly isLeft: boolean;
  readonly load: (host: Host) => unknown;
  /** Infinity: the table is loaded once. */
  readonly refreshMs: number;
}

export function tableLookupFactory(spec: TableLookupSpec): OperatorFactory {
  return (context) => new TableLookup(spec, context);
}

class TableLookup implements Operator {
  readonly #spec: TableLookupSpec;
  readonly #context: OperatorContext;
  #rows = new Map<unknown, unknown>();
  #cancelRefresh: (() => void) | undefined;
  #closed = false;

  constructor(spec: TableLookupSpec, context: OperatorContext) {
    this.#spec = spec;
    this.#context = context;
  }

  async open(): Promise<void> {
    await this.#load();
    this.#refreshLater();
  }

  process(inbox: Inbox): void {
    const { output } = this.#context;
    const { keyOf, combine, isLeft } = this.#spec;
    const { records, timestamps, count } = inbox.batch;
    for (; inbox.cursor < count && !output.full; inbox.cursor += 1) {
      const record = records[inbox.cursor] as never;
      const key = keyOf(record);
      const row = key === null || key === undefined ? undefined : this.#rows.get(distinctMark(key));
      if (row !== undefined || isLeft) output.push(combine(record, row as never), timestamps[inbox.cursor] as number);
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelRefresh?.();
  }

  async #load(): Promise<void> {
    const rows = new Map<unknown, unknown>();
    const loaded = (await this.#spec.load(this.#context.host)) as Iterable<readonly [unknown, unknown]>;
    for (const [key, row] of loaded) rows.set(distinctMark(key), row ?? undefined);
    this.#rows = rows;
  }

  #refreshLater(): void {
    const { refreshMs } = this.#spec;
    if (refreshMs === Number.POSITIVE_INFINITY || this.#closed) return;
    this.#cancelRefresh = this.#context.host.timer(refreshMs, () => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    try {
      await this.#load();
      this.#refreshLater();
    } catch (error) {
      if (!this.#closed) this.#context.fail(asMillraceError(error, 'MILL_FUNCTION_FAILED', {}));
    }
  }
}
