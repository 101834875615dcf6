/**
 * Checks that what comes out of an operator, a piece of a pipeline or a job depends on its input alone: not on how its
 * channels interleave, not on sizes of batches, the number of subtasks, or where it is killed and goes on.
 *
 * A way is drawn by a number, and can be repeated by it. Kills lose what the job had in memory and has put out since the
 * last snapshot; the input since is sent again, as a source does.
 */
import type { JobDefinition } from '../api/job.js';
import type { Stream } from '../api/stream.js';
import { packPlain } from '../core/codec.js';
import { describeValue } from '../core/errors.js';
import { Random } from '../core/random.js';
import type { Duration } from '../core/time.js';
import { type Drive, driveBuild, driveJob } from './every-way-drive.js';

/** A record, or what else travels on a channel. */
export type Step<T = unknown> =
  | { readonly record: T /** Event time, epoch ms. */; readonly at?: number }
  | { readonly watermark: number }
  | 'idle'
  | 'active';

/** What comes on each channel of an input, in order. */
export type Channels<T = unknown> = readonly (readonly Step<T>[])[];

/**
 * A part of the input. Within it, channels interleave in any way; the next phase begins when all of it has come. A phase
 * is the channels of the only input, or of several by name (`first` and `second`, or a job's sources), or it moves the
 * clock.
 */
export type Phase = Channels | Readonly<Record<string, Channels>> | { readonly advance: Duration };

/** Records by output: `output` and the names of side outputs, or a job's sinks. */
export type Outputs = Readonly<Record<string, readonly unknown[]>>;

/** How many ways, and which. */
export interface EveryWayOptions {
  /** Default 100. */
  readonly ways?: number;
  /** The first way; the others are those after it. */
  readonly from?: number;
  /** Records must come out in the order expected: for one subtask and one channel. Default: in any order. */
  readonly ordered?: boolean;
}

/** What the ways that were tried had in them. */
export interface EveryWayReport {
  readonly ways: number;
  readonly snapshots: number;
  readonly kills: number;
  readonly rescales: number;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the streams are of
type Build = (first: Stream<any>, second: Stream<any>) => Stream<any>;

/**
 * Tries many ways to run `what` over `inputs`, and throws at the first that does not give `expected`: the records of the
 * main output, or all outputs by name. The input ends after the last phase.
 *
 * @example
 * await everyWay(
 *   (clicks: Stream<Click>) => clicks.keyBy((c) => c.user).window(tumbling('1m')).aggregate('clicks', (a) => ({ n: a.count() })),
 *   [[[{ record: { user: 'ann' }, at: 1_000 }, { watermark: 60_000 }], [{ record: { user: 'ann' }, at: 2_000 }]]],
 *   [{ key: 'ann', window: { start: 0, end: 60_000 }, n: 2 }],
 * )
 */
export async function everyWay(
  what: Build | JobDefinition,
  inputs: readonly Phase[],
  expected: readonly unknown[] | Outputs,
  { ways = 100, from = 0, ordered = false }: EveryWayOptions = {},
): Promise<EveryWayReport> {
  const wanted = outputsOf(expected);
  const report = { ways, snapshots: 0, kills: 0, rescales: 0 };
  for (let way = from; way < from + ways; way += 1) {
    const drive = typeof what === 'function' ? driveBuild(what) : driveJob(what);
    const run = new Way(way, inputs, drive);
    const got = await run.run(Object.keys(wanted));
    for (const [name, records] of Object.entries(wanted)) {
      const difference = differenceOf(records, got[name] as readonly unknown[], ordered);
      if (difference) throw new Error(`way ${way} (${run.description}): ${name} ${difference}`);
    }
    report.snapshots += run.snapshots;
    report.kills += run.kills;
    report.rescales += run.rescales;
  }
  return report;
}

function outputsOf(expected: readonly unknown[] | Outputs): Outputs {
  return Array.isArray(expected) ? { output: expected } : (expected as Outputs);
}

/** A step on its way: which input and channel it is for; or the clock moves. */
type Move = { readonly input: string; readonly channel: number; readonly step: Step } | { readonly advance: Duration };

class Way {
  snapshots = 0;
  kills = 0;
  rescales = 0;
  readonly #random: Random;
  readonly #moves: readonly Move[];
  readonly #drive: Drive;
  readonly #log: string[] = [];

  constructor(way: number, inputs: readonly Phase[], drive: Drive) {
    this.#random = new Random(way);
    this.#moves = inputs.flatMap((phase) => this.#interleave(phase, drive.inputs));
    this.#drive = drive;
  }

