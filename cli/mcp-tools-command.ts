/** `millrace mcp-tools`: the tools of an MCP server, as `mcpTools` takes them. */
import { Command } from 'commander';
import type { McpServer } from '../agents/mcp/mcp-server.js';
import { listMcpTools } from '../agents/mcp/mcp-tools.js';
import { MillraceError } from '../core/errors.js';
import { guarded } from './guarded.js';

interface McpToolsFlags {
  readonly only?: readonly string[];
  readonly header?: readonly string[];
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXAMPLES = `
Examples:
  millrace mcp-tools mcp-server-filesystem handbook > handbook.json
  millrace mcp-tools https://example.com/mcp --header "authorization: Bearer $TOKEN" > tools.json
  millrace mcp-tools --only search,read_page -- npx -y some-server --its-own-option > tools.json

Look the file through, remove what no agent needs, and give it to mcpTools as list.`;

export function mcpToolsCommand(): Command {
  return new Command('mcp-tools')
    .summary('list the tools of an MCP server')
    .description('Prints the tools of an MCP server with their schemas, as JSON, for mcpTools.')
    .argument('<server...>', 'its URL, or the program with its arguments')
    .option('--only <names>', 'these tools, separated by commas', (names) => names.split(','))
    .option('--header <header>', 'of every request, "name: value"; repeatable', (header, all: string[] = []) => [
      ...all,
      header,
    ])
    .option('--json', 'print an error as one line of JSON')
    .option('--verbose', 'print the stack of an error')
    .passThroughOptions()
    .addHelpText('after', EXAMPLES)
    .action(guarded(list));
}

async function list([first = '', ...args]: readonly string[], { only, header = [] }: McpToolsFlags): Promise<number> {
  const isUrl = /^https?:\/\//.test(first);
  const server: McpServer = isUrl ? { url: first, headers: headersOf(header) } : { command: first, args };
  const tools = await listMcpTools(server);
  const missing = only?.find((name) => !Object.hasOwn(tools, name));
  if (missing !== undefined)
    throw new MillraceError('MILL_OPTION_INVALID', `the server has no tool ${missing}`, {
      hint: `It has ${Object.keys(tools).join(', ')}.`,
    });
  const chosen = only ? Object.fromEntries(only.map((name) => [name, tools[name]])) : tools;
  process.stdout.write(`${JSON.stringify(chosen, null, 2)}\n`);
  return 0;
}

function headersOf(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    headers.map((header) => {
      const at = header.indexOf(':');
      if (at < 1) throw new MillraceError('MILL_OPTION_INVALID', 'a header is not of the form "name: value"');
      return [header.slice(0, at).trim(), header.slice(at + 1).trim()];
    }),
  );
}
