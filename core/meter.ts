/**
 * What an operator measures of itself, as plain data: subtasks send it, and the job's metrics add it up. Names and units are
 * those of OpenTelemetry where it has some.
 */

/** Something measured. `counter`: of this attempt, only ever more. `gauge`: as of now. `histogram`: how often, how much. */
export interface Meter {
  /** `gen_ai.client.token.usage` */
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** As UCUM has them: `s`, `{token}`, `{run}`. */
  readonly unit: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Of a histogram: the sum. */
  readonly value: number;
  /** Of a histogram: how many values were between one bound and the next, the first below all, the last above. */
  readonly buckets?: readonly number[];
  /** Of a histogram: upper bounds, which belong to their buckets. */
  readonly bounds?: readonly number[];
}

/** Measurements of one operator, of this attempt. */
export class Meters {
  readonly #meters = new Map<string, { -readonly [part in keyof Meter]: Meter[part] }>();

  /** Adds to a counter. */
  count(name: string, unit: string, attributes: Meter['attributes'], by = 1): void {
    this.#meter('counter', name, unit, attributes).value += by;
  }

  /** Adds a value to a histogram. */
  note(name: string, unit: string, attributes: Meter['attributes'], value: number, bounds: readonly number[]): void {
    const meter = this.#meter('histogram', name, unit, attributes);
    meter.bounds ??= bounds;
    meter.buckets ??= bounds.map(() => 0).concat(0);
    const at = bounds.findIndex((bound) => value <= bound);
    const bucket = at < 0 ? bounds.length : at;
    (meter.buckets as number[])[bucket] = (meter.buckets[bucket] as number) + 1;
    meter.value += value;
  }

  /** As of now, copied. */
  get all(): readonly Meter[] {
    return [...this.#meters.values()].map((meter) => ({
      ...meter,
      ...(meter.buckets && { buckets: [...meter.buckets] }),
    }));
  }

  #meter(kind: Meter['kind'], name: string, unit: string, attributes: Meter['attributes']) {
    const id = idOf(name, attributes);
    const known = this.#meters.get(id);
    if (known) return known;
    const made: { -readonly [part in keyof Meter]: Meter[part] } = { name, kind, unit, attributes, value: 0 };
    this.#meters.set(id, made);
    return made;
  }
}

/** A gauge. */
export function gauge(name: string, unit: string, attributes: Meter['attributes'], value: number): Meter {
  return { name, kind: 'gauge', unit, attributes, value };
}

/** Those of all subtasks together, in the order of their names. */
export function sumOfMeters(meters: readonly Meter[]): readonly Meter[] {
  const sums = new Map<string, Meter>();
  for (const meter of meters) {
    const id = idOf(meter.name, meter.attributes);
    const known = sums.get(id);
    sums.set(id, known ? added(known, meter) : meter);
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, meter]) => meter);
}

function added(a: Meter, b: Meter): Meter {
  const buckets = a.buckets?.map((count, at) => count + (b.buckets?.[at] ?? 0));
  return { ...a, value: a.value + b.value, ...(buckets && { buckets }) };
}

function idOf(name: string, attributes: Meter['attributes']): string {
  return `${name} ${JSON.stringify(attributes)}`;
}
