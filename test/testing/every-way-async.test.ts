/**
 * Asynchronous calls give the same answer every way: any interleaving, batch size and number of subtasks, killed and
 * restored anywhere. What comes out goes through a window, which shows that nothing comes out behind its watermark.
 */
import { type Stream, tumbling } from 'millrace';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { Random } from '../../core/random.js';

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
