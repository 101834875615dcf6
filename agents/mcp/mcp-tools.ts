/**
 * Tools of MCP servers, as tools of agents.
 *
 * Which tools a server has, and how it describes them, is part of what a model is asked, and so of an agent's version: the list
 * is given, not fetched. So a server that changes its mind changes no agent, and a replay needs no server.
 */
import { MillraceError } from '../../core/errors.js';
import { type Duration, durationMs } from '../../core/time.js';
import { jsonSchema } from '../given-schema.js';
import type { JsonSchema } from '../model/chat-model.js';
import { EFFECTS, type Effect, type Tool, type ToolContext } from '../tool.js';
import { connect } from './mcp-connect.js';
import { McpConnection } from './mcp-connection.js';
import { plainResult } from './mcp-result.js';
import { type McpServer, nameOf } from './mcp-server.js';

/** A tool as its server describes it. */
export interface McpTool {
  readonly description: string;
  readonly input: JsonSchema;
  /** Of its structured content. */
  readonly output?: JsonSchema;
}

/** Tools by the names that their server knows them by: what `millrace mcp-tools` prints. */
export type McpToolList = Readonly<Record<string, McpTool>>;

/** Which tools of which server, and what they change. */
export interface McpToolsOptions<L extends McpToolList> {
  readonly server: McpServer;
  /** What the server has, as it was when somebody looked it through. */
  readonly list: L;
  /** Only these; default: all of the list. */
  readonly allow?: readonly (keyof L & string)[];
  /** By name. A tool of which nothing is said is `once`, whatever its server says. */
  readonly effects?: { readonly [N in keyof L]?: Effect };
  /** How long one call may take, connecting included; default 60 s. */
  readonly timeout?: Duration;
  /** Characters of a result that are kept; default 100,000. What a model is shown of it is the agent's `resultChars`. */
  readonly resultChars?: number;
}

const TIMEOUT_MS = 60_000;
const RESULT_CHARS = 100_000;

/**
 * Tools of an MCP server, for an agent. One connection a worker serves all of them: it is made at the first call, made anew
 * after it has broken, and closed with the job. Needs the package `@modelcontextprotocol/client`.
 *
 * An error of the tool is told the model. Where a connection breaks in the middle of a call, one that is `read` or `idempotent` is
 * made again; one that is `once` is in doubt. Throws `MILL_OPTION_INVALID` for names that are not in the list.
 *
 * @example
 * const tools = mcpTools({
 *   server: { command: 'mcp-server-filesystem', args: ['handbook'] },
 *   list: handbook, // import handbook from './handbook.json' with { type: 'json' }
 *   effects: { read_text_file: 'read', search_files: 'read' },
 * })
 */
export function mcpTools<const L extends McpToolList>(
  options: McpToolsOptions<L>,
): { readonly [N in keyof L & string]: Tool } {
  const { server, list, effects = {}, allow = Object.keys(list), resultChars = RESULT_CHARS } = options;
  for (const name of [...allow, ...Object.keys(effects)])
    if (!Object.hasOwn(list, name)) throw invalid(`the list of ${nameOf(server)} has no tool ${JSON.stringify(name)}`);
  const connection = new McpConnection(server);
  const timeoutMs = options.timeout === undefined ? TIMEOUT_MS : durationMs(options.timeout, 'timeout');
  const tools = allow.map((name): [string, Tool] => {
    const effect = (effects as Readonly<Record<string, Effect | undefined>>)[name] ?? 'once';
    if (!EFFECTS.includes(effect)) throw invalid(`the effect of ${name} is ${JSON.stringify(effect)}`);
    return [name, toolOf(connection, name, list[name] as McpTool, { effect, timeoutMs, resultChars })];
  });
  return Object.fromEntries(tools) as { readonly [N in keyof L & string]: Tool };
}

/**
 * What tools a server has: connects, asks, and closes. For a list to be looked through and kept; `millrace mcp-tools` prints it.
 * Rejects with `MILL_MCP_FAILED`.
 *
 * @example const list = await listMcpTools({ url: 'https://example.com/mcp' })
 */
export async function listMcpTools(server: McpServer): Promise<McpToolList> {
  const { client, close } = await connect(server, undefined, undefined);
  try {
    const { tools } = await client.listTools();
    return Object.fromEntries(
      tools.map(({ name, description = '', inputSchema, outputSchema }) => [
        name,
        { description, input: inputSchema as JsonSchema, ...(outputSchema && { output: outputSchema as JsonSchema }) },
      ]),
    );
  } catch (cause) {
    throw new MillraceError('MILL_MCP_FAILED', `the MCP server ${nameOf(server)} does not list its tools`, { cause });
  } finally {
    await close();
  }
}

function toolOf(
  connection: McpConnection,
  name: string,
  { description, input, output }: McpTool,
  { effect, timeoutMs, resultChars }: { effect: Effect; timeoutMs: number; resultChars: number },
): Tool {
  const result = output && jsonSchema(output);
  const repeatable = effect !== 'once';
  return Object.freeze({
    kind: 'tool',
    description,
    input: jsonSchema(input),
    output: undefined,
    effect,
    timeoutMs,
    run: async (value: unknown, context: ToolContext) =>
      plainResult(await connection.call({ name, input: value, repeatable }, context), result, resultChars),
    reconcile: undefined,
    hold: () => connection.hold(),
  });
}

function invalid(text: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', text);
}
