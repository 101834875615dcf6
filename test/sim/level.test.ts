/**
 * Random jobs that crash, with keyed state on the `level` backend and a memory of a few keys or none: all that leaves
 * memory comes back, warm or cold, on any number of workers.
 */
import t from 'tap';
import { Checkpointing } from '../../engine/coordinator/checkpointing.js';
import { LevelBackend } from '../../engine/worker/level-backend.js';
import { Subtask } from '../../engine/worker/subtask.js';
import { LevelState } from '../../state/level/level-state.js';
import { checkCrashSeed, type SeedReport } from './check-seed.js';

const SEEDS = 150;
const FIRST = Number(process.env.MILLRACE_SIM_FIRST ?? 50_000);
/** Two or three rows fit, a few dozen, or none beyond the batch at hand. */
const STATE_BYTES = [0, 300, 3_000];

function checkLevelSeed(seed: number): Promise<SeedReport> {
  const stateBytes = STATE_BYTES[seed % STATE_BYTES.length] as number;
  return checkCrashSeed(seed, { settings: { backend: 'level', stateBytes }, checkpointEvery: '4ms' });
}

/** Counts what happens, so that it is known to happen. */
const counts = { warm: 0, cold: 0, none: 0, evicted: 0, loaded: 0, asks: 0, holds: 0 };
const { open } = LevelBackend.prototype;
LevelBackend.prototype.open = async function (this: LevelBackend, ...given) {
  await open.apply(this, given);
  counts[this.recovery] += 1;
};
const { hurry } = Checkpointing.prototype;
Checkpointing.prototype.hurry = function (this: Checkpointing) {
  counts.asks += 1;
  hurry.call(this);
};
const { hold } = Subtask.prototype;
Subtask.prototype.hold = function (this: Subtask, held) {
  counts.holds += 1;
  hold.call(this, held);
};
interface Inside {
  evictAt(slot: number): number;
  load(slot: number, rows: readonly unknown[]): void;
}
const inside = LevelState.prototype as unknown as Inside;
const { evictAt, load } = inside;
inside.evictAt = function (this: Inside, slot) {
  const rows = evictAt.call(this, slot);
  counts.evicted += rows;
  return rows;
};
inside.load = function (this: Inside, slot, rows) {
  counts.loaded += rows.length;
  load.call(this, slot, rows);
};

t.test(`${SEEDS} seeds from ${FIRST}, with crashes, on the level backend`, async (t) => {
  let crashes = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const report = await checkLevelSeed(seed);
    crashes += report.crashes;
    if (report.failure) t.fail(`seed ${seed}: ${report.failure}`);
  }
  t.ok(crashes > SEEDS, `${crashes} crashes`);
  for (const [what, count] of Object.entries(counts)) t.ok(count > 10, `${what}: ${count}`);
});

t.test('the same seed twice gives the same trace', async (t) => {
  for (let seed = 0; seed < 10; seed += 1) {
    const [once, again] = [await checkLevelSeed(seed), await checkLevelSeed(seed)];
    t.same(again, once, `seed ${seed}`);
  }
});
