/**
 * The real host: Node's clock, timers, disk and thread pool.
 */
import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Host, TaskPool } from '../../core/host.js';
import { NodeStorage } from './node-storage.js';

/** The longest delay that setTimeout takes; longer ones are waited for in parts. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

export class NodeHost implements Host {
  readonly storage = new NodeStorage();
  readonly pool: TaskPool;

  constructor(pool: TaskPool) {
    this.pool = pool;
  }

  now(): number {
    return Date.now();
  }

  elapsed(): number {
    return performance.now();
  }

  random(): number {
    return randomInt(2 ** 32);
  }

  timer(delayMs: number, fire: () => void): () => void {
    const partMs = Math.min(delayMs, TIMEOUT_MS_MAX);
    let cancel = (): void => clearTimeout(handle);
    const handle = setTimeout(() => {
      if (partMs === delayMs) fire();
      else cancel = this.timer(delayMs - partMs, fire);
    }, partMs);
    return () => cancel();
  }

  fetch(input: string | URL, init?: RequestInit): Promise<Response> {
    return globalThis.fetch(input, init);
  }

  /** Resolves when the text has been handed to the system: a slow terminal or pipe holds the sink back. */
  print(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }
}
