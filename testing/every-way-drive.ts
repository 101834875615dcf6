/**
 * A harness as `everyWay` drives it, whether it is of an operator or of a job.
 */
import type { JobDefinition } from '../api/job.js';
import type { Stream } from '../api/stream.js';
import type { Duration } from '../core/time.js';
import { harness, type JobHarness, jobHarness, type OperatorHarness } from './harness.js';
import type { HarnessOptions } from './harness-core.js';

interface Sent {
  readonly input: string;
  readonly channel: number;
  readonly step:
    | { readonly record: unknown; readonly at?: number }
    | { readonly watermark: number }
    | 'idle'
    | 'active';
}

export interface Driven {
  move(move: Sent | { readonly advance: Duration }): Promise<void>;
  /** What that output has given since the last call. */
  take(output: string): readonly unknown[];
  snapshot(): Promise<void>;
  /** Kills it, and goes on from the newest snapshot. */
  restore(parallelism: number): Promise<void>;
  end(): Promise<void>;
  close(): Promise<void>;
}

export interface Drive {
  /** Names of its inputs; the first is that of a phase that names none. */
  readonly inputs: readonly string[];
  open(options: HarnessOptions): Promise<Driven>;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the streams are of
type AnyBuild = (first: Stream<any>, second: Stream<any>) => Stream<any>;

const INPUTS = ['first', 'second'] as const;

export function driveBuild(build: AnyBuild): Drive {
  return { inputs: INPUTS, open: async (options) => new DrivenOperator(await harness(build, options)) };
}

export function driveJob(job: JobDefinition): Drive {
  const inputs = job.plan().nodes.flatMap(({ kind, uid }) => (kind === 'source' ? [uid] : []));
  return { inputs, open: async (options) => new DrivenJob(await jobHarness(job, options)) };
}

/** Promises in a row that asynchronous work of these jobs may wait for; this is most of what the checks do. */
const TURNS = 32;

abstract class DrivenHarness<H extends OperatorHarness<unknown, unknown, unknown> | JobHarness> implements Driven {
  constructor(protected readonly harness: H) {}

  abstract take(output: string): readonly unknown[];
  protected abstract send(sent: Sent): void;

  async move(move: Sent | { readonly advance: Duration }): Promise<void> {
    if ('advance' in move) this.harness.advance(move.advance);
    else this.send(move);
    await this.harness.settled(TURNS);
  }

  async snapshot(): Promise<void> {
    await this.harness.snapshot();
  }

  async restore(parallelism: number): Promise<void> {
    await this.harness.kill().restore({ parallelism });
  }

  async end(): Promise<void> {
    await this.harness.end().settled(TURNS);
  }

  close(): Promise<void> {
    return this.harness.close();
  }
}

class DrivenOperator extends DrivenHarness<OperatorHarness<unknown, unknown, unknown>> {
  take(output: string): readonly unknown[] {
    return output === 'output' ? this.harness.take() : this.harness.takeSide(output);
  }

  protected send({ input: name, channel, step }: Sent): void {
    const input = (INPUTS.indexOf(name as 'first') + 1) as 1 | 2;
    const { harness } = this;
    if (step === 'idle') harness.idle({ input, channel });
    else if (step === 'active') harness.active({ input, channel });
    else if ('watermark' in step) harness.watermark(step.watermark, { input, channel });
    else harness.send(step.record, { ...step, input: input as 2, channel });
  }
}

class DrivenJob extends DrivenHarness<JobHarness> {
  take(output: string): readonly unknown[] {
    return this.harness.take(output);
  }

  protected send({ input, channel, step }: Sent): void {
    const { harness } = this;
    if (step === 'idle') harness.idle(input, { channel });
    else if (step === 'active') harness.active(input, { channel });
    else if ('watermark' in step) harness.watermark(input, step.watermark, { channel });
    else harness.send(input, step.record, { ...step, channel });
  }
}
