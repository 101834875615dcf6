/**
 * When a source calls itself idle: an idle source does not hold event time back, so one that may still have the oldest
 * records must not. Looked at from outside, in the frames that a subtask puts out.
 */
import { collect, job, type Source } from 'millrace';
import t from 'tap';
import { physicalPlan } from '../../engine/graph/chain.js';
import { DEFAULT_SETTINGS } from '../../engine/worker/settings.js';
import { FrameOutput, FrameQueue } from './frame-channel.js';
import { HostedInstance } from './hosted-instance.js';

/** An endless source, a split of which gives what a test has put there for it. */
function prepared(records: number[]): Source<number> {
  return {
    kind: 'prepared',
    description: '',
    bounded: false,
    enumerator: () => ({ discover: async () => [], snapshot: () => null, restore: () => {} }),
    reader: () => ({
      poll(batch) {
        for (const record of records.splice(0)) batch.push(record, record);
        return 'wait';
      },
      position: () => null,
      close: () => {},
    }),
  };
}

t.test('a source is idle only once it is known to have nothing to read', async (t) => {
  const records: number[] = [];
  const definition = job('status', (j) =>
    j
      .from('numbers', prepared(records))
      .eventTime((n) => n)
      .rebalance()
      .to('out', collect()),
  );
  const plan = physicalPlan(definition.plan());
  const queue = new FrameQueue(100);
  const [chain] = plan.chains as [(typeof plan.chains)[number]];
  const hello = { plan, chain, subtask: 0, parallelism: 2, runId: 'status', settings: DEFAULT_SETTINGS };
  const { subtask } = new HostedInstance(
    { ...hello, epoch: 0, restored: new Map(), watermark: Number.NEGATIVE_INFINITY, random: undefined },
    { inputs: () => [], outputs: () => [new FrameOutput(queue)], random: () => 1 },
  );
  await subtask.open();
  const next = (): string[] => {
    for (let step = 0; step < 10; step += 1) subtask.step();
    subtask.flush();
    return Array.from({ length: queue.frames.length }, () => queue.shift()).map((element) =>
      element?.kind === 'status' ? `idle: ${element.idle}` : String(element?.kind),
    );
  };
  const assigned = (id: string) => ({ split: { id }, position: undefined, watermark: Number.NEGATIVE_INFINITY });

  t.same(next(), [], 'it does not know its splits yet');
  subtask.assign([], false);
  t.same(next(), ['idle: true'], 'it has none');
  subtask.assign([assigned('a')], false);
  t.same(next(), ['idle: false'], 'it has one, which has given nothing yet');
  records.push(1, 2);
  t.same(next(), ['records', 'watermark']);
  subtask.stop(true);
  t.same(next(), ['watermark', 'end']);
  await subtask.close();
});