  get description(): string {
    return this.#log.join(', ');
  }

  async run(outputs: readonly string[]): Promise<Record<string, unknown[]>> {
    const random = this.#random;
    const batchRecords = random.below(2) === 0 ? 1 + random.below(3) : 1_024;
    const parallelism = 1 + random.below(4);
    const channels = 1 + Math.max(0, ...this.#moves.map((move) => ('input' in move ? move.channel : 0)));
    this.#log.push(`batches of ${batchRecords}`, `${parallelism} subtasks`);
    const driven = await this.#drive.open({ batchRecords, parallelism, channels, seed: random.uint32() });
    const got: Record<string, unknown[]> = Object.fromEntries(outputs.map((name) => [name, []]));
    const keep = (): void => {
      for (const name of outputs) (got[name] as unknown[]).push(...driven.take(name));
    };
    let saved = 0;
    // Anywhere, the end among it, and so few that every way comes to its end.
    const killsAt = Array.from({ length: random.below(4) }, () => random.below(this.#moves.length + 1));
    for (let at = 0; at <= this.#moves.length; at += 1) {
      // The clock is not moved twice: there is no going back to before.
      const moved = at > 0 && 'advance' in (this.#moves[at - 1] as Move);
      if (moved || random.below(4) === 0) {
        await driven.snapshot();
        keep();
        saved = at;
        this.snapshots += 1;
      }
      if (killsAt.includes(at)) {
        killsAt.splice(killsAt.indexOf(at), 1);
        await this.#killAndRestore(at, saved, driven);
        at = saved;
      }
      const move = this.#moves[at];
      if (move) await driven.move(move);
    }
    await driven.end();
    keep();
    await driven.close();
    return got;
  }

  async #killAndRestore(at: number, saved: number, driven: Awaited<ReturnType<Drive['open']>>): Promise<void> {
    const parallelism = 1 + this.#random.below(4);
    this.#log.push(`killed after step ${at}, on after step ${saved} with ${parallelism}`);
    await driven.restore(parallelism);
    this.kills += 1;
    if (parallelism > 1) this.rescales += 1;
  }

  /** One order in which the channels of a phase may come. */
  #interleave(phase: Phase, names: readonly string[]): Move[] {
    if ('advance' in phase && !Array.isArray(phase)) return [phase as { advance: Duration }];
    const inputs: readonly (readonly [string, Channels])[] = Array.isArray(phase)
      ? [[names[0] as string, phase as Channels]]
      : Object.entries(phase as Record<string, Channels>);
    const queues = inputs.flatMap(([input, channels]) =>
      channels.map((steps, channel) => steps.map((step): Move => ({ input, channel, step }))),
    );
    const moves: Move[] = [];
    for (let left = queues.filter(isFull); left.length > 0; left = left.filter(isFull)) {
      moves.push((left[this.#random.below(left.length)] as Move[]).shift() as Move);
    }
    return moves;
  }
}

const isFull = (queue: readonly Move[]): boolean => queue.length > 0;

/** Records are compared as they would be stored. */
function differenceOf(wanted: readonly unknown[], got: readonly unknown[], ordered: boolean): string | undefined {
  const texts = (records: readonly unknown[]): string[] => {
    const all = records.map((record) => Buffer.from(packPlain(record)).toString('latin1'));
    return ordered ? all : all.sort();
  };
  const [a, b] = [texts(wanted), texts(got)];
  const at = a.findIndex((text, index) => text !== b[index]);
  if (at < 0 && b.length === a.length) return undefined;
  const missing = only(wanted, got);
  const extra = only(got, wanted);
  if (missing.length + extra.length === 0) return `has its records in another order: ${describeValue(got)}`;
  return `lacks ${describeAll(missing)} and has ${describeAll(extra)} instead`;
}

/** Records of `from` that `other` has less often. */
function only(from: readonly unknown[], other: readonly unknown[]): unknown[] {
  const textOf = (record: unknown): string => Buffer.from(packPlain(record)).toString('latin1');
  const counts = new Map<string, number>();
  for (const record of other) counts.set(textOf(record), (counts.get(textOf(record)) ?? 0) + 1);
  return from.filter((record) => {
    const left = counts.get(textOf(record)) ?? 0;
    counts.set(textOf(record), left - 1);
    return left <= 0;
  });
}

function describeAll(records: readonly unknown[]): string {
  return records.length === 0 ? 'nothing' : records.map((record) => describeValue(record)).join(', ');
}
