/**
 * `npm run bench -- operators`: what each operator costs by itself, in records a CPU-second and bytes of heap a key, over the
 * number of keys, the ratio of windows, the width of joins, the length of patterns; `-- operators window` those with that
 * in their names. Each row runs in a process of its own, as one row would spoil the next one's compiled code; rows of one
 * curve run in turn, and again, and each gives its median.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { definitionOf, patternStart } from '../api/pattern.js';
import { aggregateBuilder } from '../operators/aggregate/aggregates.js';
import { composeAggregates } from '../operators/aggregate/compose-aggregates.js';
import { asyncFactory } from '../operators/async/async-operator.js';
import { foldFactory, aggregateFold as runningFold } from '../operators/fold.js';
import { changelogJoinSpec } from '../operators/join/changelog-join.js';
import { intervalJoinFactory } from '../operators/join/interval-join-operator.js';
import type { OperatorFactory } from '../operators/operator.js';
import { noSkip } from '../operators/pattern/after-match.js';
import { patternFactory } from '../operators/pattern/pattern-factory.js';
import { processFactory } from '../operators/process.js';
import { firstArrivalSpec } from '../operators/ranking/deduplicate.js';
import { topNSpec } from '../operators/ranking/top-n.js';
import {
  countWindow,
  cumulate,
  session,
  sliding,
  tumbling,
  type WindowAssigner,
} from '../operators/window/assigners.js';
import type { Trigger } from '../operators/window/trigger.js';
import { trigger } from '../operators/window/triggers.js';
import { windowFactory } from '../operators/window/window-factory.js';
import { aggregateFold } from '../operators/window/window-fold.js';
import { state } from '../state/descriptors.js';
import { OperatorRig, RECORDS } from './operator-rig.js';
import { median } from './statistics.js';

interface Row {
  /** What the row has more or less of than others of its curve. */
  readonly axis: string;
  readonly keys: number;
  readonly factory: OperatorFactory;
  /** Inputs that get records in turn; default 1. */
  readonly inputs?: number;
  /** Time between two records, ms of event time; default 1. */
  readonly stepMs?: number;
  /** Records come for so long, ms of event time, before anything is measured. */
  readonly fillMs?: number;
  /** Makes what comes of an event, on an input. */
  readonly record?: (event: Event, input: number) => unknown;
}

const BURSTS = 7;
const ROUNDS = 3;
/** What has ten times as many takes minutes: `curves --keys 10000000`. */
export const KEYS_MAX = 1_000_000;
const BURST_BATCHES = 200;

interface Event {
  readonly key: number;
  readonly n: number;
}

const a = aggregateBuilder<Event>();
const PARTS = { count: a.count(), sum: a.sum((e) => e.n), most: a.max((e) => e.n) };

function windows(assigner: WindowAssigner, when: { readonly trigger?: Trigger<never> } = {}): OperatorFactory {
  return windowFactory({ assigner, latenessMs: 0, fold: aggregateFold(PARTS), ...when });
}

function running(): OperatorFactory {
  const composed = composeAggregates(PARTS);
  return foldFactory(runningFold(composed, composed.keyedResult));
}

function valueWithTtl(): OperatorFactory {
  return processFactory({
    state: { n: state.value<number>({ ttl: '1h' }) },
    sides: [],
    onRecord: [
      (e: Event, context: { state: { n: { get(): number | undefined; set(n: number): void } } }) => {
        context.state.n.set((context.state.n.get() ?? 0) + e.n);
      },
    ],
    onEventTimer: undefined,
    onProcessingTimer: undefined,
  });
}

function topN(n: number): OperatorFactory {
  const plain = { offset: 0, ties: 'row-number', order: 'desc', id: undefined, ofChanges: false } as const;
  return processFactory(topNSpec({ ...plain, n, by: (e: Event) => e.n, withRank: false, ttl: undefined }));
}

/** Steps that each record may take on, one after the other. */
function pattern(length: number): OperatorFactory {
  // biome-ignore lint/suspicious/noExplicitAny: a pattern of any length
  let built: any = patternStart<Event, Record<never, never>>().begin('s0', (e) => e.n % 4 === 0);
  for (let step = 1; step < length; step += 1) built = built.next(`s${step}`, (e: Event) => e.n % 4 === step % 4);
  const definition = definitionOf(built.within('10s'));
  return patternFactory({ pattern: definition, afterMatch: noSkip, compare: undefined, time: 'event' });
}

