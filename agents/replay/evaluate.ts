/**
 * Evaluation: what recorded runs are worth, and what the same runs of a candidate are, by labels or by a judge.
 */
import type { Agent } from '../agent.js';
import type { RunRecord } from '../run-record.js';
import type { Judge, Judgement } from './judges.js';
import { type Rate, rateOf } from './report.js';
import { hostFor, type RerunSelection, rerunAll } from './rerun-all.js';

/** What to evaluate, and by whom. */
export interface EvaluateOptions<I, O> extends RerunSelection {
  /** The agent to be tried. */
  readonly agent: Agent<I, O>;
  /** Says what a run is worth, of the recorded ones and of those executed again: `byLabels`, `byModel`, or a function. */
  readonly judge: Judge;
  /** Runs shown in the report; default 10. */
  readonly examples?: number;
}

/** One run, as it was and as it is now. Plain data. */
export interface JudgedRun {
  readonly id: string;
  readonly key: unknown;
  readonly input: unknown;
  readonly before: JudgedSide;
  readonly after: JudgedSide;
}

/** What one side has come to, and what it is worth. */
export interface JudgedSide {
  readonly outcome: RunRecord['outcome'];
  readonly reply: unknown;
  /** From 0 to 1. */
  readonly score: number;
  readonly note: string | undefined;
}

/** Plain data. */
export interface EvaluationReport {
  /** Runs that the judge has judged. */
  readonly runs: number;
  /** Runs that it had nothing to say about. */
  readonly unjudged: number;
  /** Runs with a score of 1. */
  readonly right: { readonly before: Rate; readonly after: Rate };
  /** Mean scores. */
  readonly score: { readonly before: number; readonly after: number };
  readonly better: number;
  readonly worse: number;
  /** Runs that have become worse, those by most first; then those that have become better; then those that are wrong. */
  readonly examples: readonly JudgedRun[];
}

const EXAMPLES = 10;

/**
 * Executes every recorded run again with `agent`, and has both judged. Rejects if runs can't be read, and with what the judge
 * throws.
 *
 * @example
 * const report = await evaluate({ agent: triageV2, runs: 'archive/runs', judge: byLabels([{ run: '4f…', reply: { urgent: true } }]) })
 * console.log(report.right.before.rate, report.right.after.rate)
 */
export async function evaluate<I, O>(options: EvaluateOptions<I, O>): Promise<EvaluationReport> {
  const { agent, judge, examples = EXAMPLES } = options;
  const judged: JudgedRun[] = [];
  let unjudged = 0;
  const host = hostFor('live');
  const call = { signal: new AbortController().signal, fetch: host.fetch.bind(host) as typeof fetch };
  await rerunAll(agent as Agent<never, unknown>, options, async (recorded, { record }) => {
    const [before, after] = await Promise.all([judge(recorded, call), judge(record, call)]);
    if (before === undefined || after === undefined) {
      unjudged += 1;
      return;
    }
    const { id, key, input } = recorded;
    judged.push({ id, key, input, before: sideOf(recorded, before), after: sideOf(record, after) });
  });
  return { ...summaryOf(judged), unjudged, examples: judged.sort(mostTelling).slice(0, examples) };
}

function sideOf({ outcome, reply }: RunRecord, { score, note }: Judgement): JudgedSide {
  return { outcome, reply, score, note };
}

function summaryOf(judged: readonly JudgedRun[]): Omit<EvaluationReport, 'unjudged' | 'examples'> {
  const runs = judged.length;
  const count = (is: (run: JudgedRun) => boolean): number => judged.filter(is).length;
  const mean = (of: (run: JudgedRun) => number): number =>
    runs === 0 ? 1 : judged.reduce((sum, run) => sum + of(run), 0) / runs;
  return {
    runs,
    right: {
      before: rateOf(
        count(({ before }) => before.score === 1),
        runs,
      ),
      after: rateOf(
        count(({ after }) => after.score === 1),
        runs,
      ),
    },
    score: { before: mean(({ before }) => before.score), after: mean(({ after }) => after.score) },
    better: count(({ before, after }) => after.score > before.score),
    worse: count(({ before, after }) => after.score < before.score),
  };
}

function mostTelling(a: JudgedRun, b: JudgedRun): number {
  return weightOf(b) - weightOf(a) || (a.id < b.id ? -1 : 1);
}

/** Above 2: worse; above 1: better; else how wrong it is. */
function weightOf({ before, after }: JudgedRun): number {
  if (after.score < before.score) return 2 + before.score - after.score;
  if (after.score > before.score) return 1 + after.score - before.score;
  return (1 - after.score) / 2;
}
