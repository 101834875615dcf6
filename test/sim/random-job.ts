/**
 * A random job with its answer: sources that end at different times, a few stateless steps, one or two keyed ones.
 * All of it is drawn from one seed.
 */
import {
  collect,
  type EventTimeOptions,
  fileSink,
  generate,
  type JobDefinition,
  job,
  ndjson,
  type Source,
  type Stream,
} from 'millrace';
import { Random } from '../../core/random.js';
import { type Event, KEYED, STATELESS, type Step } from './steps.js';

export interface RandomJob {
  readonly definition: JobDefinition<Event>;
  readonly expected: readonly Event[];
  /** One line: what it is made of. */
  readonly description: string;
}

interface SourceSpec {
  readonly name: string;
  readonly events: readonly Event[];
  readonly splits: number;
  readonly rate: number | undefined;
}

/** The directory that a job with files writes to. */
export const OUT = '/out';

const OUT_OF_ORDER = 20;

/** `out`: where its events go: to the caller, or exactly once to files in a directory. */
export function randomJob(seed: number, out: 'collect' | 'files' = 'collect'): RandomJob {
  const random = new Random(seed);
  const sources = Array.from({ length: 1 + random.below(3) }, (_, index) => randomSource(random, index));
  const steps = randomSteps(random);
  const align = random.below(3) === 0 ? { group: 'all', maxDrift: random.below(60) } : undefined;
  const definition = job<Event>('random', (j) => {
    const [first, ...others] = sources.map((source) => build(j.from(source.name, generatorOf(source)), align));
    let stream = (first as Stream<Event>).union(...others);
    let ordered = true;
    steps.forEach((step, index) => {
      stream = step.build(stream, `${step.name}-step-${index}`, ordered);
      ordered &&= step.keepsOrder;
    });
    return stream.to('out', out === 'collect' ? collect() : fileSink(OUT, ndjson(), { roll: { every: '20ms' } }));
  });
  let expected: readonly Event[] = sources.flatMap(({ events }) => events);
  for (const step of steps) expected = step.model(expected);
  const inputs = sources.map(
    ({ events, splits, rate }) => `${events.length}/${splits}${rate === undefined ? '' : '~'}`,
  );
  const aligned = align ? ` within ${align.maxDrift} ms` : '';
  return {
    definition,
    expected,
    description: `${inputs.join(' ')}${aligned} → ${steps.map(({ name }) => name).join(' → ')}`,
  };
}

function build(events: Stream<Event>, align: EventTimeOptions<Event>['align']): Stream<Event> {
  return events.eventTime((event) => event.at, { outOfOrder: OUT_OF_ORDER, ...(align && { align }) });
}

function generatorOf({ events, splits, rate }: SourceSpec): Source<Event> {
  return generate<Event>({
    count: events.length,
    splits,
    ...(rate === undefined ? {} : { rate }),
    make: (n) => events[n] as Event,
  });
}

/** Times are even, and rise by split but for at most `OUT_OF_ORDER`; so nothing is late. */
function randomSource(random: Random, index: number): SourceSpec {
  const name = `source-${index}`;
  const count = random.below(5) === 0 ? random.below(3) : random.below(50);
  const splits = 1 + random.below(3);
  const keys = 1 + random.below(5);
  let time = random.below(100) - 50;
  const events = Array.from({ length: count }, (_, n): Event => {
    time += random.below(12);
    return {
      id: `${index}.${n}`,
      key: random.below(keys),
      at: 2 * (time - random.below(OUT_OF_ORDER / 2 + 1)),
      v: random.below(100),
      from: `${index}/${n % splits}`,
      seq: n,
    };
  });
  // A slow source: it ends long after the others, and waits in between.
  return { name, events, splits, rate: random.below(3) === 0 ? 100 + random.below(2_000) : undefined };
}

function randomSteps(random: Random): Step[] {
  const pick = (steps: readonly Step[]): Step => steps[random.below(steps.length)] as Step;
  const steps: Step[] = [];
  for (let layer = 0; layer < 1 + random.below(2); layer += 1) {
    for (let n = random.below(3); n > 0; n -= 1) steps.push(pick(STATELESS));
    steps.push(pick(KEYED));
  }
  if (random.below(2) === 0) steps.push(pick(STATELESS));
  // Pairs of pairs would be too many.
  return steps.filter((step, at) => step.name !== 'pairs' || steps.findIndex(({ name }) => name === 'pairs') === at);
}
