/**
 * Random jobs under random schedules equal their models; the same seed is the same run. The long sweep is
 * `npm run sim`, which also repeats a seed: `npm run sim -- --seed 123`.
 */
import t from 'tap';
import { checkSeed } from './check-seed.js';

const SEEDS = 400;
const FIRST = Number(process.env.MILLRACE_SIM_FIRST ?? 10_000);

t.test(`${SEEDS} seeds from ${FIRST}`, async (t) => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const { failure } = await checkSeed(seed);
    if (failure) t.fail(`npm run sim -- --seed ${seed}: ${failure}`);
  }
  t.pass('all equal their models');
});

t.test('the same seed twice gives the same trace', async (t) => {
  for (let seed = 0; seed < 40; seed += 1) {
    const [once, again] = [await checkSeed(seed), await checkSeed(seed)];
    t.same(again, once, `seed ${seed}`);
  }
});
