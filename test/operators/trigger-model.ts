/**
 * Windows with triggers and evictors as Flink documents them, naively: each window has its records, its trigger's state and
 * its own timers. Shares no code with the operators.
 */
import { type Assign, type Event, windowsOf } from './window-model.js';

export type TriggerKind =
  | { readonly kind: 'event' }
  | { readonly kind: 'processing' }
  | { readonly kind: 'never' }
  | { readonly kind: 'count'; readonly n: number }
  | { readonly kind: 'delta'; readonly threshold: number }
  | { readonly kind: 'every'; readonly interval: number; readonly time: 'event' | 'processing' }
  | { readonly kind: 'purging'; readonly inner: TriggerKind }
  | { readonly kind: 'phases'; readonly early: TriggerKind; readonly late: TriggerKind };

export type EvictorKind =
  | { readonly kind: 'count'; readonly n: number }
  | { readonly kind: 'time'; readonly size: number }
  | { readonly kind: 'delta'; readonly threshold: number };

export interface ModelOptions {
  readonly assign: Assign | 'global';
  readonly time: 'event' | 'processing';
  readonly lateness: number;
  readonly trigger: TriggerKind;
  readonly evictor: { readonly how: EvictorKind; readonly after: boolean } | undefined;
}

export interface ModelFired {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  /** Of its records, in order. */
  readonly ids: readonly number[];
  readonly firing: string;
}

/** State of a trigger in one window; of one with others inside, theirs. */
interface Memory {
  count: number;
  last: Event | undefined;
  next: number | undefined;
  readonly inner: Memory[];
}

interface Open {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  records: Event[];
  memory: Memory;
  readonly timers: Set<string>;
}

type Result = { readonly fire: boolean; readonly purge: boolean };

const GO_ON: Result = { fire: false, purge: false };
const FIRE: Result = { fire: true, purge: false };

const memory = (): Memory => ({ count: 0, last: undefined, next: undefined, inner: [] });

function innerOf(of: Memory, at: number): Memory {
  of.inner[at] ??= memory();
  return of.inner[at] as Memory;
}

export class TriggerModel {
  readonly fired: ModelFired[] = [];
  readonly late: number[] = [];
  watermark = Number.NEGATIVE_INFINITY;
  now = 0;
  private readonly options: ModelOptions;
  private open: Open[] = [];

  constructor(options: ModelOptions) {
    this.options = options;
  }

  get isEmpty(): boolean {
    return this.open.length === 0;
  }

  record(event: Event): void {
    const { assign, time, lateness, trigger } = this.options;
    const at = time === 'event' ? event.time : this.now;
    const spans =
      assign === 'global'
        ? [{ start: Number.MIN_SAFE_INTEGER, end: Number.MAX_SAFE_INTEGER }]
        : windowsOf(assign, { ...event, time: at });
    let taken = false;
    for (const span of spans.sort((a, b) => a.end - b.end || a.start - b.start)) {
      const window = this.windowFor(event.key, span);
      if (this.isPast(window)) continue;
      taken = true;
      if (!this.open.includes(window)) this.open.push(window);
      window.records.push(event);
      const result = this.onRecord(trigger, window.memory, window, event);
      this.act(window, result, this.clock < window.end - 1 ? 'early' : 'late');
    }
    if (!taken && time === 'event' && event.time + lateness <= this.watermark) this.late.push(event.id);
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    this.fire('e', watermark);
  }

  moveTo(now: number): void {
    this.now = now;
    this.fire('p', now);
  }

  private get clock(): number {
    return this.options.time === 'event' ? this.watermark : this.now;
  }

  private cleanupOf({ end }: Open): number {
    if (this.options.assign === 'global') return Number.POSITIVE_INFINITY;
    return this.options.time === 'event' ? end - 1 + this.options.lateness : end - 1;
  }

  private isPast(window: Open): boolean {
    return this.options.time === 'event' && this.cleanupOf(window) <= this.watermark;
  }

