/**
 * Recorded runs of one agent, to be found by their inputs: those of equal ones in the order in which they were made.
 */
import type { RunRecord } from '../run-record.js';

/** How many inputs without a run are kept as examples. */
const EXAMPLES = 10;

export class RunBook {
  readonly #runs = new Map<string, RunRecord[]>();
  /** Inputs for which there is no recorded run. */
  unknown = 0;
  readonly examples: unknown[] = [];

  add(run: RunRecord): void {
    const id = idOf(run.key, run.input);
    const others = this.#runs.get(id) ?? [];
    const after = others.findIndex(({ number }) => number > run.number);
    others.splice(after < 0 ? others.length : after, 0, run);
    this.#runs.set(id, others);
  }

  take(key: unknown, input: unknown): RunRecord | undefined {
    const run = this.#runs.get(idOf(key, input))?.shift();
    if (run) return run;
    this.unknown += 1;
    if (this.examples.length < EXAMPLES) this.examples.push(input);
    return undefined;
  }

  /** Runs for which no input has come. */
  get left(): number {
    return [...this.#runs.values()].reduce((sum, runs) => sum + runs.length, 0);
  }
}

/** As JSON has them: that is how they are archived. */
function idOf(key: unknown, input: unknown): string {
  return JSON.stringify([key, input], (_name, value) => (typeof value === 'bigint' ? String(value) : value));
}
