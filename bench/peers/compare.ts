/**
 * `npm run bench -- nexmark q5 --peers flink-sql,flink-datastream`: ours and peers side by side, over the same events, in turns
 * A B B A, each run in a process of its own. Answers are compared first: a peer that answers otherwise is not measured.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { aboutThis, textOf } from '../about.js';
import { inTurns } from '../in-turns.js';
import { type Cost, finished } from '../process-cost.js';
import { type Contestant, OURS, PEERS, type RunSettings } from './contestants.js';
import { type Comparison, compare, HEAD, lineOf, type Sample, type Side, summaryOf } from './figures.js';

/** Enough to be sure that both do the same, at a rate that closes windows and ends sessions. */
const CHECKED = { events: 20_000, rate: 1_000 } as const;

/** It is of processing time. */
const WITHOUT_ANSWER = 'q12';

export async function peersCommand(args: readonly string[]): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      peers: { type: 'string', default: '' },
      events: { type: 'string' },
      rate: { type: 'string', default: '10000' },
      workers: { type: 'string', default: '1' },
      state: { type: 'string', default: 'memory' },
      pairs: { type: 'string', default: '5' },
      'mini-batch': { type: 'boolean', default: false },
      'checkpoint-ms': { type: 'string', default: '0' },
      'answers-only': { type: 'boolean', default: false },
      json: { type: 'string', default: 'bench/results/peers.json' },
    },
  });
  const events = values.events === undefined ? undefined : Number(values.events);
  const settings = {
    rate: Number(values.rate),
    workers: Number(values.workers),
    state: values.state === 'level' ? ('level' as const) : ('memory' as const),
    miniBatch: values['mini-batch'],
    checkpointMs: Number(values['checkpoint-ms']),
  };
  const wanted = values.peers.split(',').filter(Boolean);
  const unknown = [
    ...wanted.filter((name) => !PEERS.some((peer) => peer.name === name)),
    ...positionals.filter((query) => !OURS.queries.includes(query)),
  ];
  if (unknown.length > 0) {
    const names = PEERS.map(({ name }) => name);
    console.error(`unknown: ${unknown}; there are the peers ${names} and the queries ${OURS.queries}`);
    return false;
  }
  const peers = PEERS.filter((peer) => {
    if (!wanted.includes(peer.name)) return false;
    const missing = peer.prepare();
    if (missing !== undefined) console.error(`${peer.name} is left out, for want of ${missing}`);
    return missing === undefined;
  });
  if (peers.length === 0) return await oursAlone(positionals, { ...settings, events: events ?? OURS.events });
  const asked = { peers, queries: positionals, events, settings };
  if (values['answers-only']) return await checkAnswers(asked, { ...settings, events: events ?? CHECKED.events });
  if (!(await checkAnswers(asked, { ...settings, ...CHECKED }))) return false;
  return await measureAll(asked, Number(values.pairs), values.json);
}

interface Asked {
  readonly peers: readonly Contestant[];
  /** Empty: all that a contestant has. */
  readonly queries: readonly string[];
  /** Absent: as many as a peer takes to be warm. */
  readonly events: number | undefined;
  readonly settings: Omit<RunSettings, 'events'>;
}

const shared = ({ queries }: Asked, peer: Contestant): string[] =>
  peer.queries.filter((query) => queries.length === 0 || queries.includes(query));

