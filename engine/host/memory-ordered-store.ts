/**
 * Ordered stores in memory, for the simulated host. A crash keeps, of the writes since the last flush, those that
 * chance picks: holes included, because a log whose blocks reach the disk in any order may lose what is in its middle.
 * Of a store that was filled it keeps everything or nothing, and then may leave something that can't be opened.
 *
 * Invariants: `durable` and `unsynced`, one after another, give `rows`. A store opened before a crash can't be used
 * after it. Deterministic: every promise settles by microtask alone.
 */
import { assert } from '../../core/errors.js';
import type { OrderedStore, StoreChange, StoreRow } from '../../core/host.js';

/** Rows of one page: few, so that things happen in between. */
const PAGE_ROWS = 16;

/** Keys as texts: one character a byte, in the same order. */
type Rows = Map<string, Uint8Array>;

class Content {
  rows: Rows = new Map();
  open = false;
  damaged = false;
  private durable: Rows = new Map();
  private unsynced: (readonly StoreChange[])[] = [];
  /** It rests on files that nobody has synced. */
  private filled = false;

  /** Only at first. */
  fill(rows: Rows): void {
    this.rows = rows;
    this.durable = new Map(rows);
    this.filled = true;
  }

  write(changes: readonly StoreChange[]): void {
    const own = changes.map(([key, value]) => [key.slice(), value?.slice()] as const);
    apply(this.rows, own);
    this.unsynced.push(own);
  }

  flush(): void {
    for (const changes of this.unsynced.splice(0)) apply(this.durable, changes);
  }

  crash(random: () => number): void {
    const lossy = random() < 0.5;
    if (this.filled && lossy && random() < 0.5) {
      this.damaged = random() < 0.5;
      this.unsynced = [];
      this.durable.clear();
    }
    // What has survived one has reached the disk.
    this.filled = false;
    for (const changes of this.unsynced.splice(0)) if (!lossy || random() < 0.7) apply(this.durable, changes);
    this.rows = new Map(this.durable);
  }
}

function apply(rows: Rows, changes: readonly StoreChange[]): void {
  for (const [key, value] of changes) {
    if (value === undefined) rows.delete(textOf(key));
    else rows.set(textOf(key), value);
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

export class MemoryStores {
  private readonly contents = new Map<string, Content>();
  /** Rises with every crash. */
  private life = 0;

  async open(path: string): Promise<OrderedStore> {
    const content = this.contents.get(path) ?? new Content();
    if (content.open) throw failure('LEVEL_LOCKED', path);
    if (content.damaged) throw failure('LEVEL_CORRUPTION', path);
    return this.opened(path, content);
  }

  async fill(path: string, pages: AsyncIterable<readonly StoreRow[]>): Promise<OrderedStore> {
    if (this.contents.has(path)) throw failure('EEXIST', path);
    const { life } = this;
    const rows: Rows = new Map();
    let last = '';
    for await (const page of pages) {
      for (const [key, value] of page) {
        const text = textOf(key);
        assert(text > last, 'rows for a store do not come in ascending order of their keys');
        rows.set(text, value.slice());
        last = text;
      }
    }
    if (life !== this.life) throw failure('LEVEL_DATABASE_NOT_OPEN', path);
    const content = new Content();
    content.fill(rows);
    return this.opened(path, content);
  }

  private opened(path: string, content: Content): OrderedStore {
    this.contents.set(path, content);
    content.open = true;
    const { life } = this;
    return new MemoryOrderedStore(content, () => {
      if (life !== this.life) throw failure('LEVEL_DATABASE_NOT_OPEN', path);
    });
  }

  async destroy(path: string): Promise<void> {
    if (this.contents.get(path)?.open) throw failure('LEVEL_LOCKED', path);
    this.contents.delete(path);
  }

  /** Whoever has them open is gone. */
  kill(): void {
    this.life += 1;
    for (const content of this.contents.values()) content.open = false;
  }

  crash(random: () => number): void {
    this.kill();
    for (const content of this.contents.values()) content.crash(random);
  }
}

class MemoryOrderedStore implements OrderedStore {
  constructor(
    private readonly content: Content,
    private readonly checkLife: () => void,
  ) {}

  get(key: Uint8Array): Uint8Array | undefined {
    this.checkOpen();
    return this.content.rows.get(textOf(key));
  }

  async getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return keys.map((key) => this.get(key));
  }

  async *range(from: Uint8Array, end: Uint8Array): AsyncGenerator<readonly StoreRow[]> {
    this.checkOpen();
    const [first, last] = [textOf(from), textOf(end)];
    const found = [...this.content.rows].filter(([key]) => key >= first && key < last);
    const rows = found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [bytesOf(key), value] as const);
    for (let at = 0; at < rows.length; at += PAGE_ROWS) yield rows.slice(at, at + PAGE_ROWS);
  }

  async write(changes: readonly StoreChange[]): Promise<void> {
    this.checkOpen();
    this.content.write(changes);
  }

  async flush(): Promise<void> {
    this.checkOpen();
    this.content.flush();
  }

  async sizeBytes(): Promise<number> {
    let bytes = 0;
    for (const [key, value] of this.content.rows) bytes += key.length + value.length;
    return bytes;
  }

  async close(): Promise<void> {
    this.checkLife();
    this.content.open = false;
  }

  private checkOpen(): void {
    this.checkLife();
    if (!this.content.open) throw failure('LEVEL_DATABASE_NOT_OPEN', 'a closed store');
  }
}

function bytesOf(key: string): Uint8Array {
  return Buffer.from(key, 'latin1');
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
