/**
 * Many kills of acting agents: `npm run kill -- --agents [--kills 500] [--seed 1]`. Each run is killed about ten times on its
 * way; every other one has an upstream whose order changes with each recovery.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAgents } from './kill-agents.js';

export async function killSweep(kills: number, firstSeed: number): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-agents-'));
  const total = { kills: 0, rescales: 0, sweeps: 0, runs: 0, askedAgain: 0, failures: 0 };
  for (let seed = firstSeed; total.kills < kills; seed += 1) {
    const report = await killAgents({
      seed,
      kills: Math.min(10, kills - total.kills),
      directory,
      counted: seed % 2 === 0,
    });
    total.kills += report.kills;
    total.rescales += report.rescales;
    total.runs += report.runs;
    total.askedAgain += report.askedAgain;
    total.sweeps += 1;
    total.failures += report.failures.length;
    for (const failure of report.failures)
      console.log(`npm run kill -- --agents --kills 10 --seed ${seed}\n  ${failure}`);
  }
  await rm(directory, { recursive: true, force: true });
  console.log(
    `${total.kills} kills in ${total.sweeps} lives of a job, ${total.rescales} resumes with other workers, ${total.runs} runs: ${total.failures} differences; ${total.askedAgain} prompts were asked again`,
  );
  return total.failures === 0;
}
