/**
 * A disk as one process sees it in simulation: from the moment the process dies, no call does anything or returns.
 *
 * Invariant: after death nothing reaches the storage below, not even from a promise chain that was under way.
 */
import type {
  Codec,
  DirectoryEntry,
  OrderedStore,
  ReadableFile,
  Storage,
  StoreRow,
  WritableFile,
} from '../../core/host.js';

export interface Death {
  readonly diesAt: number;
  readonly before: boolean;
  readonly onDeath: () => void;
}

/** Resolves after a while: before a call takes effect, so that calls of several chains interleave. */
export type Delay = () => Promise<void> | undefined;

export class MortalStorage implements Storage {
  dead = false;
  /** Calls so far: while it rises, something is going on. */
  calls = 0;
  readonly #storage: Storage;
  readonly #onDeath: () => void;
  readonly #before: boolean;
  readonly #delay: Delay;
  #callsLeft: number;

  /** Dies at its `diesAt`-th call, just before or just after it takes effect. */
  constructor(storage: Storage, death: Death, delay: Delay) {
    this.#storage = storage;
    this.#delay = delay;
    this.#callsLeft = death.diesAt;
    this.#before = death.before;
    this.#onDeath = death.onDeath;
  }

  die(): void {
    if (this.dead) return;
    this.dead = true;
    this.#onDeath();
  }

  async read(path: string): Promise<ReadableFile> {
    const file = await this.#call(() => this.#storage.read(path));
    return {
      read: (into, position) => this.#call(() => file.read(into, position)),
      close: () => this.#call(() => file.close()),
    };
  }

  async write(path: string, options?: { append?: boolean }): Promise<WritableFile> {
    const file = await this.#call(() => this.#storage.write(path, options));
    return {
      write: (bytes) => this.#call(() => file.write(bytes)),
      truncate: (sizeBytes) => this.#call(() => file.truncate(sizeBytes)),
      sync: () => this.#call(() => file.sync()),
      close: () => this.#call(() => file.close()),
    };
  }

  list(directory: string): Promise<readonly DirectoryEntry[]> {
    return this.#call(() => this.#storage.list(directory));
  }

  stat(path: string): ReturnType<Storage['stat']> {
    return this.#call(() => this.#storage.stat(path));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#call(() => this.#storage.makeDirectory(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call(() => this.#storage.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#call(() => this.#storage.remove(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#call(() => this.#storage.syncDirectory(path));
  }

  lock(path: string): ReturnType<Storage['lock']> {
    return this.#call(() => this.#storage.lock(path));
  }

  decompress(codec: Codec, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return this.#storage.decompress(codec, chunks);
  }

  async openStore(path: string): Promise<OrderedStore> {
    return this.#mortal(await this.#call(() => this.#storage.openStore(path)));
  }

  /** Its rows count as calls too: it can die in between. */
  async fillStore(path: string, rows: AsyncIterable<readonly StoreRow[]>): Promise<OrderedStore> {
    return this.#mortal(await this.#call(() => this.#storage.fillStore(path, this.#pages(rows))));
  }

  #mortal(store: OrderedStore): OrderedStore {
    return {
      get: (key) => store.get(key),
      getMany: (keys) => this.#call(() => store.getMany(keys)),
      range: (from, end) => this.#pages(store.range(from, end)),
      write: (changes) => this.#call(() => store.write(changes)),
      flush: () => this.#call(() => store.flush()),
      sizeBytes: () => this.#call(() => store.sizeBytes()),
      close: () => this.#call(() => store.close()),
    };
  }

  destroyStore(path: string): Promise<void> {
    return this.#call(() => this.#storage.destroyStore(path));
  }

  async *#pages<T>(pages: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = pages[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await this.#call(() => iterator.next());
      if (done) return;
      yield value;
    }
  }

  async #call<T>(action: () => Promise<T>): Promise<T> {
    await this.#delay();
    if (this.dead) return never();
    this.calls += 1;
    this.#callsLeft -= 1;
    const dies = this.#callsLeft <= 0;
    if (dies && this.#before) return this.#end();
    const result = await action();
    if (dies) return this.#end();
    return this.dead ? never() : result;
  }

  #end(): Promise<never> {
    this.die();
    return never();
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}
