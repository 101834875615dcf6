/** `npm run bench -- joins`: how many records, of both inputs, joins take. `npm run bench -- joins window`: some of them. */
import { intervalJoin, outerIntervalJoin, temporalJoin, windowJoin } from './jobs/joins.js';
import { steady } from './steady.js';

const MODULE = new URL('./jobs/joins.js', import.meta.url);
/** Records a CPU-second. */
const MUST = 1e6;

const JOINS = [
  { job: intervalJoin, what: 'within 10 s, a match for each record' },
  { job: outerIntervalJoin, what: 'the same, full outer' },
  { job: windowJoin, what: 'tumbling 10 s, a match for every tenth record' },
  { job: temporalJoin, what: 'a record for each version' },
];

/** Those whose names have `part` in them; whether all take what they must. */
export async function joins(part = ''): Promise<boolean> {
  let enough = true;
  console.log(`${'join'.padEnd(22)}${'records/s'.padStart(10)}${'a CPU-s'.padStart(10)}${'spread'.padStart(8)}`);
  for (const { job, what } of JOINS.filter(({ job }) => job.name.includes(part))) {
    const { perSecond, perCpuSecond, spread } = await steady(MODULE, job, { workers: 1, warmUpMs: 5_000 });
    const rates = [perSecond, perCpuSecond].map((rate) => `${(rate / 1e6).toFixed(2)} M`.padStart(10));
    console.log(`${job.name.padEnd(22)}${rates.join('')}${`±${Math.round(spread * 100)} %`.padStart(8)}  ${what}`);
    enough &&= perCpuSecond >= MUST;
  }
  return enough;
}
