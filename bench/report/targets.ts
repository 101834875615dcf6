/**
 * What the design asks of speed, and what a report has measured of it. A target whose measurement was not part of the run says by
 * which command it is had.
 */
import { geometricMean } from '../statistics.js';
import type { PeersRun, Report } from './report.js';

export interface Target {
  readonly area: string;
  readonly must: string;
  readonly aim: string;
  /** Measures it alone. Absent: there is nothing yet that could. */
  readonly command?: string;
  /** Why there is no command. */
  readonly lacking?: string;
  readonly measured: (report: Report) => Measured | undefined;
}

export interface Measured {
  readonly text: string;
  /** Absent: the text is for the reader to judge. */
  readonly met?: boolean;
}

const nexmark = (rest: string): string => `npm run bench -- nexmark ${rest}`;

export const TARGETS: readonly Target[] = [
  {
    area: 'Nexmark vs Flink SQL, warm, heap state: geomean · worst query',
    must: '3× · 1.5×',
    aim: '6× · 2×',
    command: nexmark('--peers flink-sql'),
    measured: ({ peers }) => ratios(peers, 'sql-heap', 'warm', 3, 1.5),
  },
  {
    area: 'the same on RocksDB, ours in LevelDB',
    must: '6× · 2×',
    aim: '15× · 4×',
    command: nexmark('--peers flink-sql --state level'),
    measured: ({ peers }) => ratios(peers, 'sql-rocksdb', 'warm', 6, 2),
  },
  {
    area: 'the same from process start, 1 M events',
    must: '10×',
    aim: '20×',
    command: nexmark('--peers flink-sql --events 1000000'),
    measured: ({ peers }) => ratios(peers, 'sql-start', 'cold', 10),
  },
  {
    area: 'Nexmark vs Flink by hand, warm, heap, net of generators: geomean · worst',
    must: '1.5× · 1×',
    aim: '3× · 1.5×',
    command: nexmark('--peers flink-datastream'),
    measured: ({ peers }) => ratios(peers, 'hand-heap', 'warmNet', 1.5, 1),
  },
  {
    area: 'the same on RocksDB, ours in LevelDB',
    must: '3×',
    aim: '8×',
    command: nexmark('--peers flink-datastream --state level'),
    measured: ({ peers }) => ratios(peers, 'hand-rocksdb', 'warmNet', 3),
  },
  {
    area: 'stateless fused chain, three user functions',
    must: '6 M/s',
    aim: '15 M/s',
    command: 'npm run bench -- stateless',
    measured: (report) => rate(report, 'stateless', 6e6),
  },
  {
    area: 'keyed running sum, 100 K number keys, generator included',
    must: '5 M/s',
    aim: '12 M/s',
    command: 'npm run bench -- keyed-sum',
    measured: (report) => rate(report, 'keyed-sum', 5e6),
  },
  {
    area: 'sliding window; loss from a ratio of 10 to 600',
    must: '2 M/s; ≤ 10 %',
    aim: '5 M/s; ≤ 2 %',
    command: 'npm run bench -- curves window ratio',
    measured: (report) => {
      const found = report.rates.find(({ name }) => name === 'sliding-10');
      const pair = pairOf(report, 'sliding-600');
      if (!found || !pair) return undefined;
      const loss = 1 - pair.perCpuSecond.median;
      return {
        text: `${millions(found.warm.median)}/s; ${percent(loss)}`,
        met: found.warm.median >= 2e6 && loss <= 0.1,
      };
    },
  },
  {
    area: 'joins, top n, deduplication (q3, q4, q9, q18–q20): the slowest',
    must: '400 K/s',
    aim: '1 M/s',
    command: nexmark('q3 q4 q9 q18 q19 q20'),
    measured: ({ rates }) => {
      const names = ['q3', 'q4', 'q9', 'q18', 'q19', 'q20'];
      const found = rates.filter(({ name }) => names.includes(name));
      if (found.length < names.length) return undefined;
      const slowest = found.reduce((least, one) => (one.warm.median < least.warm.median ? one : least));
      return { text: `${millions(slowest.warm.median)}/s (${slowest.name})`, met: slowest.warm.median >= 4e5 };
    },
  },
  {
    area: 'state 10× larger than the cache, vs Flink on RocksDB',
    must: '2×',
    aim: '5×',
    lacking: 'no peer runs it; ours alone: npm run bench -- level larger',
    measured: () => undefined,
  },
  {
    area: 'Kafka → count → Kafka, exactly once',
    must: '0.5 M/s',
    aim: 'client-bound',
    lacking: 'there is no Kafka connector',
    measured: () => undefined,
  },
  {
    area: 'repartition between a pair of workers (6 fields, 2 strings)',
    must: '5 M/s',
    aim: '10 M/s',
    command: 'npm run bench -- exchange',
    measured: ({ rates }) => {
      const found = rates.find(({ name }) => name === 'exchange');
      return found && { text: `${millions(found.clock.median)}/s by the clock`, met: found.clock.median >= 5e6 };
    },
  },
  {
    area: 'latency in process at half load: p99 · p99.9',
    must: '2 · 5 ms',
    aim: '0.5 · 1 ms',
    command: 'npm run bench -- latency',
    measured: (report) => lines(report, 'latency', /^latency/),
  },
  {
    area: 'checkpoint: pause · duration p99',
    must: '5 ms · 300 ms',
    aim: '1 ms · 100 ms',
    command: 'npm run bench -- checkpoints',
    measured: (report) => lines(report, 'checkpoints', /^(pause|duration)/),
  },
  {
    area: 'throughput lost to a checkpoint a second: 20 K rows changed (200 K)',
    must: '3 % (10 %)',
    aim: '1 % (5 %)',
    command: 'npm run bench -- report',
    measured: (report) => {
      const [few, many] = [pairOf(report, 'sums-20k-level'), pairOf(report, 'sums-200k-level')];
      if (!few) return undefined;
      const [lost, lostOfMany] = [1 - few.perCpuSecond.median, many ? 1 - many.perCpuSecond.median : undefined];
      return {
        text: `${percent(lost)} (${lostOfMany === undefined ? 'not measured in this run' : percent(lostOfMany)})`,
        met: lost <= 0.03 && (lostOfMany ?? 0) <= 0.1,
      };
    },
  },
  {
    area: 'recovery of 1 GB of state, warm · cold',
    must: '1 s · 5 s',
    aim: '250 ms · 2 s',
    command: 'npm run bench -- level recovery',
    measured: (report) => lines(report, 'level recovery', /s,.*CPU-s/),
  },
  {
    area: '2 workers vs 1, source in two splits',
    must: '1.8×',
    aim: '1.95×',
    command: 'npm run bench -- curves workers',
    measured: (report) => {
      const pair = pairOf(report, 'sums-2-workers');
      return pair && { text: `${pair.perSecond.median.toFixed(2)}×`, met: pair.perSecond.median >= 1.8 };
    },
  },
  {
    area: 'import and start of an empty job: time, memory',
    must: '300 ms, 256 MiB',
    aim: '120 ms, 128 MiB',
    command: 'npm run bench',
    measured: ({ start }) =>
      start && {
        text: `${Math.round(start.startMs)} ms, ${Math.round(start.rssMb)} MiB`,
        met: start.startMs <= 300 && start.rssMb <= 256,
      },
  },
  {
    area: 'memory under back-pressure',
    must: 'flat',
    aim: 'flat',
    command: 'npm run bench -- memory --seconds 600',
    measured: (report) => lines(report, 'memory', /flat/i),
  },
];

