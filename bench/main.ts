/**
 * `npm run bench`: in two minutes, a report against what the design asks for, in bench/results. bench/README.md lists the other
 * commands.
 */
import { parseArgs } from 'node:util';
import { compareCommits } from './against.js';
import { agents } from './agents.js';
import { CASES, QUERY_NAMES } from './cases.js';
import { checkpoints } from './checkpoints.js';
import { curvesCommand } from './curves.js';
import { joins } from './joins.js';
import { latency } from './latency.js';
import { level } from './level.js';
import { memory } from './memory.js';
import { micro } from './micro.js';
import { kills } from './nexmark/kills.js';
import { nexmarkCommand } from './nexmark/nexmark.js';
import { operators } from './operators.js';
import { peersCommand } from './peers/compare.js';
import { longReport, measureCases, shortReport } from './report/measure.js';
import { soak } from './soak.js';

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
    small: { type: 'boolean' },
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
if (wanted[0] === 'micro') {
  micro(wanted[1]);
  process.exit(0);
}
if (wanted[0] === 'report') {
  await longReport(process.argv.slice(3));
  process.exit(0);
}
if (wanted.length === 0) {
  await shortReport();
  process.exit(0);
}
const known = [...Object.keys(CASES), ...QUERY_NAMES];
const unknown = wanted.find((name) => !known.includes(name));
if (unknown !== undefined) {
  console.error(
    `there is no benchmark ${unknown}; there are ${known.join(', ')}, report, curves, kills, checkpoints, memory, soak, level, joins, operators, agents, micro, latency, nexmark`,
  );
  process.exit(1);
}
await measureCases(wanted);
