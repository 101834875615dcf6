/**
 * Many seeds, on all cores: `npm run sim [-- --crashes] [--seeds 4000] [--from 0] [--jobs 2] | [--seed 123]`. With
 * `--crashes` the process dies on its way, and goes on with other workers.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { checkCrashSeed, checkSeed, type SeedReport } from './check-seed.js';

const { values } = parseArgs({
  options: {
    crashes: { type: 'boolean', default: false },
    seed: { type: 'string' },
    seeds: { type: 'string', default: '4000' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    /** Of a child process: which of the jobs it is. */
    share: { type: 'string' },
  },
});

const check = values.crashes ? checkCrashSeed : checkSeed;
const repeat = `npm run sim -- ${values.crashes ? '--crashes ' : ''}--seed`;
const jobs = Number(values.jobs);
const from = Number(values.from);
const to = from + Number(values.seeds);

async function sweep(first: number, step: number, report: (report: SeedReport) => void): Promise<void> {
  for (let seed = first; seed < to; seed += step) report(await check(seed));
}

async function parent(): Promise<void> {
  const startedAt = performance.now();
  let failures = 0;
  let actions = 0;
  let recovered = 0;
  const children = Array.from({ length: jobs }, (_, share) => {
    const child = fork(new URL(import.meta.url), [...process.argv.slice(2), '--share', String(share)]);
    child.on('message', ({ seed, failure, actions: done, crashes, epoch }: SeedReport) => {
      actions += done;
      if (crashes > 0 && epoch >= 3) recovered += 1;
      if (failure === undefined) return;
      failures += 1;
      console.log(`${repeat} ${seed}\n  ${failure}`);
    });
    return new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
  });
  const codes = await Promise.all(children);
  const minutes = (performance.now() - startedAt) / 60_000;
  const rate = Math.round(Number(values.seeds) / minutes);
  console.log(
    `${values.seeds} seeds, ${actions} actions, ${failures} failed; ${rate} seeds a minute on ${jobs} processes`,
  );
  if (values.crashes) console.log(`${recovered} of them had a recovery and at least three checkpoints`);
  if (failures > 0 || codes.some((code) => code !== 0)) process.exitCode = 1;
}

if (values.seed !== undefined) {
  const report = await check(Number(values.seed));
  console.log(report);
  if (report.failure) process.exitCode = 1;
} else if (values.share !== undefined) {
  await sweep(from + Number(values.share), jobs, (report) => void process.send?.(report));
  process.disconnect();
} else await parent();
