/**
 * The boundary that lets another engine host millrace, kept by hosting it otherwise: no threads, no rings, no
 * coordinator, no worker. Under many random schedules the answer is that of a plain model, through checkpoints,
 * recoveries and other parallelisms; and nothing that the boundary imports knows of threads or processes.
 */
import t, { type Test } from 'tap';
import { type Control, END } from '../../core/control.js';
import { Random } from '../../core/random.js';
import { TIME_MAX } from '../../core/time.js';
import { type Link, physicalPlan } from '../../engine/graph/chain.js';
import { FakeHost, type Parallelism } from './fake-host.js';
import { modelOf, pairs, randomScript, type Script } from './pairs-job.js';

const PLAN = physicalPlan(pairs.plan());
const [LEFT, RIGHT, BETWEEN] = PLAN.links as [Link, Link, Link];
const SOURCES = 2;

const parallelism = (ofPairs: number, ofTotals: number): Parallelism =>
  new Map([
    [LEFT.to.chain, ofPairs],
    [BETWEEN.to.chain, ofTotals],
  ]);

/** One channel of one of the host's sources: how far its script has been pushed, and what comes after it. */
interface Feed {
  readonly link: Link;
  readonly source: number;
  readonly script: Script;
  position: number;
}

function feedsOf(random: Random): Feed[] {
  return [LEFT, RIGHT].flatMap((link) =>
    Array.from({ length: SOURCES }, (_, source) => ({
      link,
      source,
      script: randomScript(random, 20 + random.below(60)),
      position: 0,
    })),
  );
}

const scriptsOf = (feeds: readonly Feed[], link: Link): Script[] =>
  feeds.filter((feed) => feed.link === link).map(({ script }) => script);

/** Pushes the next element of a feed; false when there is none before `end`, or no credit. */
function pushNext(host: FakeHost, feed: Feed, end: number): boolean {
  const { link, source, script, position } = feed;
  const element = position < end ? script[position] : undefined;
  if (!element) return false;
  const pushed =
    'event' in element
      ? host.pushRecord(link, source, { key: element.event.key, record: element.event, timestamp: element.event.at })
      : host.pushControl(link, source, { kind: 'watermark', time: element.watermark });
  if (pushed) feed.position += 1;
  return pushed;
}

interface Drive {
  readonly host: FakeHost;
  readonly feeds: readonly Feed[];
  readonly random: Random;
}

/** Pushes each feed up to its end, in any order, while instances step. */
function pushAll({ host, feeds, random }: Drive, endOf: (feed: Feed) => number): void {
  while (feeds.some((feed) => feed.position < Math.min(endOf(feed), feed.script.length))) {
    const feed = feeds[random.below(feeds.length)] as Feed;
    if (random.below(2) === 0) pushNext(host, feed, endOf(feed));
    else host.step();
  }
}

/** Pushes a control into a feed, however long that takes for want of credit. */
function pushSurely({ host }: Drive, { link, source }: Feed, control: Control): void {
  for (let tries = 0; !host.pushControl(link, source, control); tries += 1) {
    if (tries > 10_000) throw new Error(`no room for ${control.kind}`);
    host.step();
  }
}

/** A checkpoint cut at a random place of each feed, with more input behind the barriers; then what came after is lost. */
async function checkpoint(drive: Drive, id: number): Promise<void> {
  const { host, feeds, random } = drive;
  const cuts = new Map(feeds.map((feed) => [feed, feed.position + random.below(30)]));
  pushAll(drive, (feed) => cuts.get(feed) as number);
  const positions = feeds.map(({ position }) => position);
  for (const feed of feeds) {
    pushSurely(drive, feed, { kind: 'barrier', checkpoint: id, last: false });
    // What is behind a barrier has to wait until the others have come.
    for (let more = random.below(5); more > 0; more -= 1) pushNext(host, feed, feed.script.length);
    for (let steps = random.below(20); steps > 0; steps -= 1) host.step();
  }
  await host.settle();
  if (!host.acknowledged(id)) throw new Error(`checkpoint ${id} was not acknowledged by all`);
  host.complete(id);
  feeds.forEach((feed, at) => {
    feed.position = positions[at] as number;
  });
}

/** Ends the ports one by one; nothing has ended before all have. Then there is one more checkpoint. */
async function endAll(t: Test, drive: Drive, id: number): Promise<void> {
  const { host, feeds } = drive;
  for (const feed of feeds) {
    await host.settle();
    if (host.instances.some(({ hasEnded }) => hasEnded)) t.fail('ended before all its ports had');
    pushSurely(drive, feed, { kind: 'watermark', time: TIME_MAX });
    pushSurely(drive, feed, END);
  }
  await host.settle();
  if (!host.instances.every(({ hasEnded }) => hasEnded)) t.fail('not all have ended');
  for (const feed of feeds) pushSurely(drive, feed, { kind: 'barrier', checkpoint: id, last: true });
  await host.settle();
  if (!host.acknowledged(id)) t.fail('barriers do not pass after the end');
  host.complete(id);
}