function rate({ rates }: Report, name: string, must: number): Measured | undefined {
  const found = rates.find((each) => each.name === name);
  return found && { text: `${millions(found.warm.median)}/s of CPU`, met: found.warm.median >= must };
}

function pairOf({ pairs }: Report, name: string) {
  return pairs.find((pair) => pair.name === name);
}

/** What a command of its own has printed of it. */
function lines({ said }: Report, command: string, wanted: RegExp): Measured | undefined {
  const found = said.find((one) => one.command === command);
  const those = found?.text.split('\n').filter((line) => wanted.test(line.trim()));
  return those && those.length > 0
    ? { text: those.map((line) => line.trim().replace(/ {2,}/g, ' ')).join('; ') }
    : undefined;
}

function ratios(
  peers: readonly PeersRun[],
  name: PeersRun['name'],
  part: 'warm' | 'warmNet' | 'cold',
  must: number,
  mustOfWorst = 0,
): Measured | undefined {
  const found = peers.find((run) => run.name === name)?.comparisons ?? [];
  const usable = found.filter(({ ratio }) => ratio[part].median > 0 && Number.isFinite(ratio[part].median));
  if (usable.length === 0) return undefined;
  const mean = geometricMean(usable.map(({ ratio }) => ratio[part].median));
  const worst = usable.reduce((least, one) => (one.ratio[part].median < least.ratio[part].median ? one : least));
  const left = found.length - usable.length;
  const text = `${mean.toFixed(1)}× · ${worst.ratio[part].median.toFixed(1)}× (${worst.query})${left > 0 ? `, ${left} with nothing left net` : ''}`;
  return { text, met: mean >= must && worst.ratio[part].median >= mustOfWorst };
}

export const millions = (rate: number): string => `${(rate / 1e6).toFixed(2)} M`;
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
