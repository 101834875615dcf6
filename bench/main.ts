/**
 * `npm run bench`: the engine's basic rates, through the public API. `npm run bench -- keyed-sum` runs one of them.
 * `-- nexmark` runs that benchmark's queries, with `--peers` beside Flink.
 * `-- latency` says how long records take at fixed rates. `-- operators` gives the cost of each operator by itself, `-- agents` that of agents. `-- checkpoints` measures what checkpoints cost, `-- level` state on disk. `-- memory` and `-- soak` watch memory, files
 * and disk, for two minutes a job and for ten minutes, or as many seconds as `--seconds` says.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { compareCommits } from './against.js';
import { agents } from './agents.js';
import { checkpoints } from './checkpoints.js';
import { curvesCommand } from './curves.js';
import exchange from './jobs/exchange.js';
import flights from './jobs/flights.js';
import keyedSum from './jobs/keyed-sum.js';
import stateless from './jobs/stateless.js';
import { joins } from './joins.js';
import { latency } from './latency.js';
import { level } from './level.js';
import { memory } from './memory.js';
import { kills } from './nexmark/kills.js';
import { nexmarkCommand } from './nexmark/nexmark.js';
import { operators } from './operators.js';
import { peersCommand } from './peers/compare.js';
import { soak } from './soak.js';
import { type Measurement, steady } from './steady.js';

interface Bench {
  readonly what: string;
  /** What the design asks for, in records a second of `unit`. */
  readonly must: number;
  readonly unit: 'perSecond' | 'perCpuSecond';
  measure(): Promise<Measurement>;
}

const jobModule = (name: string): URL => new URL(`./jobs/${name}.js`, import.meta.url);

const BENCHES: Readonly<Record<string, Bench>> = {
  stateless: {
    what: 'map, filter, map in one chain, 1 worker',
    must: 6e6,
    unit: 'perSecond',
    measure: () => steady(jobModule('stateless'), stateless, { workers: 1 }),
  },
  'keyed-sum': {
    what: 'running sum, 100 K number keys, 1 worker',
    must: 5e6,
    unit: 'perSecond',
    measure: () => steady(jobModule('keyed-sum'), keyedSum, { workers: 1 }),
  },
  exchange: {
    what: 'objects from worker to worker, 6 fields',
    must: 5e6,
    unit: 'perSecond',
    measure: () => steady(jobModule('exchange'), exchange, { workers: 2 }),
  },
  'flights-engine': {
    what: 'the flights job without parsing, 1 worker',
    must: 5e5,
    unit: 'perCpuSecond',
    measure: () => steady(jobModule('flights'), flights, { workers: 1, warmUpMs: 8_000 }),
  },
};

if (process.argv[2] === 'nexmark') {
  const args = process.argv.slice(3);
  const command = args.some((argument) => /^--peers(=|$)/.test(argument)) ? peersCommand : nexmarkCommand;
  process.exit((await command(args)) ? 0 : 1);
}
if (process.argv[2] === 'curves') process.exit((await curvesCommand(process.argv.slice(3))) ? 0 : 1);
if (process.argv[2] === 'kills') process.exit((await kills(process.argv.slice(3))) ? 0 : 1);
if (process.argv[2] === 'latency') {
  await latency(process.argv.slice(3));
  process.exit(0);
}
const { positionals: wanted, values: flags } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string' },
    compare: { type: 'string' },
    pairs: { type: 'string', default: '5' },
    ms: { type: 'string', default: '3000' },
    events: { type: 'string', default: '2000000' },
  },
});
if (flags.compare !== undefined) {
  const howLong = { ms: Number(flags.ms), events: Number(flags.events) };
  process.exit((await compareCommits(flags.compare, wanted, Number(flags.pairs), howLong)) ? 0 : 1);
}
if (wanted[0] === 'memory') process.exit((await memory(Number(flags.seconds ?? 120), wanted.slice(1))) ? 0 : 1);
if (wanted[0] === 'soak') process.exit((await soak(Number(flags.seconds ?? 600))) ? 0 : 1);
if (wanted[0] === 'level') {
  await level(wanted.slice(1));
  process.exit(0);
}
if (wanted[0] === 'operators') {
  operators(wanted[1]);
  process.exit(0);
}
if (wanted[0] === 'agents') {
  await agents();
  process.exit(0);
}
if (wanted[0] === 'joins') process.exit((await joins(wanted[1])) ? 0 : 1);
if (wanted.includes('checkpoints')) process.exit((await checkpoints()) ? 0 : 1);
const unknown = wanted.find((name) => !(name in BENCHES));
if (unknown !== undefined) {
  console.error(
    `there is no benchmark ${unknown}; there are ${Object.keys(BENCHES).join(', ')}, checkpoints, memory, soak, level, joins, operators, agents, latency, nexmark`,
  );
  process.exit(1);
}
const millions = (rate: number): string => `${(rate / 1e6).toFixed(2)} M`.padStart(9);
console.log(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim()})\n`);
console.log(
  `${'benchmark'.padEnd(16)}${'records/s'.padStart(10)}${'a CPU-s'.padStart(10)}${'spread'.padStart(8)}${'must'.padStart(9)}`,
);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const result = await bench.measure();
  const row = [
    millions(result.perSecond),
    millions(result.perCpuSecond),
    `±${Math.round(result.spread * 100)} %`.padStart(7),
    millions(bench.must),
  ];
  const ratio = result[bench.unit] / bench.must;
  console.log(`${name.padEnd(16)} ${row.join(' ')}  ${ratio.toFixed(1)}×  ${bench.what}`);
}