const sorted = (results: readonly unknown[]): string[] => results.map((result) => JSON.stringify(result)).sort();

const SEEDS = 100;

t.test(`${SEEDS} schedules with checkpoints, recoveries and other parallelisms equal the model`, async (t) => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const random = new Random(seed);
    const feeds = feedsOf(random);
    const credit = 1 + random.below(8);
    const host = new FakeHost({ plan: PLAN, random, sources: SOURCES, credit });
    const drive = { host, feeds, random };
    await host.open(parallelism(1 + random.below(3), 1 + random.below(3)));
    for (let id = 1; id <= 3; id += 1) {
      await checkpoint(drive, id);
      await host.open(parallelism(1 + random.below(4), 1 + random.below(4)));
    }
    pushAll(drive, ({ script }) => script.length);
    await endAll(t, drive, 4);
    await host.close();
    const expected = modelOf(scriptsOf(feeds, LEFT), scriptsOf(feeds, RIGHT));
    t.same(sorted(host.committed), sorted(expected), `seed ${seed}`);
  }
});

t.test('rows given at a barrier, and over several, are the rows that are held', async (t) => {
  const random = new Random(7);
  const feeds = feedsOf(random);
  const host = new FakeHost({ plan: PLAN, random, sources: SOURCES, credit: 4 });
  await host.open(parallelism(3, 2));
  for (let id = 1; id <= 4; id += 1) {
    pushAll({ host, feeds, random }, ({ script }) => (script.length * id) >> 2);
    for (const feed of feeds)
      pushSurely({ host, feeds, random }, feed, { kind: 'barrier', checkpoint: id, last: false });
    await host.settle();
    host.complete(id);
    t.ok(host.rows.size > 0);
    const byPlace = (rows: ReadonlyMap<string, unknown>): unknown[] => [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
    t.same(byPlace(host.rows), byPlace(host.heldRows()), `checkpoint ${id}`);
  }
  await host.close();
});

t.test('without credit for what it puts out a subtask takes no input', async (t) => {
  const random = new Random(1);
  const host = new FakeHost({ plan: PLAN, random, sources: 1, credit: 2 });
  await host.open(parallelism(1, 1));
  const [pairsInstance] = host.instances.filter(({ subtask }) => subtask.chain.id === LEFT.to.chain);
  const { subtask } = pairsInstance as { subtask: { step(): boolean; flush(): boolean } };
  const input = host.queue(LEFT, 0, 0);
  const output = host.queue(BETWEEN, 0, 0);
  const settle = (): void => {
    while (subtask.step() || subtask.flush());
  };
  const send = (at: number): void => {
    const record = { key: 'a', at, v: 0 };
    host.pushRecord(LEFT, 0, { key: 'a', record, timestamp: at });
    host.pushControl(LEFT, 0, { kind: 'watermark', time: at });
    host.pushControl(RIGHT, 0, { kind: 'watermark', time: at });
    settle();
  };
  let at = 0;
  for (; input.room && at < 1_000; at += 1) send(at);
  t.ok(at < 100, `it took ${at} records before it stopped`);
  t.equal(output.frames.length, 2, 'all credit is used');
  t.equal(input.frames.length, 2, 'and input waits');
  t.notOk(subtask.step(), 'nothing can be done');
  const waiting = input.frames.length;
  while (output.frames.length > 0) {
    output.shift();
    settle();
  }
  t.ok(input.frames.length < waiting, 'credit sets it going again');
  await host.close();
});

t.test('a barrier waits for all channels, and what is behind it with it', async (t) => {
  const random = new Random(2);
  const host = new FakeHost({ plan: PLAN, random, sources: 2, credit: 100 });
  await host.open(parallelism(1, 1));
  const push = (link: Link, source: number, at: number): void => {
    const record = { key: 'a', at, v: 1 };
    host.pushRecord(link, source, { key: 'a', record, timestamp: at });
  };
  const seen = (): unknown => [...host.heldRows().values()].find(({ table }) => table === 'seen')?.value;
  const barrier: Control = { kind: 'barrier', checkpoint: 1, last: false };
  push(LEFT, 0, 1);
  host.pushControl(LEFT, 0, barrier);
  push(LEFT, 0, 2);
  await host.settle();
  t.equal(seen(), 1, 'the record behind the barrier waits');
  push(LEFT, 1, 3);
  await host.settle();
  t.equal(seen(), 2, 'other channels go on');
  host.pushControl(LEFT, 1, barrier);
  host.pushControl(RIGHT, 0, barrier);
  await host.settle();
  t.notOk(host.acknowledged(1), 'one channel is missing');
  t.equal(seen(), 2);
  host.pushControl(RIGHT, 1, barrier);
  await host.settle();
  t.ok(host.acknowledged(1));
  t.equal(seen(), 3, 'and then all goes on');
  host.complete(1);
  t.equal([...host.rows.values()].find(({ table }) => table === 'seen')?.value, 2, 'the cut is at the barrier');
  await host.close();
});
