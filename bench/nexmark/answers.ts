/**
 * The canonical answer of a query: its final rows as texts, their number, and a checksum that does not depend on their order.
 */
import { createHash } from 'node:crypto';

/**
 * A row that comes out of a query: one more, or one less; with a `key` the newest row of each key counts alone.
 */
export interface Row {
  readonly columns: readonly unknown[];
  readonly removed?: boolean;
  readonly key?: string | number;
}

/** A number with three places, exactly: a column that becomes a text in the answer only. */
export interface Decimal {
  readonly thousandths: number;
}

export interface Answer {
  readonly rows: number;
  /** 16 hexadecimal digits. */
  readonly checksum: string;
}

/** The final rows of a changelog. */
export class Table {
  private readonly byKey = new Map<string | number, string>();
  private readonly counts = new Map<string, number>();

  add({ columns, removed, key }: Row): void {
    const text = JSON.stringify(columns, decimalAsText);
    if (key !== undefined) {
      this.byKey.set(key, text);
      return;
    }
    const count = (this.counts.get(text) ?? 0) + (removed ? -1 : 1);
    if (count === 0) this.counts.delete(text);
    else this.counts.set(text, count);
  }

  /** Texts of all rows, each as often as it is there. */
  *rows(): Iterable<string> {
    yield* this.byKey.values();
    for (const [text, count] of this.counts) for (let n = 0; n < count; n += 1) yield text;
  }
}

function decimalAsText(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('thousandths' in value)) return value;
  const { thousandths } = value as Decimal;
  return `${Math.floor(thousandths / 1_000)}.${String(thousandths % 1_000).padStart(3, '0')}`;
}

export function answerOf(rows: Iterable<string>): Answer {
  let sum = 0n;
  let count = 0;
  for (const row of rows) {
    sum += createHash('sha256').update(row).digest().readBigUInt64BE(0) >> 11n;
    count += 1;
  }
  return { rows: count, checksum: BigInt.asUintN(64, sum).toString(16).padStart(16, '0') };
}
