/**
 * A job of two inputs with everything that crosses the boundary: keyed state of three kinds, timers, windows, results.
 * Beside it what goes in, drawn from a seed, and what must come out, in plain arrays.
 */
import { collect, fromIterable, job, state, tumbling } from 'millrace';
import type { Random } from '../../core/random.js';

export interface Event {
  readonly key: string;
  readonly at: number;
  readonly v: number;
}

export interface Total {
  readonly key: number;
  readonly start: number;
  readonly n: number;
  readonly sum: number;
}

const WINDOW = 50;
const GROUPS = 7;

const groupOf = (at: number, sum: number): number => (at + sum) % GROUPS;

/** Sources are there for the plan's sake: the host feeds the links behind them itself. */
const nothing = fromIterable<Event>([]);

/** For each event on the left, the sum of those on the right with its key up to its time; then totals by window. */
export const pairs = job('pairs', (j) => {
  const left = j.from('left', nothing).keyBy((event) => event.key);
  const right = j.from('right', nothing).keyBy((event) => event.key);
  return left
    .connect(right)
    .process('pairs', {
      state: { lefts: state.list<number>(), rights: state.map<number, number>(), seen: state.value({ initial: 0 }) },
      onFirst(event, ctx) {
        ctx.state.seen.set(ctx.state.seen.get() + 1);
        ctx.state.lefts.add(event.at);
        ctx.eventTimers.add(event.at);
      },
      onSecond(event, ctx) {
        ctx.state.rights.set(event.at, (ctx.state.rights.get(event.at) ?? 0) + event.v);
      },
      *onTimer(time, ctx) {
        let sum = 0;
        for (const [at, v] of ctx.state.rights.entries()) if (at <= time) sum += v;
        const lefts = ctx.state.lefts.get();
        for (const at of lefts) if (at === time) yield { at, sum, group: groupOf(at, sum) };
        ctx.state.lefts.set(lefts.filter((at) => at !== time));
      },
    })
    .keyBy((pair) => pair.group)
    .window(tumbling(WINDOW))
    .aggregate('totals', (a) => ({ n: a.count(), sum: a.sum((pair) => pair.sum) }))
    .map(({ key, window, n, sum }): Total => ({ key, start: window.start, n, sum }))
    .to('out', collect());
});

/** What comes by one channel of a source: events and watermarks, in order. */
export type Script = readonly ({ readonly event: Event } | { readonly watermark: number })[];

const DISORDER = 12;

/** Event times rise but for at most `DISORDER`; watermarks say so. */
export function randomScript(random: Random, count: number): Script {
  const script: ({ event: Event } | { watermark: number })[] = [];
  let time = random.below(40);
  for (let n = 0; n < count; n += 1) {
    time += random.below(9);
    const at = time - random.below(DISORDER + 1);
    script.push({ event: { key: `key-${random.below(20)}`, at, v: random.below(100) } });
    if (random.below(3) === 0) script.push({ watermark: time - DISORDER - 1 });
  }
  return script;
}

const eventsOf = (scripts: readonly Script[]): Event[] =>
  scripts.flat().flatMap((element) => ('event' in element ? [element.event] : []));

export function modelOf(lefts: readonly Script[], rights: readonly Script[]): Total[] {
  const right = eventsOf(rights);
  const found = new Map<string, Total>();
  for (const { key, at } of eventsOf(lefts)) {
    const sum = right.reduce((total, other) => total + (other.key === key && other.at <= at ? other.v : 0), 0);
    const group = groupOf(at, sum);
    const start = Math.floor(at / WINDOW) * WINDOW;
    const before = found.get(`${group}@${start}`) ?? { key: group, start, n: 0, sum: 0 };
    found.set(`${group}@${start}`, { ...before, n: before.n + 1, sum: before.sum + sum });
  }
  return [...found.values()];
}
