/**
 * What many comparisons amount to: how often two agents agree, where they do not, and the runs that show it best.
 */
import type { RunComparison } from './comparison.js';

/** How often something was so, with the range that its true rate lies in, at 95 %. */
export interface Rate {
  readonly count: number;
  readonly of: number;
  readonly rate: number;
  /** Wilson's interval (1927), which holds for small numbers and for rates near 0 and 1. */
  readonly low: number;
  readonly high: number;
}

/** Plain data. */
export interface ReplayReport {
  readonly runs: number;
  /** Outputs equal to the byte. */
  readonly agreement: Rate;
  /** Runs that asked for something that the record does not answer. */
  readonly diverged: number;
  readonly failed: { readonly before: number; readonly after: number };
  /** How many replies differ in each field, the most first. */
  readonly fields: readonly { readonly path: string; readonly runs: number }[];
  /** Of fields with a few values: how often each value became which. */
  readonly decisions: readonly {
    readonly field: string;
    readonly counts: readonly { readonly before: string; readonly after: string; readonly runs: number }[];
  }[];
  /** Runs that called other tools, or with other inputs, or in another order. */
  readonly otherPlans: number;
  readonly tokens: { readonly before: number; readonly after: number };
  readonly modelCalls: { readonly before: number; readonly after: number };
  /** Milliseconds of all steps together. */
  readonly ms: { readonly before: number; readonly after: number };
  /** Runs that differ, those in most fields first; of equal ones by their ids, so that a report can be repeated. */
  readonly examples: readonly RunComparison[];
}

const EXAMPLES = 10;
/** A field with more values than that is no decision. */
const VALUES_MAX = 10;
/** Of the normal distribution: 95 % lie within so many deviations. */
const Z = 1.959964;

/** Takes comparisons one by one; holds no more of them than it shows. */
export class ReportBuilder {
  readonly #examplesMax: number;
  #runs = 0;
  #same = 0;
  #diverged = 0;
  #otherPlans = 0;
  readonly #failed = { before: 0, after: 0 };
  readonly #tokens = { before: 0, after: 0 };
  readonly #modelCalls = { before: 0, after: 0 };
  readonly #ms = { before: 0, after: 0 };
  readonly #fields = new Map<string, number>();
  /** By field, then by both values. */
  readonly #decisions = new Map<string, Map<string, number> | undefined>();
  #examples: RunComparison[] = [];

  constructor(examples = EXAMPLES) {
    this.#examplesMax = examples;
  }

  add(comparison: RunComparison): void {
    const { before, after, same, samePlan, divergence, fields } = comparison;
    this.#runs += 1;
    if (same) this.#same += 1;
    if (divergence) this.#diverged += 1;
    if (!samePlan) this.#otherPlans += 1;
    for (const [side, of] of [
      ['before', before],
      ['after', after],
    ] as const) {
      if (of.outcome === 'failed') this.#failed[side] += 1;
      this.#tokens[side] += of.tokens;
      this.#modelCalls[side] += of.modelCalls;
      this.#ms[side] += of.ms;
    }
    for (const path of new Set(fields.map((field) => field.path)))
      this.#fields.set(path, (this.#fields.get(path) ?? 0) + 1);
    this.#addDecisions(before.reply, after.reply);
    if (!same) this.#addExample(comparison);
  }

  build(): ReplayReport {
    return {
      runs: this.#runs,
      agreement: rateOf(this.#same, this.#runs),
      diverged: this.#diverged,
      failed: { ...this.#failed },
      fields: [...this.#fields].map(([path, runs]) => ({ path, runs })).sort((a, b) => b.runs - a.runs),
      decisions: this.#builtDecisions(),
      otherPlans: this.#otherPlans,
      tokens: { ...this.#tokens },
      modelCalls: { ...this.#modelCalls },
      ms: { ...this.#ms },
      examples: this.#examples,
    };
  }

  #addDecisions(before: unknown, after: unknown): void {
    if (!isObject(before) || !isObject(after)) return;
    for (const field of Object.keys(before)) {
      const pair = JSON.stringify([before[field], after[field]]);
      if (!isDecision(before[field]) || !isDecision(after[field])) this.#decisions.set(field, undefined);
      if (this.#decisions.has(field) && !this.#decisions.get(field)) continue;
      const counts = this.#decisions.get(field) ?? new Map<string, number>();
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
      this.#decisions.set(field, counts.size > VALUES_MAX * VALUES_MAX ? undefined : counts);
    }
  }

  #builtDecisions(): ReplayReport['decisions'] {
    return [...this.#decisions].flatMap(([field, pairs]) => {
      if (!pairs) return [];
      const counts = [...pairs].map(([pair, runs]) => {
        const [before, after] = JSON.parse(pair) as [unknown, unknown];
        return { before: String(before), after: String(after), runs };
      });
      const values = new Set(counts.flatMap(({ before, after }) => [before, after]));
      return values.size > VALUES_MAX ? [] : [{ field, counts: counts.sort((a, b) => b.runs - a.runs) }];
    });
  }

  #addExample(comparison: RunComparison): void {
    this.#examples.push(comparison);
    this.#examples.sort((a, b) => weightOf(b) - weightOf(a) || (a.id < b.id ? -1 : 1));
    this.#examples = this.#examples.slice(0, this.#examplesMax);
  }
}

/**
 * The report about comparisons, such as those of a dark launch.
 *
 * @example
 * const report = await reportOf(comparisons)
 * console.log(reportText(report))
 */
export async function reportOf(
  comparisons: Iterable<RunComparison> | AsyncIterable<RunComparison>,
  { examples }: { readonly examples?: number } = {},
): Promise<ReplayReport> {
  const report = new ReportBuilder(examples);
  for await (const comparison of comparisons) report.add(comparison);
  return report.build();
}

function weightOf({ fields, divergence, samePlan }: RunComparison): number {
  return fields.length + (divergence ? 2 : 0) + (samePlan ? 0 : 1);
}

function isDecision(value: unknown): boolean {
  return value === null || ['string', 'boolean', 'number', 'undefined'].includes(typeof value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function rateOf(count: number, of: number): Rate {
  if (of === 0) return { count, of, rate: 1, low: 0, high: 1 };
  const rate = count / of;
  const squared = Z * Z;
  const middle = (rate + squared / (2 * of)) / (1 + squared / of);
  const half = (Z / (1 + squared / of)) * Math.sqrt((rate * (1 - rate)) / of + squared / (4 * of * of));
  return { count, of, rate, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
