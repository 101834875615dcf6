/**
 * Random jobs that die at random, lose what was not synced, and go on with another number of workers: their committed
 * files equal their models. The long sweep is `npm run sim -- --crashes`.
 */
import t from 'tap';
import { checkCrashSeed } from './check-seed.js';

const SEEDS = 300;
const FIRST = Number(process.env.MILLRACE_SIM_FIRST ?? 20_000);

t.test(`${SEEDS} seeds from ${FIRST}`, async (t) => {
  let recovered = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const { failure, crashes, epoch } = await checkCrashSeed(seed);
    if (failure) t.fail(`npm run sim -- --crashes --seed ${seed}: ${failure}`);
    if (crashes > 0 && epoch >= 3) recovered += 1;
  }
  t.ok(recovered > SEEDS / 2, `${recovered} had a recovery and at least three checkpoints`);
});

t.test('the same seed twice gives the same trace', async (t) => {
  for (let seed = 0; seed < 24; seed += 1) {
    const [once, again] = [await checkCrashSeed(seed), await checkCrashSeed(seed)];
    t.same(again, once, `seed ${seed}`);
  }
});
