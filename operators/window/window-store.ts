/**
 * What a window with a trigger holds of its records, and what it shows its function when it fires: what the fold has made of
 * them; or, with an evictor, the records themselves, which are folded when it fires.
 */
import type { Window } from './assigners.js';
import type { Evictor, TimedRecord } from './evictors.js';
import type { KeyWindow } from './key-window.js';
import type { WindowFold } from './window-fold.js';

export interface WindowStore<T, Acc> {
  add(window: KeyWindow, record: T, timestamp: number): void;
  /** What both hold, `a` first; either may be changed. */
  merge(a: unknown, b: unknown): unknown;
  /**
   * Only of a window that holds something. What it gives is not changed any more before the window is next added to;
   * undefined where a reduction has nothing left to reduce.
   */
  fire(window: KeyWindow): Acc | undefined;
}

export function windowStore<T, Acc>(
  fold: WindowFold<T, Acc, unknown>,
  evictor: Evictor<T> | undefined,
): WindowStore<T, Acc> {
  return evictor ? new EvictingStore(fold, evictor) : new FoldingStore(fold);
}

class FoldingStore<T, Acc> implements WindowStore<T, Acc> {
  readonly #fold: WindowFold<T, Acc, unknown>;

  constructor(fold: WindowFold<T, Acc, unknown>) {
    this.#fold = fold;
  }

  add(window: KeyWindow, record: T): void {
    const { create, add } = this.#fold;
    const { contents } = window;
    if (contents.length === 0) window.contents = [add(create(), record)];
    else contents[0] = add(contents[0] as Acc, record);
  }

  merge(a: unknown, b: unknown): unknown {
    return this.#fold.merge(a as Acc, b as Acc);
  }

  fire({ contents }: KeyWindow): Acc {
    return contents[0] as Acc;
  }
}

class EvictingStore<T, Acc> implements WindowStore<T, Acc> {
  readonly #fold: WindowFold<T, Acc, unknown>;
  readonly #evictor: Evictor<T>;

  constructor(fold: WindowFold<T, Acc, unknown>, evictor: Evictor<T>) {
    this.#fold = fold;
    this.#evictor = evictor;
  }

  add(window: KeyWindow, record: T, timestamp: number): void {
    if (window.contents.length === 0) window.contents = [[]];
    (window.contents[0] as TimedRecord<T>[]).push({ record, timestamp });
  }

  merge(a: unknown, b: unknown): unknown {
    return [...(a as TimedRecord<T>[]), ...(b as TimedRecord<T>[])];
  }

  fire(window: KeyWindow): Acc {
    const bounds: Window = { start: window.start, end: window.end };
    const held = window.contents[0] as readonly TimedRecord<T>[];
    const shown = this.#evictor.before?.(held, bounds) ?? held;
    const { create, add } = this.#fold;
    let acc = create();
    for (const { record } of shown) acc = add(acc, record);
    const kept = this.#evictor.after?.(shown, bounds) ?? shown;
    window.contents = kept.length === 0 ? [] : [[...kept]];
    return acc;
  }
}