const pairOf = (left: unknown, right: unknown): unknown => [left, right];

function intervalJoin(): OperatorFactory {
  return intervalJoinFactory({ type: 'inner', lowerMs: -10_000, upperMs: 0, combine: pairOf as never });
}

function called(capacity: number): OperatorFactory {
  const forEver = { timeoutMs: Number.POSITIVE_INFINITY, retry: undefined, onTimeout: undefined };
  return asyncFactory({ apply: (e: Event) => e, order: 'input', capacity, ...forEver });
}

const KEYS = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
const keysOf = (count: number): string => `${count >= 1e6 ? `${count / 1e6} M` : `${count / 1e3} K`} keys`;
const byKeys = (factory: () => OperatorFactory): Row[] =>
  KEYS.map((keys) => ({ axis: keysOf(keys), keys, factory: factory() }));

/** A slide is a second: 100 keys have a result every 1,000 records, or with a tenth of the step every 10,000. */
const slidingRows = (stepMs: number): Row[] =>
  [1, 10, 60, 600].map((ratio) => ({
    axis: `${ratio}:1`,
    keys: 100,
    factory: windows(sliding(ratio * 1_000, 1_000)),
    stepMs,
    fillMs: ratio * 1_200,
  }));

const CURVES: Readonly<Record<string, () => readonly Row[]>> = {
  'running aggregate': () => byKeys(running),
  'value with ttl': () => byKeys(valueWithTtl),
  'deduplicate first': () => byKeys(() => processFactory(firstArrivalSpec(undefined))),
  'top n': () => [1, 10, 100].map((n) => ({ axis: `n ${n}`, keys: 1_000, factory: topN(n) })),
  'tumbling window': () =>
    KEYS.map((keys) => ({ axis: keysOf(keys), keys, factory: windows(tumbling(Math.max(10_000, keys * 2))) })),
  'sliding window': () => slidingRows(1),
  'sliding, less often': () => slidingRows(0.1),
  'cumulating window': () =>
    [1, 60, 600].map((ratio) => ({ axis: `${ratio}:1`, keys: 100, factory: windows(cumulate(ratio * 1_000, 1_000)) })),
  'count window': () =>
    [1, 60, 600].map((ratio) => ({ axis: `${ratio}:1`, keys: 100, factory: windows(countWindow(ratio * 10, 10)) })),
  'session window': () =>
    [1_000, 100_000].map((keys) => ({ axis: keysOf(keys), keys, factory: windows(session(keys * 2)) })),
  'triggered window': () =>
    [1_000, 100_000].map((keys) => ({
      axis: keysOf(keys),
      keys,
      factory: windows(tumbling(keys * 2), {
        trigger: trigger.eventTime({ early: trigger.count(10) }) as Trigger<never>,
      }),
    })),
  pattern: () => [2, 4, 8].map((length) => ({ axis: `${length} steps`, keys: 1_000, factory: pattern(length) })),
  // A record meets as many on the other side as a key has in ten seconds.
  'interval join': () =>
    [1, 10, 100].map((width) => ({
      axis: `${width} matches`,
      keys: Math.round(5_000 / width),
      factory: intervalJoin(),
      inputs: 2,
    })),
  'changelog join': () =>
    [100_000].map((keys) => ({
      axis: keysOf(keys),
      keys,
      factory: processFactory(changelogJoinSpec({ type: 'inner', ttl: undefined, combine: pairOf })),
      inputs: 2,
      record: comingAndGoing(keys),
    })),
  'asynchronous call': () => [1, 10, 100].map((n) => ({ axis: `capacity ${n}`, keys: 1_000, factory: called(n) })),
};

/** On each input a key's row comes and goes in turn: half of the changes meet a row on the other side. */
function comingAndGoing(keys: number): (event: Event, input: number) => unknown {
  const there = [new Uint8Array(keys), new Uint8Array(keys)];
  return ({ key }, input) => {
    const own = there[input] as Uint8Array;
    own[key] = 1 - (own[key] as number);
    return { kind: own[key] === 1 ? 'insert' : 'delete', record: { key, input } };
  };
}

interface Cost {
  readonly perCpuSecond: number;
  readonly bytesPerKey: number;
}

