/**
 * Tools of real MCP servers, started as programs and spoken to over HTTP: results, errors, time-outs, broken connections, and
 * replays that need no server.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { collect, fromIterable, job, run } from 'millrace';
import {
  agent,
  type Effect,
  type HumanRequest,
  listMcpTools,
  type McpServer,
  type McpToolList,
  mcpTools,
  type RunRecord,
  replay,
  type Tools,
} from 'millrace/agents';
import t from 'tap';
import { COUNT, echoing } from './mcp-job.js';
import { dying, everything, filesystem, ListeningServer, modern } from './mcp-programs.js';

interface Ask {
  readonly tool: string;
  readonly input: unknown;
}

interface Outcome {
  readonly replies: readonly unknown[];
  readonly failures: readonly { readonly error: { readonly code: string; readonly message: string } }[];
  readonly runs: readonly RunRecord<Ask>[];
  readonly requests: readonly HumanRequest[];
}

/** Makes the calls, one after the other, and replies with the answer or error of each. */
function asking(tools: Tools, before: (ask: Ask) => unknown = () => undefined) {
  return agent({
    version: '1',
    tools,
    async run(ask: Ask, ctx) {
      await ctx.step('before', async () => void (await before(ask)));
      return ctx.tool(ask.tool, ask.input);
    },
  });
}

async function outcomeOf(agentOf: ReturnType<typeof asking>, asks: readonly Ask[]): Promise<Outcome> {
  const { collected } = await run(
    job('asking', (j) => {
      const streams = j
        .from('asks', fromIterable(asks))
        .keyBy(() => 'all')
        .agent('asking', agentOf);
      streams.replies.to('replies', collect());
      streams.failures.to('failures', collect());
      streams.runs.to('runs', collect());
      streams.requests.to('requests', collect());
    }),
    { restart: { kind: 'none' } },
  );
  return collected as unknown as Outcome;
}

function call(tools: Tools, tool: string, input: unknown): Promise<Outcome> {
  return outcomeOf(asking(tools), [{ tool, input }]);
}

/** No program is left that this process has started: else the test does not end. */
async function noPrograms(): Promise<void> {
  while (process.getActiveResourcesInfo().includes('ProcessWrap')) await setImmediate();
}

// Programs are started, each in a second or so.
t.setTimeout(240_000);

let list: McpToolList = {};

t.before(async () => {
  list = await listMcpTools(everything);
});

const all = (server: McpServer, effect: Effect, more: object = {}): Tools => {
  const effects = Object.fromEntries(Object.keys(list).map((name) => [name, effect]));
  return mcpTools({ server, list, effects, ...more });
};

t.test('a list is plain data, with the schemas of the server', async (t) => {
  t.match(list['get-sum'], {
    description: /./,
    input: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } },
  });
  t.match(list['get-structured-content']?.output, { properties: { temperature: { type: 'number' } } });
  t.same(JSON.parse(JSON.stringify(list)), list);
  await noPrograms();
});

t.test('what is allowed, and with which effect', async (t) => {
  const tools = mcpTools({ server: everything, list, allow: ['echo', 'get-sum'], effects: { echo: 'read' } });
  t.same(Object.keys(tools), ['echo', 'get-sum']);
  t.equal(tools.echo?.effect, 'read');
  t.equal(tools['get-sum']?.effect, 'once', 'nothing was said of it');
  t.throws(() => mcpTools({ server: everything, list, allow: ['ecko'] }), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => mcpTools({ server: everything, list, effects: { ecko: 'read' } }), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => mcpTools({ server: everything, list, effects: { echo: 'reed' as Effect } }), {
    code: 'MILL_OPTION_INVALID',
  });
});

t.test('files of a directory, by a program that ends with the job', async (t) => {
  const directory = t.testdir({ 'returns.txt': 'Within 30 days.', more: {} });
  const server = filesystem(directory);
  const files = await listMcpTools(server);
  const effects = { read_text_file: 'read', write_file: 'idempotent' } as const;
  const agentOf = asking(mcpTools({ server, list: files, effects }));
  const { replies, failures } = await outcomeOf(agentOf, [
    { tool: 'read_text_file', input: { path: join(directory, 'returns.txt') } },
    { tool: 'write_file', input: { path: join(directory, 'more/new.txt'), content: 'new' } },
    { tool: 'read_text_file', input: { path: '/etc/hostname' } },
    { tool: 'read_text_file', input: { path: 7 } },
  ]);
  t.match(replies, [{ content: 'Within 30 days.' }, { content: /Successfully wrote/ }]);
  t.equal(readFileSync(join(directory, 'more/new.txt'), 'utf8'), 'new');
  t.match(failures, [{ error: { message: /Access denied/ } }, { error: { message: /path: .*string/ } }]);
  await noPrograms();
});