  private fire(prefix: 'e' | 'p', until: number): void {
    const isOwn = (prefix === 'e') === (this.options.time === 'event');
    for (;;) {
      const times = this.open.flatMap((window) => [
        ...[...window.timers].filter((timer) => timer.startsWith(prefix)).map((timer) => Number(timer.slice(1))),
        ...(isOwn ? [this.cleanupOf(window)] : []),
      ]);
      const time = Math.min(...times);
      if (!(time <= until) || time === Number.POSITIVE_INFINITY) return;
      const inOrder = this.open.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) || a.end - b.end);
      for (const window of inOrder) {
        if (window.timers.delete(`${prefix}${time}`)) {
          const result = this.onTimer(this.options.trigger, window.memory, window, prefix, time);
          const firing =
            isOwn && time === window.end - 1
              ? 'on-time'
              : (isOwn ? time : this.clock) < window.end - 1
                ? 'early'
                : 'late';
          this.act(window, result, firing);
        }
        if (isOwn && this.cleanupOf(window) === time) this.open = this.open.filter((each) => each !== window);
      }
    }
  }

  private windowFor(key: string, { start, end }: { start: number; end: number }): Open {
    const fresh: Open = { key, start, end, records: [], memory: memory(), timers: new Set() };
    const { assign } = this.options;
    if (assign === 'global' || !('gap' in assign))
      return this.open.find((each) => each.key === key && each.start === start && each.end === end) ?? fresh;
    const touching = this.open
      .filter((each) => each.key === key && each.start <= end && each.end >= start)
      .sort((a, b) => a.start - b.start);
    if (touching.length === 0) return fresh;
    const merged: Open = {
      ...fresh,
      start: Math.min(start, ...touching.map((each) => each.start)),
      end: Math.max(end, ...touching.map((each) => each.end)),
      records: touching.flatMap(({ records }) => records),
    };
    const [only] = touching;
    if (touching.length === 1 && only && only.start === merged.start && only.end === merged.end) return only;
    this.open = this.open.filter((each) => !touching.includes(each));
    merged.memory = this.merge(
      this.options.trigger,
      touching.map((each) => each.memory),
      merged,
    );
    return merged;
  }

  private act(window: Open, { fire, purge }: Result, firing: string): void {
    if (fire && window.records.length > 0) {
      const { evictor } = this.options;
      let shown = window.records;
      if (evictor && !evictor.after) shown = this.kept(evictor.how, shown);
      const ids = shown.map(({ id }) => id);
      this.fired.push({ key: window.key, start: window.start, end: window.end, ids, firing });
      window.records = evictor?.after ? this.kept(evictor.how, shown) : shown;
    }
    if (purge) window.records = [];
  }

  private kept(how: EvictorKind, records: Event[]): Event[] {
    if (how.kind === 'count') return records.slice(Math.max(0, records.length - how.n));
    if (how.kind === 'time') {
      const newest = Math.max(...records.map(({ time }) => time));
      return records.filter(({ time }) => time > newest - how.size);
    }
    const last = records.at(-1) as Event;
    return records.filter(({ id }) => Math.abs(id - last.id) < how.threshold);
  }

  // Triggers

  private setTimer(window: Open, prefix: 'e' | 'p', time: number): void {
    window.timers.add(`${prefix}${time}`);
  }

  private onRecord(trigger: TriggerKind, own: Memory, window: Open, event: Event): Result {
    const last = window.end - 1;
    switch (trigger.kind) {
      case 'event':
        if (last <= this.watermark) return FIRE;
        this.setTimer(window, 'e', last);
        return GO_ON;
      case 'processing':
        this.setTimer(window, 'p', last);
        return GO_ON;
      case 'never':
        return GO_ON;
      case 'count':
        own.count += 1;
        if (own.count < trigger.n) return GO_ON;
        own.count = 0;
        return FIRE;
      case 'delta': {
        const before = own.last;
        if (before && Math.abs(event.id - before.id) <= trigger.threshold) return GO_ON;
        own.last = event;
        return before ? FIRE : GO_ON;
      }
      case 'every': {
        const { interval } = trigger;
        if (trigger.time === 'event') {
          if (last <= this.watermark) return FIRE;
          this.setTimer(window, 'e', last);
        }
        if (own.next !== undefined) return GO_ON;
        const from = trigger.time === 'event' ? event.time : this.now;
        const next = Math.floor(from / interval) * interval + interval;
        own.next = this.nextOf(trigger.time, next, last);
        this.setTimer(window, trigger.time === 'event' ? 'e' : 'p', own.next);
        return GO_ON;
      }
      case 'purging':
        return purged(this.onRecord(trigger.inner, own, window, event));
      case 'phases': {
        if (last > this.watermark) this.setTimer(window, 'e', last);
        return last <= this.watermark
          ? this.onRecord(trigger.late, innerOf(own, 1), window, event)
          : this.onRecord(trigger.early, innerOf(own, 0), window, event);
      }
    }
  }

  private onTimer(trigger: TriggerKind, own: Memory, window: Open, prefix: 'e' | 'p', time: number): Result {
    const last = window.end - 1;
    switch (trigger.kind) {
      case 'event':
        return prefix === 'e' && time === last ? FIRE : GO_ON;
      case 'processing':
        return prefix === 'p' ? FIRE : GO_ON;
      case 'every': {
        if ((prefix === 'e') !== (trigger.time === 'event')) return GO_ON;
        if (prefix === 'e' && time === last) return FIRE;
        if (time !== own.next) return GO_ON;
        own.next = this.nextOf(trigger.time, time + trigger.interval, last);
        this.setTimer(window, prefix, own.next);
        return FIRE;
      }
      case 'purging':
        return purged(this.onTimer(trigger.inner, own, window, prefix, time));
      case 'phases': {
        if (prefix === 'e' && time === last) return FIRE;
        return last <= this.watermark
          ? this.onTimer(trigger.late, innerOf(own, 1), window, prefix, time)
          : this.onTimer(trigger.early, innerOf(own, 0), window, prefix, time);
      }
      default:
        return GO_ON;
    }
  }

  /** By event time triggers stop at the end of any window; by the clock at that of windows of the clock (FLINK-20443). */
  private nextOf(kind: 'event' | 'processing', next: number, last: number): number {
    if (kind === 'processing') return this.options.time === 'processing' ? Math.min(next, last) : next;
    const isOver = this.watermark === Number.POSITIVE_INFINITY && last === Number.MAX_SAFE_INTEGER - 1;
    return isOver ? last : Math.min(next, last);
  }

  /** The memory of a session that others have been merged into. */
  private merge(trigger: TriggerKind, merged: readonly Memory[], window: Open): Memory {
    const own = memory();
    const last = window.end - 1;
    switch (trigger.kind) {
      case 'event':
        if (last > this.watermark) this.setTimer(window, 'e', last);
        break;
      case 'processing':
        this.setTimer(window, 'p', last);
        break;
      case 'count':
        own.count = merged.reduce((sum, { count }) => sum + count, 0);
        break;
      case 'every': {
        if (trigger.time === 'event' && last > this.watermark) this.setTimer(window, 'e', last);
        const nexts = merged.flatMap(({ next }) => (next === undefined ? [] : [next]));
        if (nexts.length > 0) {
          own.next = Math.min(...nexts);
          this.setTimer(window, trigger.time === 'event' ? 'e' : 'p', own.next);
        }
        break;
      }
      case 'purging':
        return this.merge(trigger.inner, merged, window);
      case 'phases': {
        if (last > this.watermark) this.setTimer(window, 'e', last);
        const inner = (at: number): Memory[] => merged.flatMap((each) => each.inner[at] ?? []);
        own.inner[0] = this.merge(trigger.early, inner(0), window);
        own.inner[1] = this.merge(trigger.late, inner(1), window);
        break;
      }
      default:
        break;
    }
    return own;
  }
}

function purged({ fire, purge }: Result): Result {
  return { fire, purge: purge || fire };
}