/** Any key, at a record every `stepMs`, a little out of order, with a watermark every second or batch. */
function run({ keys, factory, inputs = 1, stepMs = 1, fillMs = 0, record = (event) => event }: Row): Cost {
  const collect = (globalThis as { gc?: () => void }).gc as () => void;
  const rig = new OperatorRig(factory);
  let seed = 12_345;
  const random = (limit: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  let now = 0;
  let made = 0;
  const batch = (keyOf: (at: number) => number): void => {
    const events: Event[] = [];
    const times: number[] = [];
    for (let at = 0; at < RECORDS; at += 1) {
      events.push({ key: keyOf(at), n: made });
      times.push(now - random(100));
      now += stepMs;
      made += 1;
    }
    const input = Math.floor(made / RECORDS) % inputs;
    rig.feed(
      events.map((event) => record(event, input)),
      events.map(({ key }) => key),
      times,
      input,
    );
    rig.advance(now - 101);
  };
  collect();
  const before = process.memoryUsage();
  // Every key once and more, so that all have state.
  for (let filled = 0; filled < Math.max(keys * 2 * inputs, 50 * RECORDS); filled += RECORDS)
    batch((at) => (Math.floor(filled / inputs) + at) % keys);
  while (now < fillMs) batch(() => random(keys));
  collect();
  const after = process.memoryUsage();
  const rates: number[] = [];
  for (let burst = 0; burst < BURSTS; burst += 1) {
    const start = process.cpuUsage();
    for (let n = 0; n < BURST_BATCHES; n += 1) batch(() => random(keys));
    const { user, system } = process.cpuUsage(start);
    rates.push((BURST_BATCHES * RECORDS * 1e6) / (user + system));
  }
  const bytes = after.heapUsed + after.external - before.heapUsed - before.external;
  return { perCpuSecond: median(rates.slice(2)), bytesPerKey: bytes / keys };
}

function inOwnProcess(curve: string, at: number): Cost {
  const args = ['--expose-gc', '--max-old-space-size=12000', fileURLToPath(import.meta.url), curve, String(at)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Cost;
}

/** What an operator costs with more or less of something. */
export interface OperatorCost {
  readonly operator: string;
  readonly axis: string;
  /** Records a CPU-second. */
  readonly rates: readonly number[];
  /** Of the first row of its curve. */
  readonly ofFirst: number;
  readonly bytesPerKey: number;
}

/** Curves that have `part` in their names, in as many rounds, with no more keys than that. */
export function* operatorCosts(part: string, rounds: number, keysMax: number): Iterable<OperatorCost> {
  for (const name of Object.keys(CURVES).filter((each) => each.includes(part))) {
    const rows = (CURVES[name] as () => readonly Row[])().filter(({ keys }) => keys <= keysMax);
    const costs = rows.map((): Cost[] => []);
    for (let round = 0; round < rounds; round += 1)
      for (const at of rows.keys()) costs[at]?.push(inOwnProcess(name, at));
    const rates = costs.map((each) => each.map(({ perCpuSecond }) => perCpuSecond));
    for (const [at, { axis }] of rows.entries())
      yield {
        operator: name,
        axis,
        rates: rates[at] as number[],
        ofFirst: median(rates[at] as number[]) / median(rates[0] as number[]),
        bytesPerKey: median((costs[at] as Cost[]).map(({ bytesPerKey }) => bytesPerKey)),
      };
  }
}

export const OPERATOR_HEAD = `${'operator'.padEnd(20)}${'of'.padEnd(16)}${'a CPU-s'.padStart(10)}${'of the first'.padStart(14)}${'bytes a key'.padStart(13)}`;

export function operatorLine({ operator, axis, rates, ofFirst, bytesPerKey }: OperatorCost): string {
  const rate = `${(median(rates) / 1e6).toFixed(2)} M`.padStart(10);
  return `${operator.padEnd(20)}${axis.padEnd(16)}${rate}${ofFirst.toFixed(2).padStart(14)}${Math.round(bytesPerKey).toString().padStart(13)}`;
}

export function operators(part = ''): void {
  console.log(OPERATOR_HEAD);
  for (const cost of operatorCosts(part, ROUNDS, KEYS_MAX)) console.log(operatorLine(cost));
}

const [file, curve, at] = process.argv.slice(1);
if (file === fileURLToPath(import.meta.url)) {
  const row = CURVES[curve as string]?.()[Number(at)];
  console.log(JSON.stringify(run(row as Row)));
}
