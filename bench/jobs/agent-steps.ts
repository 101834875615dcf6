/**
 * Agents that make steps of their own, which cost nothing themselves: what a run and a step cost the engine.
 */
import { callback, generate, job } from 'millrace';
import { agent } from 'millrace/agents';

export const agentStepsParams = { runs: 20_000, steps: 0 };

export default job('agent-steps', { params: agentStepsParams }, (j, { runs, steps }) => {
  const stepping = agent({
    version: '1',
    async run({ n }: { n: number }, ctx) {
      for (let step = 0; step < steps; step += 1) await ctx.step('nothing', () => step);
      return n;
    },
  });
  j.from('inputs', generate({ count: runs, splits: 1, make: (n) => ({ n }) }))
    .keyBy(({ n }) => n % 1_000)
    .agent('stepping', stepping, { maxInFlight: 1_000, mailbox: 10_000 })
    .replies.to(
      'out',
      callback(() => {}),
    );
});
