/**
 * Asynchronous calls give the same answer every way: any interleaving, batch size and number of subtasks, killed and
 * restored anywhere. What comes out goes through a window, which shows that nothing comes out behind its watermark.
 */
import { type Stream, tumbling } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';

t.setTimeout(180_000);

/** Of a key's calls, and of look-ups: each goes one way. */
const SCENARIOS = 1_000;

interface Event {
  readonly id: number;
  readonly time: number;
}

function phases(random: Random): { phases: Phase[]; events: Event[] } {
  const events: Event[] = [];
  const phases = [1, 2, 3].map((number) => {
    const watermark = number * 100;
    return [0, 1].map(() => {
      const steps: Step<Event>[] = Array.from({ length: random.below(7) }, () => {
        const event = { id: events.length, time: watermark + 1 + random.below(180) };
        events.push(event);
        return { record: event, at: event.time };
      });
      return steps.toSpliced(random.below(steps.length + 1), 0, { watermark });
    });
  });
  return { phases, events };
}

/** Some turns of the promise queue, by the record. */
async function slowly({ id, time }: Event): Promise<string> {
  for (let turn = 0; turn < (id * 7) % 5; turn += 1) await null;
  return `${id} of ${time}`;
}

for (const order of ['input', 'any'] as const) {
  t.test(`order ${order}`, async (t) => {
    let [kills, rescales] = [0, 0];
    for (let seed = 0; seed < 8; seed += 1) {
      const { phases: all, events } = phases(new Random(seed));
      const report = await everyWay(
        (stream: Stream<Event>) =>
          stream
            .mapAsync('called', slowly, { order, capacity: 2 })
            .keyBy((text) => text)
            .window(tumbling(50))
            .process('windows', (key, window, all) => all.map(() => `${key}@${window.start}`)),
        all,
        events.map(({ id, time }) => `${id} of ${time}@${Math.floor(time / 50) * 50}`),
        { ways: 25 },
      );
      kills += report.kills;
      rescales += report.rescales;
    }
    t.ok(kills > 100 && rescales > 50, `${kills} kills, ${rescales} rescales`);
  });
}

t.test('several records a call', async (t) => {
  let kills = 0;
  for (let seed = 0; seed < 8; seed += 1) {
    const { phases: all, events } = phases(new Random(seed));
    const report = await everyWay(
      (stream: Stream<Event>) =>
        stream
          .batchAsync('called', async (batch) => Promise.all(batch.map(slowly)), {
            order: seed % 2 === 0 ? 'input' : 'any',
            batch: { size: 3, delay: 5 },
            capacity: 2,
          })
          .keyBy((text) => text)
          .window(tumbling(50))
          .process('windows', (key, window, all) => all.map(() => `${key}@${window.start}`)),
      all,
      events.map(({ id, time }) => `${id} of ${time}@${Math.floor(time / 50) * 50}`),
      { ways: 25 },
    );
    kills += report.kills;
  }
  t.ok(kills > 100, `${kills} kills`);
});

t.test('one call a key at a time, in order, wherever the keys go', async (t) => {
  let rescales = 0;
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const random = new Random(seed);
    const keys = ['a', 'b', null];
    // A channel for each key: its records are in order.
    const all: Phase[] = [1, 2, 3].map((phase) =>
      keys.map((key): Step<{ key: string | null; n: number }>[] => [
        ...Array.from({ length: random.below(5) }, (_, n) => ({ record: { key, n: phase * 10 + n }, at: phase * 100 })),
        { watermark: phase * 100 },
      ]),
    );
    const taken = all
      .flatMap((phase) => (phase as Step<{ key: string | null; n: number }>[][]).flat())
      .flatMap((step) => (typeof step === 'object' && 'record' in step ? [step.record] : []));
    const busy = new Map<string | null, number>();
    const report = await everyWay(
      (stream: Stream<{ key: string | null; n: number }>) =>
        stream
          .keyBy(({ key }) => key)
          .mapAsync(
            'called',
            async (record, { signal }) => {
              const before = busy.get(record.key) ?? 0;
              if (before > 0) throw new Error(`${before} calls of ${record.key}`);
              busy.set(record.key, 1);
              signal.addEventListener('abort', () => busy.set(record.key, 0));
              for (let turn = 0; turn < (record.n * 7) % 5; turn += 1) await null;
              busy.set(record.key, 0);
              return record;
            },
            { capacity: 2 },
          )
          .keyBy(({ key }) => key)
          .aggregate('so-far', (a) => ({ all: a.collect(({ n }) => n) })),
      all,
      keys.flatMap((key) => {
        const own = taken.filter((record) => record.key === key).map(({ n }) => n);
        return own.map((_, at) => ({ key, all: own.slice(0, at + 1) }));
      }),
      { ways: 1, from: seed },
    );
    rescales += report.rescales;
  }
  t.ok(rescales > 300, `${rescales} rescales`);
});

t.test('lookup joins', async (t) => {
  let [kills, found] = [0, 0];
  for (let seed = 0; seed < SCENARIOS; seed += 1) {
    const random = new Random(seed);
    const { phases: all, events } = phases(random);
    const rows = new Map(events.filter(() => random.below(3) > 0).map(({ id }) => [id, `row ${id}`]));
    found += rows.size;
    const report = await everyWay(
      (stream: Stream<Event>) =>
        stream
          .lookupJoin(
            'rows',
            {
              key: ({ id }) => id,
              lookupAll: async (ids) => ids.map((id) => rows.get(id)),
              batch: { size: 3, delay: 5 },
              cache: { size: 2, ttl: '1h' },
            },
            (event, row) => ({ id: event.id, row }),
          )
          .lookupJoin('again', { key: ({ id }) => id, lookup: async (id) => rows.get(id) }, (event, row) => [
            event.row,
            row,
          ])
          .lookupJoin(
            'table',
            { key: ([row]) => row, table: () => [['row 1', 1]] as const, type: 'left' },
            ([row], one) => [row, one],
          ),
      all,
      [...rows.values()].map((row) => [row, row === 'row 1' ? 1 : undefined]),
      { ways: 1, from: seed },
    );
    kills += report.kills;
  }
  t.ok(kills > 500 && found > 3_000, `${kills} kills, ${found} rows`);
});
