/**
 * Windows as Flink documents them, naively: every window of every key keeps all its records, and each record and
 * watermark is taken one by one. Shares no code with the operators.
 */
export interface Event {
  readonly key: string;
  readonly time: number;
  readonly id: number;
}

export interface Fired {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  /** Of its records, ascending. */
  readonly ids: readonly number[];
}

interface Open {
  readonly key: string;
  start: number;
  end: number;
  ids: number[];
}

export type Assign =
  | { readonly size: number; readonly slide: number; readonly offset: number }
  | { readonly size: number; readonly step: number; readonly offset: number }
  | { readonly gap: number | ((event: Event) => number) };

export class WindowModel {
  readonly fired: Fired[] = [];
  readonly late: number[] = [];
  private readonly assign: Assign;
  private readonly lateness: number;
  private watermark = Number.NEGATIVE_INFINITY;
  private open: Open[] = [];

  constructor(assign: Assign, lateness: number) {
    this.assign = assign;
    this.lateness = lateness;
  }

  record(event: Event): void {
    let taken = false;
    for (const assigned of this.windowsOf(event)) {
      const window = 'gap' in this.assign ? this.merge(assigned) : this.same(assigned);
      if (window.end - 1 + this.lateness <= this.watermark) continue;
      taken = true;
      if (!this.open.includes(window)) this.open.push(window);
      window.ids.push(event.id);
      if (window.end - 1 <= this.watermark) this.fire(window);
    }
    if (!taken && event.time + this.lateness <= this.watermark) this.late.push(event.id);
  }

  advance(watermark: number): void {
    const due = this.open.filter(({ end }) => end - 1 > this.watermark && end - 1 <= watermark);
    for (const window of due.sort((a, b) => a.end - b.end || (a.key < b.key ? -1 : 1))) this.fire(window);
    this.watermark = watermark;
    this.open = this.open.filter(({ end }) => end - 1 + this.lateness > watermark);
  }

  private windowsOf(event: Event): Open[] {
    return windowsOf(this.assign, event).map((window) => ({ key: event.key, ...window, ids: [] }));
  }

  private same(window: Open): Open {
    const { key, start, end } = window;
    return this.open.find((each) => each.key === key && each.start === start && each.end === end) ?? window;
  }

  /** The window with all open ones of its key that it overlaps or touches, which it replaces. */
  private merge(window: Open): Open {
    const touching = this.open.filter(
      ({ key, start, end }) => key === window.key && start <= window.end && end >= window.start,
    );
    if (touching.length === 0) return window;
    this.open = this.open.filter((one) => !touching.includes(one));
    const merged = [...touching, window];
    return {
      key: window.key,
      start: Math.min(...merged.map(({ start }) => start)),
      end: Math.max(...merged.map(({ end }) => end)),
      ids: merged.flatMap(({ ids }) => ids),
    };
  }

  private fire({ key, start, end, ids }: Open): void {
    this.fired.push({ key, start, end, ids: ids.toSorted((a, b) => a - b) });
  }
}

/** The windows that hold a record, those of a long stretch of time looked at one by one. */
export function windowsOf(assign: Assign, event: Event): { start: number; end: number }[] {
  const { time } = event;
  if ('gap' in assign) {
    const gap = typeof assign.gap === 'number' ? assign.gap : assign.gap(event);
    return [{ start: time, end: time + gap }];
  }
  const all: { start: number; end: number }[] = [];
  const { size, offset } = assign;
  if ('slide' in assign) {
    const { slide } = assign;
    for (let start = -1_000 * slide + offset; start <= time; start += slide) all.push({ start, end: start + size });
  } else {
    for (let start = -1_000 * size + offset; start <= time; start += size)
      for (let end = start + assign.step; end <= start + size; end += assign.step) all.push({ start, end });
  }
  return all.filter(({ end }) => time < end);
}
