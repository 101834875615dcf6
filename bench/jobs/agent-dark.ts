/** Runs that ask a model which takes its time, with or without a candidate beside them whose answers differ. */
import { callback, generate, job } from 'millrace';
import { agent, type ChatModel, darkLaunch } from 'millrace/agents';

export const agentDarkParams = { runs: 20_000, latencyMs: 20, dark: false };

const modelOf = (latencyMs: number, said: string): ChatModel => ({
  id: 'slow',
  async chat() {
    await new Promise((resolve) => setTimeout(resolve, latencyMs));
    return { text: said, calls: [], finish: 'stop', usage: { inputTokens: 100, outputTokens: 10 } };
  },
});

const asking = (version: string, latencyMs: number) =>
  agent({
    version,
    model: modelOf(latencyMs, version),
    async run({ n }: { readonly n: number }, ctx) {
      const { text } = await ctx.model({ messages: [{ role: 'user', text: `${version}: what about ${n}?` }] });
      return { n, text };
    },
  });

export default job('agent-dark', { params: agentDarkParams }, (j, { runs: count, latencyMs, dark }) => {
  const { replies, runs } = j
    .from('inputs', generate({ count, make: (n) => ({ n }) }))
    .keyBy(({ n }) => n)
    .agent('asking', asking('1', latencyMs), { maxInFlight: 100 });
  replies.to(
    'replies',
    callback(() => {}),
  );
  if (!dark) return;
  darkLaunch(runs, 'candidate', asking('2', latencyMs), { calls: 'live' }).to(
    'comparisons',
    callback(() => {}),
  );
});
