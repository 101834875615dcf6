/**
 * A thousand runs that wait for a model which does not answer, with the mailbox full behind them; beside them a stream that
 * notes its latency in shared memory.
 */
import { callback, generate, job } from 'millrace';
import { agent, type ChatModel } from 'millrace/agents';

const SAMPLES = 65_536;
const PROMPT = 'What is to be done about this? '.repeat(130);

export const agentStalledParams = {
  runs: 3_000,
  inFlight: 1_000,
  /** [0]: how many there are; then milliseconds from when a record was due, after the first, to when it came out. */
  latencies: new Float64Array(new SharedArrayBuffer(8 * (SAMPLES + 1))),
};

const stalled: ChatModel = { id: 'stalled', chat: () => new Promise(() => {}) };

export default job('agent-stalled', { params: agentStalledParams }, (j, { runs, inFlight, latencies }) => {
  const asking = agent({
    version: '1',
    model: stalled,
    run: ({ n }: { n: number }, ctx) => ctx.model({ messages: [{ role: 'user', text: `${n}: ${PROMPT}` }] }),
  });
  j.from('inputs', generate({ rate: 20_000, splits: 1, make: (n) => ({ n }) }))
    .filter(({ n }) => n < runs)
    .keyBy(({ n }) => n)
    .agent('asking', asking, { maxInFlight: inFlight, mailbox: 1_000 })
    .replies.to(
      'out',
      callback(() => {}),
    );
  let begun: number | undefined;
  j.from('beside', generate({ rate: 1_000, splits: 1, make: (n) => n })).to(
    'beside-out',
    callback((n) => {
      begun ??= performance.now() - n;
      const count = latencies[0] as number;
      if (count < SAMPLES) latencies[count + 1] = performance.now() - begun - n;
      latencies[0] = Math.min(SAMPLES, count + 1);
    }),
  );
});
