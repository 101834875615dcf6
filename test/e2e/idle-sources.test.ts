/** The watermark of a job whose other sources have nothing to read, or give no times. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { callback, files, fromIterable, job, ndjson, run } from 'millrace';
import t from 'tap';
import { until } from './until.js';

interface Timed {
  readonly at: number;
}

t.test('an idle source does not hide how far the others have come', async (t) => {
  const directory = t.testdir();
  for (const name of ['letters', 'decided', 'log']) mkdirSync(join(directory, name));
  const follow = { follow: { every: 10 } };
  const timed = files(join(directory, 'letters', '*.ndjson'), ndjson<Timed>(), follow);
  const untimed = files(join(directory, 'decided', '*.ndjson'), ndjson<Timed>(), follow);
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  async function* inputs() {
    yield { at: 5_000 };
    await opened;
  }
  const handle = run(
    job('idle', (j) => {
      j.from('inputs', fromIterable(inputs))
        .eventTime(({ at }) => at)
        .to(
          'a',
          callback(() => {}),
        );
      j.from('letters', timed)
        .eventTime(({ at }) => at)
        .to(
          'b',
          callback(() => {}),
        );
      j.from('decided', untimed).to(
        'c',
        callback(() => {}),
      );
    }),
  );
  await until(async () => (await handle.metrics()).watermark !== undefined);
  t.equal((await handle.metrics()).watermark, 4_999);
  open();
  await handle.stop();
});
