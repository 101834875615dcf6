/**
 * Who can be compared: how each is built, started, and what it is able to run. Every run is a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QUERIES } from '../nexmark/queries.js';
import { KEYED_SUMS } from './ours-job.js';
import { STATELESS } from './stateless-queries.js';

/** Of the sources, not of what is compiled. */
const PROJECT = fileURLToPath(new URL('../../../bench/peers/', import.meta.url));
const TARGET = join(PROJECT, 'target');
/** Written after a build: younger than its sources, as no output of Maven's is that has not changed. */
const BUILT = join(TARGET, 'built');
const JAVA_LEAST = 17;

/** G1, which Java takes by itself, is slower throughout. Flink's own start scripts open the packages. */
const JVM = [
  '-XX:+UseParallelGC',
  '-Xms4g',
  '-Xmx8g',
  ...['java.util', 'java.lang', 'java.nio', 'sun.nio.ch'].map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
];

export interface RunSettings {
  readonly events: number;
  readonly rate: number;
  /** Workers of ours, parallelism of the peer. */
  readonly workers: number;
  readonly state: 'memory' | 'level';
  /** The peer's. */
  readonly miniBatch: boolean;
  readonly checkpointMs: number;
}

export interface Contestant {
  readonly name: string;
  readonly queries: readonly string[];
  /** So many that two thirds of a run are warm: with fewer, much of what is measured is the compiler. */
  readonly events: number;
  command(arguments_: readonly string[], settings: RunSettings): readonly string[];
  /** Builds what it needs, once. What is missing, if something is. */
  prepare(): string | undefined;
  /** What to ask for to have only the events made. */
  generator(query: string): readonly string[];
}

const common = ({ events, rate }: RunSettings): string[] => ['--events', `${events}`, '--rate', `${rate}`];

const isSum = (query: string): boolean => query in KEYED_SUMS;

const script = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

export const OURS: Contestant = {
  name: 'millrace',
  queries: [...Object.keys(QUERIES), ...Object.keys(KEYED_SUMS)],
  events: 6_000_000,
  command: (arguments_, settings) => [
    process.execPath,
    script('ours'),
    ...arguments_,
    ...common(settings),
    ...['--workers', `${settings.workers}`, '--state', settings.state],
  ],
  prepare: () => undefined,
  generator: (query) => ['generator', query],
};

/** A library of Node's, which has the events from our generator. */
const ofNode = (name: string, queries: readonly string[]): Contestant => ({
  ...OURS,
  name,
  queries,
  command: (arguments_, settings) =>
    arguments_[0] === 'generator'
      ? OURS.command(arguments_, settings)
      : [process.execPath, script(name), ...arguments_, ...common(settings)],
});

/** The peer of that name, by the program's name for it; its events as the program's generator makes them. */
const flink = (peer: string, rest: Pick<Contestant, 'name' | 'queries' | 'events'>, made: string): Contestant => ({
  ...rest,
  command: ([what, ...rest], settings) => [
    'java',
    ...JVM,
    ...['-cp', [join(TARGET, 'classes'), join(TARGET, 'lib', '*')].join(delimiter), 'millrace.peers.Main'],
    ...(what === 'generator' ? ['generator'] : [peer, what as string]),
    ...rest,
    ...common(settings),
    ...['--parallelism', `${settings.workers}`, '--state', settings.state === 'level' ? 'rocksdb' : 'heap'],
    ...(settings.miniBatch ? ['--mini-batch'] : []),
    ...['--checkpoint-ms', `${settings.checkpointMs}`],
  ],
  prepare: prepareFlink,
  generator: (query) => ['generator', isSum(query) ? query : made],
});

const BY_HAND = ['q0', 'q1', 'q4', 'q5', 'q8', 'q11', ...Object.keys(KEYED_SUMS)];

export const PEERS: readonly Contestant[] = [
  flink('sql', { name: 'flink-sql', queries: Object.keys(QUERIES), events: 8_000_000 }, 'rows'),
  flink('datastream', { name: 'flink-datastream', queries: BY_HAND, events: 12_000_000 }, 'objects'),
  ofNode('node-streams', Object.keys(STATELESS)),
  ofNode('rxjs', [...Object.keys(STATELESS), ...Object.keys(KEYED_SUMS)]),
];

function prepareFlink(): string | undefined {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const version = Number(/version "(\d+)/.exec(java.stderr ?? '')?.[1]);
  if (!(version >= JAVA_LEAST)) return `Java ${JAVA_LEAST} or newer (there is ${version || 'none'})`;
  if (isBuilt()) return undefined;
  if (spawnSync('mvn', ['-version']).status !== 0) return 'Maven (there is no mvn)';
  console.log('Building the peers with Maven (once) …');
  const { status } = spawnSync('mvn', ['-q', '-B', 'package'], { cwd: PROJECT, stdio: 'inherit' });
  if (status !== 0) return 'a build of bench/peers (see above)';
  writeFileSync(BUILT, '');
  return undefined;
}

function isBuilt(): boolean {
  if (!existsSync(BUILT)) return false;
  const built = statSync(BUILT).mtimeMs;
  const sources = readdirSync(join(PROJECT, 'src'), { recursive: true }).map((name) => join(PROJECT, 'src', `${name}`));
  return [join(PROJECT, 'pom.xml'), ...sources].every((path) => statSync(path).mtimeMs <= built);
}
