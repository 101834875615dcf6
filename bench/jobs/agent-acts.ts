/**
 * Agents that act: how long an act waits for the checkpoint that holds its reasons, in milliseconds, in memory that is shared
 * with whoever measures.
 */
import { callback, generate, job } from 'millrace';
import { agent, tool } from 'millrace/agents';
import { z } from 'zod';

const SAMPLES = 4_096;

export const agentActsParams = {
  perSecond: 50,
  /** [0]: how many there are; then the waits. */
  waits: new Float64Array(new SharedArrayBuffer(8 * (SAMPLES + 1))),
};

export default job('agent-acts', { params: agentActsParams }, (j, { perSecond, waits }) => {
  const asked = new Map<number, number>();
  const act = tool({
    description: 'Acts.',
    input: z.object({ n: z.number() }),
    effect: 'idempotent',
    run: ({ n }) => {
      const count = waits[0] as number;
      if (count < SAMPLES) waits[count + 1] = performance.now() - (asked.get(n) as number);
      waits[0] = Math.min(SAMPLES, count + 1);
      asked.delete(n);
      return null;
    },
  });
  const acting = agent({
    version: '1',
    tools: { act },
    async run({ n }: { n: number }, ctx) {
      asked.set(n, performance.now());
      await ctx.tool('act', { n });
      return n;
    },
  });
  j.from('inputs', generate({ rate: perSecond, splits: 1, make: (n) => ({ n }) }))
    .keyBy(({ n }) => n)
    .agent('acting', acting)
    .replies.to(
      'out',
      callback(() => {}),
    );
});
