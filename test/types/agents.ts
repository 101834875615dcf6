/** Types of what agents are given: tools by name, with what they take and give. Never run; `tsc` is the test. */
import { agent, tool } from 'millrace/agents';
import { z } from 'zod';
import type { Same } from './same.js';

/** Compiles if they are the same. */
function same<A extends true>(_same: A): void {}

const price = tool({
  description: 'A price.',
  input: z.object({ from: z.string(), kg: z.number() }),
  effect: 'read',
  run: ({ kg }) => ({ cents: kg * 100 }),
});
const notify = tool({ description: 'A letter.', input: z.string(), effect: 'outbox', run: (text) => text.length });

agent({
  version: '1',
  tools: { price, notify },
  async run(input: { kg: number }, ctx) {
    const priced = await ctx.tools.price({ from: 'JFK', kg: input.kg });
    same<Same<typeof priced, { cents: number }>>(true);
    // What is sent later has given nothing yet.
    const sent = await ctx.tools.notify('hello');
    same<Same<typeof sent, undefined>>(true);
    // @ts-expect-error it takes a number
    await ctx.tools.price({ from: 'JFK', kg: '1' });
    // @ts-expect-error there is no such tool
    await ctx.tools.refund({});
    return (await ctx.tool('price', { from: 'JFK', kg: 1 })) as unknown;
  },
});

agent({
  version: '1',
  async run(_input: number, ctx) {
    // @ts-expect-error it has no tools
    return ctx.tools.anything({});
  },
});
