/**
 * One run of an endless job of bench/cases.ts, in a process of its own: `node dist/bench/case-run.js keyed-sum --ms 3000` prints a
 * line of JSON. `--case` takes a case as JSON that has no name, for curves.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type JobDefinition, type RunOptions, run } from 'millrace';
import { CASES, type Case } from './cases.js';
import { clockAt } from './peers/clocked-source.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ms: { type: 'string', default: '3000' },
    case: { type: 'string' },
    fill: { type: 'string', default: '0' },
  },
});
const [ms, fill] = [Number(values.ms), Number(values.fill)];
const name = positionals[0] ?? '';
const what = values.case === undefined ? CASES[name] : (JSON.parse(values.case) as Case);
if (!what) throw new TypeError(`there is no case ${name}`);
console.log(JSON.stringify({ query: name, ...(await measured(what)) }));
process.exit(0);

async function measured({ job, export: member = 'default', workers, params, state, warmUp = 1 }: Case) {
  const url = new URL(`./jobs/${job}.js`, import.meta.url);
  const definition = ((await import(url.href)) as Record<string, JobDefinition<never, object>>)[member];
  const directory = state && (await mkdtemp(join(tmpdir(), 'millrace-bench-')));
  const options = {
    workers,
    ...(params && { params }),
    state: directory ?? false,
    ...(state && { backend: state.backend, checkpointEvery: state.checkpointEvery }),
    ...(state?.memoryMb !== undefined && { stateMemoryMb: state.memoryMb }),
  } as RunOptions<object>;
  const handle = run({ url: url.href }, definition as JobDefinition<never, object>, options);
  const clock = async () => clockAt((await handle.metrics()).events);
  // A busy machine may take longer to start it than to warm it up.
  while ((await handle.metrics()).events === 0) await Promise.race([pause(20), handle]);
  await Promise.race([pause(ms * warmUp), handle]);
  // State is as large as it gets when every key has come.
  while ((await handle.metrics()).events < fill) await Promise.race([pause(100), handle]);
  const before = await clock();
  await Promise.race([pause(ms), handle]);
  const after = await clock();
  const rssMb = process.memoryUsage.rss() / 2 ** 20;
  await handle.cancel();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  const warm = {
    events: after.events - before.events,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    wallSeconds: after.wallSeconds - before.wallSeconds,
  };
  return { rssMb, warm, cold: { events: after.events, cpuSeconds: after.cpuSeconds } };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
