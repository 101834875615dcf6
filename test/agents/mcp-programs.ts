/** Real MCP servers, from their packages: as programs, and listening. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { McpProgram } from 'millrace/agents';

const require = createRequire(import.meta.url);

/** The file of a package that starts it. */
function scriptOf(name: string): string {
  return join(dirname(require.resolve(`${name}/package.json`)), 'dist/index.js');
}

/** The reference server, with a tool of every kind. */
export const everything: McpProgram = {
  command: process.execPath,
  args: [scriptOf('@modelcontextprotocol/server-everything'), 'stdio'],
};

export function filesystem(directory: string): McpProgram {
  return { command: process.execPath, args: [scriptOf('@modelcontextprotocol/server-filesystem'), directory] };
}

/** The reference server, which dies when a message to it has this text. */
export function dying(text: string): McpProgram {
  const entry = join(dirname(scriptOf('@modelcontextprotocol/server-everything')), 'transports/stdio.js');
  const code = `
    await import(${JSON.stringify(entry)});
    process.stdin.on('data', (bytes) => { if (String(bytes).includes(${JSON.stringify(text)})) process.exit(1); });
  `;
  return { command: process.execPath, args: ['--input-type=module', '-e', code] };
}

/** The reference server, which leaves a file with its process id as its name. */
export function noted(directory: string): McpProgram {
  const entry = join(dirname(scriptOf('@modelcontextprotocol/server-everything')), 'transports/stdio.js');
  const code = `
    (await import('node:fs')).writeFileSync(${JSON.stringify(directory)} + '/' + process.pid, '');
    await import(${JSON.stringify(entry)});
  `;
  return { command: process.execPath, args: ['--input-type=module', '-e', code] };
}

/** A server that speaks the newest version of the protocol, and no older one. */
export const modern: McpProgram = {
  command: process.execPath,
  args: [
    '--input-type=module',
    '-e',
    `
      const { McpServer } = await import(${JSON.stringify(import.meta.resolve('@modelcontextprotocol/server'))});
      const { serveStdio } = await import(${JSON.stringify(import.meta.resolve('@modelcontextprotocol/server/stdio'))});
      const { z } = await import(${JSON.stringify(import.meta.resolve('zod'))});
      serveStdio(() => {
        const server = new McpServer({ name: 'modern', version: '1' });
        const twice = { description: 'Twice as much.', inputSchema: z.object({ n: z.number() }) };
        server.registerTool('twice', twice, async ({ n }) => ({ content: [{ type: 'text', text: String(n * 2) }] }));
        return server;
      }, { legacy: 'reject' });
    `,
  ],
};

/** The reference server over HTTP. */
export class ListeningServer {
  readonly port: number;
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<ListeningServer> {
    const server = new ListeningServer(await freePort());
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/mcp`;
  }

  async start(): Promise<void> {
    const script = scriptOf('@modelcontextprotocol/server-everything');
    const child = spawn(process.execPath, [script, 'streamableHttp'], {
      env: { ...process.env, PORT: String(this.port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    child.stdout?.resume();
    let said = '';
    while (!said.includes('listening')) {
      const [bytes] = (await once(child.stderr as NonNullable<typeof child.stderr>, 'data')) as [Buffer];
      said += String(bytes);
    }
    child.stderr?.resume();
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (!child) return;
    this.#process = undefined;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
