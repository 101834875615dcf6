/**
 * A disk whose n-th call fails, with an error of your choice; the calls before and after it work. A failing write
 * may have written part of its bytes. Calls are counted, so that a test can fail each of them in turn.
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

export class FaultyStorage implements Storage {
  calls = 0;
  /** What failed, for messages. */
  failed: string | undefined;

  constructor(
    private readonly storage: Storage,
    private readonly failAt: number,
    private readonly code: string,
  ) {}

  private async attempt<T>(what: string, action: () => Promise<T>, partly?: () => Promise<unknown>): Promise<T> {
    this.calls += 1;
    if (this.calls !== this.failAt) return action();
    this.failed = what;
    await partly?.();
    throw Object.assign(new Error(`${this.code}: ${what}`), { code: this.code });
  }

  read(path: string): Promise<ReadableFile> {
    return this.attempt(`read ${path}`, () => this.storage.read(path));
  }

  async write(path: string, options?: { append?: boolean }): Promise<WritableFile> {
    const file = await this.attempt(`write ${path}`, () => this.storage.write(path, options));
    const half = (bytes: Uint8Array): Promise<void> => file.write(bytes.subarray(0, bytes.length >> 1));
    return {
      write: (bytes) =>
        this.attempt(
          `append to ${path}`,
          () => file.write(bytes),
          () => half(bytes),
        ),
      truncate: (sizeBytes) => this.attempt(`truncate ${path}`, () => file.truncate(sizeBytes)),
      sync: () => this.attempt(`sync ${path}`, () => file.sync()),
      close: () =>
        this.attempt(
          `close ${path}`,
          () => file.close(),
          () => file.close(),
        ),
    };
  }

  list(directory: string): Promise<readonly DirectoryEntry[]> {
    return this.attempt(`list ${directory}`, () => this.storage.list(directory));
  }

  stat(path: string): ReturnType<Storage['stat']> {
    return this.attempt(`stat ${path}`, () => this.storage.stat(path));
  }

  makeDirectory(path: string): Promise<void> {
    return this.attempt(`make ${path}`, () => this.storage.makeDirectory(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.attempt(`rename ${from}`, () => this.storage.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.attempt(`remove ${path}`, () => this.storage.remove(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.attempt(`sync directory ${path}`, () => this.storage.syncDirectory(path));
  }

  lock(path: string): ReturnType<Storage['lock']> {
    return this.attempt(`lock ${path}`, () => this.storage.lock(path));
  }

  openStore(path: string): Promise<OrderedStore> {
    return this.attempt(`open ${path}`, () => this.storage.openStore(path));
  }

  fillStore(path: string, rows: AsyncIterable<readonly StoreRow[]>): Promise<OrderedStore> {
    return this.attempt(`fill ${path}`, () => this.storage.fillStore(path, rows));
  }

  destroyStore(path: string): Promise<void> {
    return this.attempt(`destroy ${path}`, () => this.storage.destroyStore(path));
  }

  decompress(codec: Codec, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return this.storage.decompress(codec, chunks);
  }
}
