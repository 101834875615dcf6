/**
 * A host for unit tests: a clock that moves when the test says so, and a disk in memory.
 *
 * Invariants: `now` and `elapsed` advance together; a timer fires within `advance`, in order of its time.
 */
import type { Host, Storage } from '../../core/host.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

export class ManualHost implements Host {
  readonly storage: Storage;
  readonly printed: string[] = [];
  readonly pool: Host['pool'] = { threads: 0, run: () => Promise.reject(new Error('no pool here')) };
  private timers: Timer[] = [];
  private clock = 0;

  constructor(storage: Storage = new MemoryStorage()) {
    this.storage = storage;
  }

  now(): number {
    return Date.UTC(2026, 0, 1) + this.clock;
  }

  elapsed(): number {
    return this.clock;
  }

  random(): number {
    return 4;
  }

  timer(delayMs: number, fire: () => void): () => void {
    const timer = { at: this.clock + delayMs, fire };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  fetch(): Promise<Response> {
    return Promise.reject(new TypeError('there is no network here'));
  }

  async print(text: string): Promise<void> {
    this.printed.push(text);
  }

  get timersPending(): number {
    return this.timers.length;
  }

  /** Moves the clock, firing what is due on the way; jumps over nothing. */
  advance(ms: number): void {
    const until = this.clock + ms;
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.clock = Math.max(this.clock, next.at);
      next.fire();
    }
    this.clock = until;
  }

  /** Moves the clock without firing: as if the machine had slept. */
  pause(ms: number): void {
    this.clock += ms;
  }
}

/** Lets everything that waits for microtasks, or for a finished callback of the real disk, go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Waits, a turn of the event loop at a time, until `condition` holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 100_000; turn += 1) {
    if (condition()) return;
    await settle();
  }
  throw new Error(`never happened: ${what}`);
}
