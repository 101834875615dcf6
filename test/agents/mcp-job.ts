/** A job whose agent calls a tool of an MCP server, for workers. */
import { collect, generate, job } from 'millrace';
import { agent, mcpTools } from 'millrace/agents';
import { noted } from './mcp-programs.js';

export const COUNT = 40;

const list = {
  echo: {
    description: 'Says it again.',
    input: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
  },
};

export const echoing = job('echoing', { params: { directory: '' } }, (j, { directory }) => {
  const echo = agent({
    version: '1',
    tools: mcpTools({ server: noted(directory), list, effects: { echo: 'read' } }),
    run: async ({ n }: { n: number }, ctx) => (await ctx.tool('echo', { message: String(n) })) as string,
  });
  j.from('numbers', generate({ count: COUNT, splits: 2, make: (n) => ({ n }) }))
    .keyBy(({ n }) => n)
    .agent('echo', echo)
    .replies.to('out', collect());
});
