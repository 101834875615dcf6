/**
 * Many kills of acting agents: `npm run kill -- --agents [--kills 500] [--seed 1]`. Each run is killed about ten times on its
 * way; every other one has an upstream whose order changes with each recovery.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAgents } from './kill-agents.js';

/** Lives at a time: most of one is waiting for processes to start, and for acts to be answered. */
const AT_ONCE = 3;

export async function killSweep(kills: number, firstSeed: number): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-agents-'));
  const total = { kills: 0, rescales: 0, sweeps: 0, runs: 0, askedAgain: 0, failures: 0 };
  let next = firstSeed;
  /** Kills that lives under way may yet make. */
  let planned = 0;
  const sweepOn = async (): Promise<void> => {
    while (total.kills + planned < kills) {
      const [seed, most] = [next, Math.min(10, kills - total.kills - planned)];
      next += 1;
      planned += most;
      const options = { seed, kills: most, directory: join(directory, String(seed)), counted: seed % 2 === 0 };
      const report = await killAgents(options);
      planned -= most;
      total.kills += report.kills;
      total.rescales += report.rescales;
      total.runs += report.runs;
      total.askedAgain += report.askedAgain;
      total.sweeps += 1;
      total.failures += report.failures.length;
      for (const failure of report.failures)
        console.log(`npm run kill -- --agents --kills 10 --seed ${seed}\n  ${failure}`);
    }
  };
  // Whoever finds nothing left may have come too early: a life may end with fewer kills than it was to have.
  while (total.kills < kills) await Promise.all(Array.from({ length: AT_ONCE }, sweepOn));
  await rm(directory, { recursive: true, force: true });
  console.log(
    `${total.kills} kills in ${total.sweeps} lives of a job, ${total.rescales} resumes with other workers, ${total.runs} runs: ${total.failures} differences; ${total.askedAgain} prompts were asked again`,
  );
  return total.failures === 0;
}