for (const kind of ['program', 'http'] as const) {
  t.test(kind, async (t) => {
    const listening = kind === 'http' ? await ListeningServer.start() : undefined;
    t.teardown(() => listening?.stop());
    const server: McpServer = listening ? { url: listening.url } : everything;

    t.test('text, structured content, and what is left out', async (t) => {
      const { replies, failures } = await outcomeOf(asking(all(server, 'read')), [
        { tool: 'echo', input: { message: 'hello' } },
        { tool: 'get-structured-content', input: { location: 'Chicago' } },
        { tool: 'get-tiny-image', input: {} },
      ]);
      t.same(failures, []);
      t.equal(replies[0], 'Echo: hello');
      t.same(replies[1], { temperature: 36, conditions: 'Light rain / drizzle', humidity: 82 });
      t.match(replies[2], /\[image image\/png, \d+ bytes, left out\]/);
    });

    t.test('a huge result is cut', async (t) => {
      const { replies } = await call(all(server, 'read', { resultChars: 1_000 }), 'echo', {
        message: 'x'.repeat(1_000_000),
      });
      t.equal((replies[0] as string).length < 1_100, true);
      t.match(replies[0], /999006 more characters left out/);
    });

    t.test('what does not fit is not sent; what the server refuses is an error', async (t) => {
      const { failures } = await outcomeOf(asking(all(server, 'read')), [
        { tool: 'get-structured-content', input: { location: 'Ulm' } },
        { tool: 'get-resource-reference', input: { resourceType: 'Text', resourceId: -1 } },
      ]);
      t.match(failures, [{ error: { code: 'MILL_RECORD_REJECTED' } }, { error: { message: /./ } }]);
    });

    t.test('a call that takes too long is given up, and the next one is answered', async (t) => {
      const tools = all(server, 'read', { timeout: '3s' });
      const slow = { ...tools['trigger-long-running-operation'], timeoutMs: 50 } as Tools[string];
      const { replies, failures } = await outcomeOf(asking({ ...tools, slow }), [
        { tool: 'echo', input: { message: 'before' } },
        { tool: 'slow', input: { duration: 60, steps: 1 } },
        { tool: 'echo', input: { message: 'after' } },
      ]);
      t.match(failures, [{ error: { code: 'MILL_ASYNC_TIMEOUT' } }]);
      t.same(replies, ['Echo: before', 'Echo: after']);
    });
  });
}

t.test('a server that was started anew is connected to anew', async (t) => {
  const listening = await ListeningServer.start();
  t.teardown(() => listening.stop());
  const tools = mcpTools({ server: { url: listening.url }, list, effects: { echo: 'once' } });
  const restarting = asking(tools, async ({ input }) => {
    if ((input as { message: string }).message !== 'again') return;
    await listening.stop();
    await listening.start();
  });
  const { replies, failures } = await outcomeOf(restarting, [
    { tool: 'echo', input: { message: 'once' } },
    { tool: 'echo', input: { message: 'again' } },
  ]);
  t.same(failures, []);
  t.same(replies, ['Echo: once', 'Echo: again']);
});

t.test('a server that is not there is an error of the call', async (t) => {
  const listening = await ListeningServer.start();
  await listening.stop();
  const { failures } = await call(all({ url: listening.url }, 'once'), 'echo', { message: 'hello' });
  t.match(failures, [{ error: { code: 'MILL_MCP_FAILED', message: /could not be reached/ } }]);
  const args = ['-e', 'console.error("no licence"); process.exit(3)'];
  const broken = await call(all({ command: process.execPath, args }, 'read'), 'echo', { message: 'hello' });
  t.match(broken.failures, [{ error: { code: 'MILL_MCP_FAILED', message: /no licence/ } }]);
});

