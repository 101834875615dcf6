/**
 * Sources that wait for one another: how far apart they come, that nothing is lost or waits for ever, what is refused.
 */
import { collect, explain, fromIterable, generate, job, run } from 'millrace';
import { simulate } from 'millrace/testing';
import t from 'tap';

const BATCH = 16;

/** Two sources of which one is ten times as dense as the other; notes how far each is ahead of the other as it is read. */
function apart(align: { group: string; maxDrift: number } | undefined, seen: { fast: number; slow: number }) {
  const at = { dense: -1, sparse: -1 };
  return job('apart', (j) => {
    const [dense, sparse] = (['dense', 'sparse'] as const).map((name) => {
      const step = name === 'dense' ? 1 : 10;
      return j
        .from(name, generate({ count: 10_000 / step, splits: 2, make: (n) => ({ at: n * step }) }))
        .eventTime((event) => event.at, align ? { align } : {})
        .tap((event) => {
          at[name] = Math.max(at[name], event.at);
          if (at.dense < 0 || at.sparse < 0) return;
          seen.fast = Math.max(seen.fast, at.sparse - at.dense);
          seen.slow = Math.max(seen.slow, at.dense - at.sparse);
        });
    });
    return dense?.union(sparse as typeof dense).to('out', collect());
  });
}

t.test('aligned sources stay as near to one another as they are told, but for a batch', async (t) => {
  for (let seed = 0; seed < 20; seed += 1) {
    const options = { seed, workers: 1 + (seed % 3), settings: { batchRecords: BATCH } };
    const seen = { fast: 0, slow: 0 };
    const { results } = await simulate(apart({ group: 'both', maxDrift: 500 }, seen), options);
    t.equal(results.length, 11_000);
    // A split's share is every other event.
    t.ok(seen.fast <= 500 + 3 * BATCH * 10 * 2, `sparse ahead by ${seen.fast}, seed ${seed}`);
    t.ok(seen.slow <= 500 + 3 * BATCH * 10 * 2, `dense ahead by ${seen.slow}, seed ${seed}`);
  }
  const seen = { fast: 0, slow: 0 };
  await simulate(apart(undefined, seen), { seed: 1, workers: 1, settings: { batchRecords: BATCH } });
  t.ok(seen.fast > 3_000, `not aligned, sparse runs ahead: by ${seen.fast}`);
});

t.test('a source that has ended, or is idle, holds nobody back; one that is held back is not idle', async (t) => {
  const align = { group: 'all', maxDrift: 10 };
  const waits = job('waits', (j) => {
    const quiet = j
      .from('quiet', generate({ count: 3, rate: 1, make: (n) => ({ at: n * 1_000 }) }))
      .eventTime((event) => event.at, { align, idleAfter: '100ms' });
    const short = j.from('short', fromIterable([{ at: 0 }])).eventTime((event) => event.at, { align });
    const long = j
      .from('long', fromIterable(Array.from({ length: 300 }, (_, n) => ({ at: n * 10 }))))
      .eventTime((event) => event.at, { align, idleAfter: '1ms' });
    return quiet.union(short, long).to('out', collect());
  });
  for (let seed = 0; seed < 20; seed += 1) {
    const { results } = await simulate(waits, { seed, workers: 2, settings: { batchRecords: 4 } });
    t.equal(results.length, 304, `seed ${seed}`);
  }
});

t.test('it runs inline, and plans show it', async (t) => {
  const seen = { fast: 0, slow: 0 };
  const aligned = apart({ group: 'both', maxDrift: 500 }, seen);
  const { results } = await run(aligned);
  t.equal(results.length, 11_000);
  t.match(String(explain(aligned)), /at most 500 ms ahead of the slowest of both/);
});

t.test('only splits can be aligned, in a group with a name', (t) => {
  const planned = (middle: boolean, group: string) => () =>
    explain(
      job('planned', (j) => {
        const source = j.from('events', fromIterable([{ at: 1 }]));
        (middle ? source.map((event) => event) : source)
          .eventTime((event) => event.at, { align: { group, maxDrift: '1s' } })
          .to('out', collect());
      }),
    );
  t.throws(planned(true, 'g'), { code: 'MILL_OPTION_INVALID', hint: /directly after j.from/ });
  t.throws(planned(false, ''), { code: 'MILL_OPTION_INVALID' });
  t.doesNotThrow(planned(false, 'g'));
  t.end();
});
