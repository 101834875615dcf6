/**
 * Sends runs to an OpenTelemetry collector, as traces.
 *
 * Invariants: one request at a time in each subtask; a checkpoint waits for what was taken before it. A collector that is
 * down never fails a job, nor holds it back for longer than its attempts: what it did not take is dropped, and the next
 * request that gets through says how much that was.
 */
import type { Inbox } from '../../core/batch.js';
import type { Sink, SinkContext, SinkWriter } from '../../operators/sink.js';
import type { Given } from '../mcp/mcp-server.js';
import type { RunRecord } from '../run-record.js';
import { pause, withTimeout } from '../timeout.js';
import { type OtlpTracesOptions, otlpTraces } from './otlp-traces.js';

/** Where traces go, and what is in them. */
export interface OtlpSinkOptions extends OtlpTracesOptions {
  /** Of the collector: `http://localhost:4318`. */
  readonly url: string;
  /** Of each request, or what gives them. */
  readonly headers?: Given<Readonly<Record<string, string>>>;
}

const ATTEMPTS = 4;
const DELAY_MS = 250;
const TIMEOUT_MS = 10_000;
/** Runs in a request. */
const RUNS_MAX = 100;

/**
 * Has every run of an agent become a trace: a span for the run, one for each call of a model or tool, named as the GenAI
 * conventions of OpenTelemetry say. At least once, and a run that comes twice has the same ids. By OTLP over HTTP, in JSON.
 *
 * @example
 * runs.to('traces', otlpSink({ url: 'http://localhost:4318', service: 'claims' }))
 */
export function otlpSink(options: OtlpSinkOptions): Sink<RunRecord> {
  return {
    kind: 'otlp',
    description: options.url,
    writer: (context) => new OtlpWriter(options, context),
  };
}

class OtlpWriter implements SinkWriter {
  readonly #options: OtlpSinkOptions;
  readonly #context: SinkContext;
  readonly #closing = new AbortController();
  #taken: RunRecord[] = [];
  #dropped = 0;
  #sending: Promise<void> | undefined;

  constructor(options: OtlpSinkOptions, context: SinkContext) {
    this.#options = options;
    this.#context = context;
  }

  write(inbox: Inbox): void {
    const { records, count } = inbox.batch;
    for (; inbox.cursor < count && this.#taken.length < RUNS_MAX; inbox.cursor += 1)
      this.#taken.push(records[inbox.cursor] as RunRecord);
    this.#send();
  }

  async prepare(): Promise<readonly unknown[]> {
    while (this.#sending) await this.#sending;
    return [];
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  #send(): void {
    if (this.#sending || this.#taken.length === 0 || this.#closing.signal.aborted) return;
    const runs = this.#taken;
    this.#taken = [];
    this.#sending = this.#sent(runs).then(() => {
      this.#sending = undefined;
      this.#send();
      this.#context.wake();
    });
  }

  async #sent(runs: readonly RunRecord[]): Promise<void> {
    // One that has been down is not waited for again until it is up.
    const attempts = this.#dropped > 0 ? 1 : ATTEMPTS;
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (await this.#isTaken(runs)) {
        this.#dropped = 0;
        return;
      }
      await pause(this.#context.host, DELAY_MS * 2 ** attempt, this.#closing.signal).catch(() => {});
      if (this.#closing.signal.aborted) return;
    }
    this.#dropped += runs.length;
  }

  async #isTaken(runs: readonly RunRecord[]): Promise<boolean> {
    const { url, headers, attributes } = this.#options;
    const dropped = this.#dropped > 0 ? { 'millrace.runs.dropped': String(this.#dropped) } : {};
    const body = JSON.stringify(otlpTraces(runs, { ...this.#options, attributes: { ...attributes, ...dropped } }));
    const { host } = this.#context;
    try {
      const { ok, body: said } = await withTimeout(host, TIMEOUT_MS, this.#closing.signal, async (signal) =>
        host.fetch(`${url.replace(/\/$/, '')}/v1/traces`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...(typeof headers === 'function' ? await headers() : headers),
          },
          body,
          signal,
        }),
      );
      await said?.cancel();
      return ok;
    } catch {
      return false;
    }
  }
}
