/** Prints what a job collects: the records of its `collect()` sinks, as they come. */
import { inspect } from 'node:util';
import type { LogicalPlan } from '../engine/graph/nodes.js';
import { jsonText } from './json.js';

/** What is needed of a job's handle. */
export interface Collecting {
  results(sink: string): AsyncIterable<unknown>;
}

export interface ResultOutput {
  write(text: string, written: () => void): boolean;
}

/** `text`: a line as `print()` has it; `json`: a line of JSON that names the sink. */
export type ResultFormat = 'text' | 'json';

/** Resolves when all sinks have ended; a slow reader of the output holds the job back. */
export async function printResults(
  job: Collecting,
  plan: LogicalPlan,
  format: ResultFormat,
  output: ResultOutput,
): Promise<void> {
  const sinks = plan.nodes.filter(({ kind, type }) => kind === 'sink' && type === 'collect');
  await Promise.all(sinks.map(({ uid }) => printSink(job, uid, format, output)));
}

async function printSink(job: Collecting, sink: string, format: ResultFormat, output: ResultOutput): Promise<void> {
  for await (const record of job.results(sink)) {
    const line = format === 'json' ? recordJson(sink, record) : recordText(record);
    if (!output.write(`${line}\n`, () => {})) await flushed(output);
  }
}

/** A write's callback comes once all before it is written. */
function flushed(output: ResultOutput): Promise<void> {
  return new Promise((resolve) => output.write('', resolve));
}

function recordText(record: unknown): string {
  if (typeof record === 'string') return record;
  return inspect(record, { breakLength: Number.POSITIVE_INFINITY, compact: true, depth: 8 });
}

function recordJson(sink: string, record: unknown): string {
  return jsonText({ type: 'record', sink, record });
}
