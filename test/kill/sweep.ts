/**
 * Many kills: `npm run kill [-- --kills 200] [--seed 1] [--agents]`. Each run is killed about ten times on its way. With
 * `--agents` it is acting agents that are killed, instead of the flights job.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killSweep } from '../agents/kill-sweep.js';
import { killRun, unkilledRows } from './kill-run.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    agents: { type: 'boolean', default: false },
  },
});

if (values.agents) process.exit((await killSweep(Number(values.kills), Number(values.seed))) ? 0 : 1);

const directory = await mkdtemp(join(tmpdir(), 'millrace-kill-'));
const expected = await unkilledRows(join(directory, 'unkilled'));
const total = { kills: 0, early: 0, rescales: 0, runs: 0, failures: 0 };
for (let seed = Number(values.seed); total.kills < Number(values.kills); seed += 1) {
  const kills = Math.min(10, Number(values.kills) - total.kills);
  const report = await killRun({ seed, kills, directory: join(directory, 'killed'), expected });
  total.kills += report.kills;
  total.early += report.early;
  total.rescales += report.rescales;
  total.runs += 1;
  if (report.failure !== undefined) {
    total.failures += 1;
    console.log(`npm run kill -- --kills 10 --seed ${seed}\n  ${report.failure}`);
  }
}
await rm(directory, { recursive: true, force: true });
console.log(
  `${total.kills} kills in ${total.runs} runs, ${total.early} of them early, ${total.rescales} resumes with other workers: ${total.failures} runs failed`,
);
if (total.failures > 0) process.exitCode = 1;
