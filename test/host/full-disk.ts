/**
 * A disk in memory that is full for a while: of the calls that need room, so many fail with ENOSPC from the n-th on, the
 * calls before and after them work. A write that fails has written half of its bytes. Calls are counted, so that a test
 * can fail each of them in turn.
 */
import type { OrderedStore, WritableFile } from '../../core/host.js';
import { MemoryStorage } from '../../engine/host/memory-storage.js';

export class FullDisk extends MemoryStorage {
  /** Calls so far that need room. */
  calls = 0;
  /** What has failed, for messages. */
  readonly failed: string[] = [];
  /** Whether a lock has ever been got. */
  locked = false;
  #fullFrom = Number.POSITIVE_INFINITY;
  #failures = 0;

  /** Full at the `at`-th call from now, until `failures` calls have failed. */
  fillAt(at: number, failures: number): void {
    this.#fullFrom = this.calls + at;
    this.#failures = failures;
  }

  /** There is room again. */
  free(): void {
    this.#failures = 0;
  }

  override async write(path: string, options?: { append?: boolean }): Promise<WritableFile> {
    await this.#need(`make ${path}`);
    const file = await super.write(path, options);
    return {
      write: async (bytes) => {
        await this.#need(`write ${path}`, () => file.write(bytes.subarray(0, bytes.length >> 1)));
        await file.write(bytes);
      },
      truncate: async (sizeBytes) => {
        await this.#need(`truncate ${path}`);
        await file.truncate(sizeBytes);
      },
      sync: async () => {
        await this.#need(`sync ${path}`);
        await file.sync();
      },
      close: () => file.close(),
    };
  }

  override async makeDirectory(path: string): Promise<void> {
    await this.#need(`make directory ${path}`);
    await super.makeDirectory(path);
  }

  override async rename(from: string, to: string): Promise<void> {
    await this.#need(`rename ${from}`);
    await super.rename(from, to);
  }

  override async syncDirectory(path: string): Promise<void> {
    await this.#need(`sync directory ${path}`);
    await super.syncDirectory(path);
  }

  override async lock(path: string): ReturnType<MemoryStorage['lock']> {
    await this.#need(`lock ${path}`);
    this.locked = true;
    return super.lock(path);
  }

  override async openStore(path: string): Promise<OrderedStore> {
    await this.#need(`open store ${path}`);
    const store = await super.openStore(path);
    return {
      get: (key) => store.get(key),
      getMany: (keys) => store.getMany(keys),
      range: (from, end) => store.range(from, end),
      write: async (changes) => {
        await this.#need(`write store ${path}`);
        await store.write(changes);
      },
      flush: async () => {
        await this.#need(`flush store ${path}`);
        await store.flush();
      },
      sizeBytes: () => store.sizeBytes(),
      close: () => store.close(),
    };
  }

  async #need(what: string, partly?: () => Promise<void>): Promise<void> {
    this.calls += 1;
    if (this.calls < this.#fullFrom || this.#failures === 0) return;
    this.#failures -= 1;
    this.failed.push(what);
    await partly?.();
    throw Object.assign(new Error(`ENOSPC: no space left on device, ${what}`), { code: 'ENOSPC' });
  }
}
