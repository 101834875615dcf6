/**
 * A window of one key as windows with triggers keep it in state, and what its trigger sees of it.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import type { TimerTable } from '../../state/backend.js';
import type { OperatorContext } from '../operator.js';
import type { Window } from './assigners.js';
import type { TriggerContext } from './trigger.js';

/** Plain data. */
export interface KeyWindow {
  start: number;
  end: number;
  /** What its records have been folded into, or the records themselves; an empty array: nothing, it has been purged. */
  contents: readonly [] | [unknown];
  /** The greatest event time of its records. */
  latest: number;
  /** The trigger's. */
  state: unknown;
  /** Times for which the trigger has set timers. */
  eventTimers: number[];
  processingTimers: number[];
}

export function newKeyWindow({ start, end }: Window): KeyWindow {
  const latest = Number.NEGATIVE_INFINITY;
  return { start, end, contents: [], latest, state: undefined, eventTimers: [], processingTimers: [] };
}

/** Timers of a key, in one of the two times; its windows share them. */
export class WindowTimers {
  readonly #table: TimerTable;
  readonly #timersOf: (window: KeyWindow) => number[];
  /** When a window's state is to be removed; infinite: not in this time, or never. */
  readonly #cleanupTime: (window: KeyWindow) => number;

  constructor(
    table: TimerTable,
    timersOf: (window: KeyWindow) => number[],
    cleanupTime: (window: KeyWindow) => number,
  ) {
    this.#table = table;
    this.#timersOf = timersOf;
    this.#cleanupTime = cleanupTime;
  }

  add(slot: number, window: KeyWindow, time: number): void {
    if (!Number.isFinite(time)) throw badTimer(time);
    const times = this.#timersOf(window);
    if (!times.includes(time + 0)) times.push(time + 0);
    this.#table.add(slot, time + 0);
  }

  /** `windows`: all of the key. */
  remove(slot: number, window: KeyWindow, time: number, windows: readonly KeyWindow[]): void {
    const times = this.#timersOf(window);
    const at = times.indexOf(time);
    if (at < 0) return;
    times.splice(at, 1);
    this.#release(slot, time, windows);
  }

  /** Whether the window had set a timer for `time`, which has come. */
  take(window: KeyWindow, time: number): boolean {
    const times = this.#timersOf(window);
    const at = times.indexOf(time);
    if (at >= 0) times.splice(at, 1);
    return at >= 0;
  }

  addCleanup(slot: number, window: KeyWindow): void {
    const time = this.#cleanupTime(window);
    if (Number.isFinite(time)) this.#table.add(slot, time);
  }

  isCleanup(window: KeyWindow, time: number): boolean {
    return this.#cleanupTime(window) === time;
  }

  /** Removes all of a window that is no longer one of its key's `windows`. */
  clear(slot: number, window: KeyWindow, windows: readonly KeyWindow[]): void {
    const times = this.#timersOf(window);
    for (const time of times.splice(0)) this.#release(slot, time, windows);
    const cleanup = this.#cleanupTime(window);
    if (Number.isFinite(cleanup)) this.#release(slot, cleanup, windows);
  }

  #release(slot: number, time: number, windows: readonly KeyWindow[]): void {
    const isNeeded = windows.some((each) => this.#timersOf(each).includes(time) || this.isCleanup(each, time));
    if (!isNeeded) this.#table.remove(slot, time);
  }
}

function badTimer(time: unknown): MillraceError {
  return new MillraceError('MILL_TIMESTAMP_INVALID', `a trigger set a timer for ${describeValue(time)}`, {
    hint: 'Set timers for finite epoch milliseconds.',
  });
}

/** Shows a trigger the window that it is called for. */
export class KeyWindowContext implements TriggerContext<unknown> {
  readonly time: 'event' | 'processing';
  readonly #context: OperatorContext;
  readonly #event: WindowTimers;
  readonly #processing: WindowTimers;
  #slot = -1;
  #window: KeyWindow | undefined;
  #windows: readonly KeyWindow[] = [];

  constructor(
    context: OperatorContext,
    time: 'event' | 'processing',
    timers: Readonly<Record<'event' | 'processing', WindowTimers>>,
  ) {
    this.#context = context;
    this.time = time;
    this.#event = timers.event;
    this.#processing = timers.processing;
  }

  /** Until the next call; `windows`: all of the key. */
  of(slot: number, window: KeyWindow, windows: readonly KeyWindow[]): this {
    this.#slot = slot;
    this.#window = window;
    this.#windows = windows;
    return this;
  }

  get window(): Window {
    const { start, end } = this.#at;
    return { start, end };
  }

  get state(): unknown {
    return this.#at.state;
  }

  set state(state: unknown) {
    this.#at.state = state;
  }

  get watermark(): number {
    return this.#context.watermark;
  }

  now(): number {
    return this.#context.host.now();
  }

  addEventTimer(time: number): void {
    this.#event.add(this.#slot, this.#at, time);
  }

  removeEventTimer(time: number): void {
    this.#event.remove(this.#slot, this.#at, time, this.#windows);
  }

  addProcessingTimer(time: number): void {
    this.#processing.add(this.#slot, this.#at, time);
  }

  removeProcessingTimer(time: number): void {
    this.#processing.remove(this.#slot, this.#at, time, this.#windows);
  }

  get #at(): KeyWindow {
    return this.#window as KeyWindow;
  }
}
