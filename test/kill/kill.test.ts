/**
 * `kill -9`, for real: the long sweep is `npm run kill`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { killRun, unkilledRows } from './kill-run.js';

t.test('ten kills neither lose nor double a row, nor withdraw one', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-kill-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const expected = await unkilledRows(join(directory, 'unkilled'));
  t.equal(expected.hourly.length, 19_486);
  const report = await killRun({ seed: 1, kills: 10, directory: join(directory, 'killed'), expected });
  t.equal(report.failure, undefined);
  t.ok(report.kills >= 8, `${report.kills} kills`);
  t.ok(report.early > 0, `${report.early} of them early`);
  t.ok(report.rescales > 0, `${report.rescales} resumes with another number of workers`);
});
