/**
 * A sink that prints one line a record.
 *
 * Invariants: lines leave in order, a batch at a time; while one is on its way to standard output the next waits in
 * the inbox, so that a slow terminal or pipe slows the job down and memory stays bounded.
 */
import { type InspectOptions, inspect } from 'node:util';
import type { Inbox } from '../../core/batch.js';
import { asMillraceError } from '../../core/errors.js';
import type { Sink, SinkContext, SinkWriter } from '../../operators/sink.js';

export interface PrintOptions<T> {
  /** The line of a record, without its newline. Default: a string as it is, anything else as `node:util` inspects it. */
  readonly format?: (record: T) => string;
}

/**
 * Prints each record on a line of standard output, at once: after a restart some lines come twice.
 *
 * An error of `format` fails the job with `MILL_FUNCTION_FAILED`; a closed standard output with `MILL_SINK_FAILED`.
 *
 * @example
 * counts.to('out', print())
 * counts.to('json', print({ format: JSON.stringify }))
 */
export function print<T = unknown>(options: PrintOptions<T> = {}): Sink<T> {
  const format = (options.format ?? defaultFormat) as (record: unknown) => string;
  return { kind: 'print', description: 'to standard output', writer: (context) => new PrintWriter(format, context) };
}

/** On one line, and complete. */
const INSPECT_OPTIONS: InspectOptions = {
  breakLength: Number.POSITIVE_INFINITY,
  compact: true,
  depth: 8,
  maxArrayLength: null,
  maxStringLength: null,
};

function defaultFormat(record: unknown): string {
  return typeof record === 'string' ? record : inspect(record, INSPECT_OPTIONS);
}

class PrintWriter implements SinkWriter {
  /** The print under way; never rejects. */
  private printing: Promise<void> | undefined;
  private failed: unknown;

  constructor(
    private readonly format: (record: unknown) => string,
    private readonly context: SinkContext,
  ) {}

  write(inbox: Inbox): void {
    if (this.printing !== undefined || this.failed !== undefined || inbox.drained) return;
    const text = this.take(inbox);
    this.printing = this.context.host.print(text).then(
      () => this.settle(),
      (thrown) => this.settle(asMillraceError(thrown, 'MILL_SINK_FAILED', { operator: this.context.uid })),
    );
  }

  /** When `format` throws, the cursor stays on its record; the lines before it are lost with the failing job only. */
  private take(inbox: Inbox): string {
    const { batch } = inbox;
    let text = '';
    let at = inbox.cursor;
    try {
      for (; at < batch.count; at += 1) text += `${this.format(batch.records[at])}\n`;
    } catch (thrown) {
      if (at === inbox.cursor) throw asMillraceError(thrown, 'MILL_FUNCTION_FAILED', { operator: this.context.uid });
    }
    inbox.cursor = at;
    return text;
  }

  private settle(error?: unknown): void {
    this.printing = undefined;
    this.failed = error;
    if (error === undefined) this.context.wake();
    else this.context.fail(error);
  }

  async prepare(): Promise<readonly unknown[]> {
    await this.printing;
    if (this.failed !== undefined) throw this.failed;
    return [];
  }

  close(): void | Promise<void> {
    return this.printing;
  }
}
