/** Joins as Flink documents them, naively. Share no code with the operators. */
import type { IntervalJoinSpec } from '../../operators/join/interval-join-operator.js';

export interface Event {
  readonly key: string;
  readonly time: number;
  readonly id: number;
}

interface Row extends Event {
  matched: boolean;
  out: boolean;
}

export type IntervalBounds = Pick<IntervalJoinSpec, 'type' | 'lowerMs' | 'upperMs'>;

/** Keeps all that was ever on time, and looks at all of it each time. Shares no code with the operator. */
export class IntervalModel {
  readonly out: string[] = [];
  readonly late: [number[], number[]] = [[], []];
  private readonly rows: [Row[], Row[]] = [[], []];
  private readonly bounds: IntervalBounds;
  private watermark = Number.NEGATIVE_INFINITY;

  constructor(bounds: IntervalBounds) {
    this.bounds = bounds;
  }

  record(port: 0 | 1, event: Event): void {
    if (event.time < this.watermark) {
      this.late[port].push(event.id);
      return;
    }
    const own = { ...event, matched: false, out: false };
    for (const other of this.rows[1 - port] as Row[]) {
      const [left, right] = port === 0 ? [own, other] : [other, own];
      const distance = right.time - left.time;
      if (left.key !== right.key || distance < this.bounds.lowerMs || distance > this.bounds.upperMs) continue;
      left.matched = true;
      right.matched = true;
      this.out.push(textOf(left.id, right.id, Math.max(left.time, right.time)));
    }
    this.rows[port].push(own);
    this.pad();
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    this.pad();
  }

  private pad(): void {
    const { type, lowerMs, upperMs } = this.bounds;
    if (type === 'left' || type === 'full') this.padSide(0, upperMs, (id, time) => textOf(id, undefined, time));
    if (type === 'right' || type === 'full') this.padSide(1, -lowerMs, (id, time) => textOf(undefined, id, time));
  }

  private padSide(port: 0 | 1, reach: number, text: (id: number, time: number) => string): void {
    for (const row of this.rows[port]) {
      if (row.matched || row.out || row.time + reach >= this.watermark) continue;
      row.out = true;
      this.out.push(text(row.id, row.time));
    }
  }
}

/** A result as the tests compare it. */
export function textOf(left: number | undefined, right: number | undefined, time: number): string {
  return `${left}-${right}@${time}`;
}

interface Version extends Event {
  readonly deleted: boolean;
}

/** Keeps all versions, and looks for the one that is valid when the watermark has reached a record. */
export class TemporalModel {
  readonly out: string[] = [];
  readonly late: number[] = [];
  private readonly versions: Version[] = [];
  private waiting: Event[] = [];
  private readonly type: 'inner' | 'left';
  private watermark = Number.NEGATIVE_INFINITY;

  constructor(type: 'inner' | 'left') {
    this.type = type;
  }

  record(event: Event): void {
    if (event.time <= this.watermark) this.late.push(event.id);
    else this.waiting.push(event);
  }

  version(version: Version): void {
    this.versions.push(version);
  }

  advance(watermark: number): void {
    this.watermark = watermark;
    const due = this.waiting.filter(({ time }) => time <= watermark);
    this.waiting = this.waiting.filter(({ time }) => time > watermark);
    for (const record of due) {
      const valid = this.validFor(record);
      const version = valid?.deleted ? undefined : valid;
      if (version || this.type === 'left') this.out.push(textOf(record.id, version?.id, record.time));
    }
  }

  /** The latest, and of equal ones the last that came. */
  private validFor({ key, time }: Event): Version | undefined {
    return this.versions
      .filter((version) => version.key === key && version.time <= time)
      .reduce<Version | undefined>((best, next) => (best && best.time > next.time ? best : next), undefined);
  }
}
