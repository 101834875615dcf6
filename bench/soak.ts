/**
 * Whether a job that takes a checkpoint five times a second can do so for ever: `npm run bench -- soak [--seconds 600]`.
 *
 * Keys come and go (those of the last hour of event time are live), windows open and close. Sampled every few seconds:
 * files of the state directory, open handles, memory that is not of files, disk. After the first third, which is for
 * warming up, none may grow: the medians of the second and the last third are compared.
 */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from 'millrace';
import churn, { LIVE_BYTES } from './jobs/churn.js';
import { median } from './statistics.js';

const SAMPLES = 60;
/** Growth from the second to the last third that is still noise. */
const GROWTH_MAX = 0.1;
const DISK_MAX = 4;

interface Sample {
  readonly files: number;
  readonly handles: number;
  readonly memoryMb: number;
  readonly diskMb: number;
  readonly perSecond: number;
}

export async function soak(seconds: number): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-soak-'));
  const module = { url: new URL('./jobs/churn.js', import.meta.url).href };
  const handle = run(module, churn, { workers: 2, state: directory, checkpointEvery: '200ms', stateMemoryMb: 16 });
  const samples: Sample[] = [];
  let events = 0;
  for (let at = 0; at < SAMPLES; at += 1) {
    await Promise.race([new Promise((resolve) => setTimeout(resolve, (seconds * 1_000) / SAMPLES)), handle]);
    const metrics = await handle.metrics();
    samples.push(await sample(directory, ((metrics.events - events) * SAMPLES) / seconds));
    events = metrics.events;
    if (at % 10 === 9) console.log(line(samples.at(-1) as Sample, metrics.checkpoint?.count ?? 0));
  }
  await handle.cancel();
  await rm(directory, { recursive: true, force: true });
  return report(samples);
}

async function sample(directory: string, perSecond: number): Promise<Sample> {
  const { files, bytes } = await contents(directory);
  const handles = (await readdir('/proc/self/fd').catch(() => [])).length;
  return { files, handles, memoryMb: await memoryMb(), diskMb: bytes / 2 ** 20, perSecond };
}

/** Memory of the process that no file stands for: LevelDB maps its tables. */
async function memoryMb(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const anonymousKb = /RssAnon:\s+(\d+)/.exec(status)?.[1];
  return anonymousKb === undefined ? process.memoryUsage.rss() / 2 ** 20 : Number(anonymousKb) / 2 ** 10;
}

/** Of a directory that changes meanwhile. */
export async function contents(directory: string): Promise<{ files: number; bytes: number }> {
  let [files, bytes] = [0, 0];
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    const path = join(directory, entry.name);
    const found = entry.isDirectory()
      ? await contents(path)
      : { files: 1, bytes: (await stat(path).catch(() => ({ size: 0 }))).size };
    files += found.files;
    bytes += found.bytes;
  }
  return { files, bytes };
}

function line({ files, handles, memoryMb, diskMb, perSecond }: Sample, checkpoints: number): string {
  return `  ${checkpoints} checkpoints, ${files} files, ${handles} handles, ${memoryMb.toFixed(0)} MiB of memory, ${diskMb.toFixed(0)} MiB of disk, ${(perSecond / 1e3).toFixed(0)} K records/s`;
}

function report(samples: readonly Sample[]): boolean {
  const third = SAMPLES / 3;
  let steady = true;
  for (const what of ['files', 'handles', 'memoryMb', 'diskMb'] as const) {
    const of = (from: number): number => median(samples.slice(from, from + third).map((each) => each[what]));
    const [before, after] = [of(third), of(2 * third)];
    const flat = after <= before * (1 + GROWTH_MAX) + 2;
    console.log(`${what.padEnd(9)} ${before.toFixed(0)} → ${after.toFixed(0)}  ${flat ? 'flat' : 'GROWS'}`);
    steady &&= flat;
  }
  const most = Math.max(...samples.slice(third).map(({ diskMb }) => diskMb)) / (LIVE_BYTES / 2 ** 20);
  console.log(`disk      at most ${most.toFixed(1)} × live state (must: ${DISK_MAX})`);
  return steady && most <= DISK_MAX;
}
