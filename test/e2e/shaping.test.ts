/** Records dealt to other workers in each of the ways that there are arrive once; so do those that wait on their way. */
import { run } from 'millrace';
import t from 'tap';
import dealing, { WAYS } from './jobs/dealing.js';

t.setTimeout(60_000);

const MODULE = { url: new URL('./jobs/dealing.js', import.meta.url).href };
const COUNT = 3_000;

for (const way of WAYS) {
  t.test(way, async (t) => {
    const { collected } = await run(MODULE, dealing, { workers: 2, state: false, params: { way, count: COUNT } });
    const numbers = (collected.all as readonly { n: number }[]).map(({ n }) => n).sort((a, b) => a - b);
    t.same(
      numbers,
      Array.from({ length: COUNT }, (_, n) => n),
    );
  });
}