/** Whether the peers' answers are ours. */
async function checkAnswers(asked: Asked, settings: RunSettings): Promise<boolean> {
  const { events, rate } = settings;
  console.log(`Answers of ${events.toLocaleString('en')} events, ${rate.toLocaleString('en')} a second:`);
  const directory = await mkdtemp(join(tmpdir(), 'millrace-answers-'));
  let isEqual = true;
  try {
    const of = async (contestant: Contestant, queries: readonly string[]): Promise<string> => {
      const into = join(directory, contestant.name);
      if (queries.length > 0) await finished(contestant.command([...queries, '--answers', into], settings));
      return into;
    };
    const known = (contestant: Contestant) => shared(asked, contestant).filter((query) => query !== WITHOUT_ANSWER);
    const ours = await of(OURS, [...new Set(asked.peers.flatMap(known))]);
    for (const peer of asked.peers) {
      const theirs = await of(peer, known(peer));
      for (const query of known(peer)) {
        const same = await areEqual(join(ours, `${query}.ndjson`), join(theirs, `${query}.ndjson`));
        console.log(`  ${peer.name.padEnd(17)}${query.padEnd(13)}${same}`);
        if (!same.startsWith('equal')) isEqual = false;
      }
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return isEqual;
}

async function areEqual(ours: string, theirs: string): Promise<string> {
  const [one, other] = [await readFile(ours), await readFile(theirs)];
  const rows = one.toString('latin1').split('\n').length - 1;
  return one.equals(other) ? `equal, ${rows.toLocaleString('en')} rows` : 'DIFFERENT';
}

async function measureAll(asked: Asked, pairs: number, file: string): Promise<boolean> {
  const about = aboutRun(asked, pairs);
  console.log(`\n${about.text}\n\n${HEAD}`);
  const comparisons: Comparison[] = [];
  for (const peer of asked.peers) {
    for (const query of shared(asked, peer)) {
      const settings = { ...asked.settings, events: asked.events ?? peer.events };
      const comparison = await measure(peer, query, settings, pairs);
      comparisons.push(comparison);
      console.log(lineOf(comparison));
      await write(file, { ...about.fields, comparisons });
    }
    console.log(`${peer.name}, ${summaryOf(comparisons.filter((one) => one.peer === peer.name))}\n`);
  }
  console.log(`Written to ${file}`);
  return true;
}

/** When no peer can run. */
async function oursAlone(queries: readonly string[], settings: RunSettings): Promise<boolean> {
  const rate = ({ events, cpuSeconds }: Cost): string => `${(events / cpuSeconds / 1e6).toFixed(2)} M`;
  console.log('millrace alone, events a CPU-second:');
  for (const query of queries.length > 0 ? queries : OURS.queries) {
    const { warm, cold } = await sampled(OURS, [query], settings);
    console.log(`  ${query.padEnd(13)} warm ${rate(warm)}, cold ${rate(cold)}`);
  }
  return true;
}

const SIDES = ['ours', 'peer'] as const;

async function measure(peer: Contestant, query: string, settings: RunSettings, pairs: number): Promise<Comparison> {
  const generator = await generatorsOf(peer, query, settings, pairs);
  const samples = { ours: [] as Sample[], peer: [] as Sample[] };
  await inTurns<'ours' | 'peer'>(pairs, SIDES, async (side) => {
    samples[side].push(await sampled(side === 'ours' ? OURS : peer, [query], settings));
  });
  const sideOf = (side: 'ours' | 'peer'): Side => ({ samples: samples[side], generator: generator[side] });
  return compare(peer.name, query, sideOf('ours'), sideOf('peer'));
}

async function sampled(contestant: Contestant, what: readonly string[], settings: RunSettings): Promise<Sample> {
  const { lines, cpuSeconds } = await finished(contestant.command(what, settings));
  return { warm: lines[0]?.warm as Cost, cold: { events: settings.events, cpuSeconds } };
}

const generators = new Map<string, { readonly ours: Cost[]; readonly peer: Cost[] }>();

/** What making the events costs, measured in turns, too: once for all queries that are fed with the same ones. */
async function generatorsOf(peer: Contestant, query: string, settings: RunSettings, pairs: number) {
  const key = `${peer.name} ${peer.generator(query)}`;
  const known = generators.get(key);
  if (known) return known;
  const costs = { ours: [] as Cost[], peer: [] as Cost[] };
  generators.set(key, costs);
  await inTurns<'ours' | 'peer'>(pairs, SIDES, async (side) => {
    const contestant = side === 'ours' ? OURS : peer;
    costs[side].push((await sampled(contestant, contestant.generator(query), settings)).warm);
  });
  return costs;
}

function aboutRun({ events, settings, peers }: Asked, pairs: number) {
  const about = aboutThis();
  const { rate, workers, state, miniBatch, checkpointMs } = settings;
  const counts = peers.map((peer) => `${(events ?? peer.events).toLocaleString('en')} (${peer.name})`);
  const text = [
    textOf(about),
    `${counts.join(', ')} events at ${rate.toLocaleString('en')} a second, ${pairs} pairs, parallelism ${workers}, state ${state === 'level' ? 'in LevelDB, the peer’s in RocksDB' : 'on the heap'}`,
    `the peer: mini-batches ${miniBatch ? 'on' : 'off'}, checkpoints ${checkpointMs === 0 ? 'off' : `every ${checkpointMs} ms`}`,
  ].join('\n');
  return { fields: { ...about, pairs, ...settings }, text };
}

async function write(file: string, value: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(value, undefined, 2)}\n`);
}
