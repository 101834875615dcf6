/**
 * Checkpoints of a job that changes its number of workers while files of single ranges are merged: whatever the history, the
 * files of the last checkpoint amount to the rows that there are.
 */
import fc from 'fast-check';
import t from 'tap';
import type { FileRef, StateRange } from '../../checkpoint/manifest.js';
import { mergeRows } from '../../checkpoint/merge.js';
import { newestRows } from '../../checkpoint/newest-rows.js';
import { RowsFileWriter } from '../../checkpoint/rows-file.js';
import { keyGroupsOf } from '../../core/key.js';
import { rangesOf } from '../../engine/coordinator/manifest-parts.js';
import { filesOf } from '../../engine/coordinator/recovery.js';
import { RowsFiles } from '../../testing/harness-snapshot.js';

const GROUPS = 8;

/** Keys are key groups, one key each: put, or removed. */
type Change = readonly [key: number, put: boolean];

type Step =
  | { readonly kind: 'checkpoint'; readonly changes: readonly Change[] }
  | { readonly kind: 'merge'; readonly range: number; readonly from: number; readonly count: number }
  | { readonly kind: 'rescale'; readonly parallelism: number };

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('checkpoint' as const),
        changes: fc.array(fc.tuple(fc.nat(GROUPS - 1), fc.boolean()), { maxLength: 6 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('merge' as const),
        range: fc.nat(3),
        from: fc.nat(4),
        count: fc.integer({ min: 2, max: 4 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('rescale' as const), parallelism: fc.integer({ min: 1, max: 4 }) }),
    },
  ),
  { maxLength: 25 },
);

class History {
  readonly model = new Map<number, number>();
  private readonly files = new RowsFiles();
  private ranges: readonly StateRange[] = [];
  private parallelism = 1;
  private epoch = 0;
  private names = 0;

  async take(step: Step): Promise<void> {
    if (step.kind === 'rescale') this.parallelism = step.parallelism;
    else if (step.kind === 'merge') await this.merge(step);
    else this.checkpoint(step.changes);
  }

  /** As recovery and dumps read it, with so many workers. */
  async rows(workers: number): Promise<Map<number, unknown>> {
    const rows = new Map<number, unknown>();
    for (let worker = 0; worker < workers; worker += 1) {
      const range = keyGroupsOf(worker, workers, GROUPS);
      for await (const row of newestRows(this.files, filesOf(this.ranges, range), range))
        rows.set(row.key as number, row.value);
    }
    return rows;
  }

  private checkpoint(changes: readonly Change[]): void {
    this.epoch += 1;
    const written = Array.from({ length: this.parallelism }, (_, worker) => this.write(changes, worker));
    this.ranges = rangesOf(this.ranges, (worker) => written[worker] as FileRef[], {
      parallelism: this.parallelism,
      maxParallelism: GROUPS,
    });
  }

  private write(changes: readonly Change[], worker: number): FileRef[] {
    const { first, end } = keyGroupsOf(worker, this.parallelism, GROUPS);
    const writer = new RowsFileWriter();
    for (const [key, put] of changes.filter(([key]) => key >= first && key < end)) {
      if (put) writer.of('op').put('table', 'value', key, key, undefined, this.epoch);
      else writer.of('op').remove('table', 'value', key, key, undefined);
      if (put) this.model.set(key, this.epoch);
      else this.model.delete(key);
    }
    if (writer.rows === 0) return [];
    return [{ ...this.files.write(this.name(), writer.finish()), epoch: this.epoch }];
  }

  private async merge({ range: at, from, count }: Extract<Step, { kind: 'merge' }>): Promise<void> {
    const range = this.ranges[at % Math.max(1, this.ranges.length)];
    if (!range) return;
    const inputs = range.files.slice(from, from + count);
    if (inputs.length < 2) return;
    const task = { name: this.name(), files: inputs, range, keepsRemoved: from > 0 };
    const output = await mergeRows(this.files, task, this.files);
    const files = [...range.files.slice(0, from), output, ...range.files.slice(from + inputs.length)];
    this.ranges = this.ranges.map((each) => (each === range ? { ...range, files } : each));
  }

  private name(): string {
    this.names += 1;
    return String(this.names);
  }
}

t.test('merges and changes of the number of workers, in any order', async (t) => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), async (all, workers) => {
      const history = new History();
      for (const step of all) await history.take(step);
      t.same(await history.rows(workers), history.model);
    }),
    { numRuns: 2_000 },
  );
});

t.test('a row that was removed stays so when ranges come together again', async (t) => {
  const history = new History();
  await history.take({ kind: 'checkpoint', changes: [[0, true]] });
  await history.take({ kind: 'rescale', parallelism: 2 });
  await history.take({ kind: 'checkpoint', changes: [[0, true]] });
  await history.take({ kind: 'merge', range: 0, from: 0, count: 2 });
  await history.take({ kind: 'checkpoint', changes: [[0, false]] });
  t.same(await history.rows(1), new Map());
});