t.test('a connection that breaks in the middle of a call', async (t) => {
  const asks = [
    { tool: 'echo', input: { message: 'fine' } },
    { tool: 'echo', input: { message: 'die now' } },
    { tool: 'echo', input: { message: 'still fine' } },
  ];
  await t.test('what reads is called again, and then given up', async (t) => {
    const { replies, failures } = await outcomeOf(asking(all(dying('die now'), 'read')), asks);
    t.same(replies, ['Echo: fine', 'Echo: still fine']);
    t.match(failures, [{ error: { code: 'MILL_MCP_FAILED', message: /broke/ } }]);
  });
  await t.test('what must not happen twice is in doubt, and a person is asked', async (t) => {
    const { replies, failures, requests } = await outcomeOf(asking(all(dying('die now'), 'once')), asks);
    t.same(replies, ['Echo: fine', 'Echo: still fine']);
    t.match(requests, [{ kind: 'in-doubt', subject: 'echo', input: { message: 'die now' }, idempotencyKey: /./ }]);
    t.match(failures, [{ error: { code: 'MILL_EFFECT_IN_DOUBT' } }]);
  });
  await noPrograms();
});

t.test('the server gets the headers, and the idempotency key', async (t) => {
  const { createServer } = await import('node:http');
  const seen: { headers: unknown; body: { method?: string; params?: { _meta?: object } } }[] = [];
  const proxied = await ListeningServer.start();
  t.teardown(() => proxied.stop());
  const proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    seen.push({ headers: request.headers, body: text === '' ? {} : JSON.parse(text) });
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(([name]) => !/^(host|connection|content-length)$/.test(name)),
    ) as Record<string, string>;
    const { method = 'GET' } = request;
    const answer = await fetch(proxied.url, { method, headers, ...(text !== '' && { body: text }) }).catch(
      () => undefined,
    );
    response.writeHead(answer?.status ?? 502, Object.fromEntries(answer?.headers ?? []));
    for await (const chunk of answer?.body ?? []) response.write(chunk);
    response.end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const { port } = proxy.address() as { port: number };
  const server = { url: `http://127.0.0.1:${port}/mcp`, headers: async () => ({ authorization: 'Bearer secret' }) };
  const { replies } = await call(all(server, 'idempotent'), 'echo', { message: 'hello' });
  t.same(replies, ['Echo: hello']);
  const called = seen.find(({ body }) => body.method === 'tools/call');
  t.match(called?.body.params?._meta, { 'millrace/idempotencyKey': /./ });
  t.match(
    seen.map(({ headers }) => headers),
    seen.map(() => ({ authorization: 'Bearer secret' })),
  );
});

t.test('a replay from the record needs no server', async (t) => {
  const { runs } = await outcomeOf(asking(all(everything, 'read')), [
    { tool: 'echo', input: { message: 'hello' } },
    { tool: 'get-sum', input: { a: 1, b: 2 } },
    { tool: 'get-sum', input: { a: 'x' } },
  ]);
  const started = join(t.testdir({}), 'started');
  const args = ['-e', `require('fs').writeFileSync(${JSON.stringify(started)}, '')`];
  const server = { command: process.execPath, args };
  const report = await replay({ agent: asking(all(server, 'read')), runs });
  t.match(report, { runs: 3, agreement: { rate: 1 } });
  t.notOk(existsSync(started));
});

t.test('on worker threads: one connection each, which ends with the job', async (t) => {
  const directory = t.testdir({});
  const module = { url: new URL('./mcp-job.js', import.meta.url).href };
  const { collected } = await run(module, echoing, { workers: 2, state: false, params: { directory } });
  t.same((collected.out as string[]).sort(), Array.from({ length: COUNT }, (_, n) => `Echo: ${n}`).sort());
  const pids = readdirSync(directory).map(Number);
  t.equal(pids.length, 2);
  for (const pid of pids) while (isAlive(pid)) await setImmediate();
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

t.test('a program that refuses the older version of the protocol is spoken to in the newer one', async (t) => {
  const found = await listMcpTools(modern);
  t.same(Object.keys(found), ['twice']);
  const tools = mcpTools({ server: modern, list: found, effects: { twice: 'read' } });
  const { replies } = await call(tools, 'twice', { n: 21 });
  t.same(replies, ['42']);
  await noPrograms();
});

t.test('a live replay connects, and closes', async (t) => {
  const { runs } = await outcomeOf(asking(all(everything, 'read')), [{ tool: 'echo', input: { message: 'hello' } }]);
  const report = await replay({ agent: asking(all(everything, 'read')), runs, calls: 'live' });
  t.match(report, { runs: 1, agreement: { rate: 1 } });
  await noPrograms();
});
