/**
 * A secret is planted, used in every way, and looked for in everything that a job has written and told.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { collect, deadLetter, fileSink, fromIterable, job, ndjson, run } from 'millrace';
import { agent, jsonSchema, openAiCompatible, otlpSink, secret, tool } from 'millrace/agents';
import t from 'tap';
import { z } from 'zod';

const VALUE = 'k7-whale-lantern/"42"';
const token = secret('BANK_TOKEN', { from: () => VALUE });
const ways = [VALUE, encodeURIComponent(VALUE), JSON.stringify(VALUE).slice(1, -1), btoa(VALUE).replace(/=+$/, '')];

/** Repeats the token in whatever it answers; models that ask it are refused. */
async function repeating(t: { teardown(handler: () => void): void }) {
  const heard: string[] = [];
  const told: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    heard.push(String(request.headers.authorization));
    told.push(body);
    if (request.url?.endsWith('/completions')) response.statusCode = 400;
    response.end(JSON.stringify({ error: `not for ${request.headers.authorization}`, basic: btoa(VALUE) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return { heard, told, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

t.test('it is in no file, no record and no trace', async (t) => {
  const directory = t.testdir();
  const { url, heard, told } = await repeating(t);
  const input = z.object({ id: z.number() });
  const pay = (effect: 'read' | 'idempotent' | 'once' | 'outbox') =>
    tool({
      description: 'Pays.',
      input,
      effect,
      run: async ({ id }, { fetch }) => {
        const answer = await fetch(url, { headers: { authorization: `Bearer ${await token()}` } });
        if (id === 1) throw new Error(`no ${await token()}`);
        return { said: await answer.text(), of: { [await token()]: id } };
      },
    });
  const paying = agent({
    version: '1',
    model: openAiCompatible({ model: 'm', baseUrl: url, apiKey: token }),
    tools: { read: pay('read'), idempotent: pay('idempotent'), once: pay('once'), outbox: pay('outbox') },
    async run({ id }: { id: number }, ctx) {
      if (id !== 1) await ctx.tool('outbox', { id });
      const said = [];
      for (const name of ['read', 'idempotent', 'once'])
        said.push(await ctx.tool(name, { id }).catch((error: Error) => error.message));
      ctx.emit({ leaked: await token(), said });
      const stepped = await ctx.step('step', async () => `it is ${await token()}`);
      if (id === 2) throw new Error(`failed with ${await token()}`);
      const failed = await ctx
        .model({ messages: [{ role: 'user', text: 'hello' }] })
        .catch((error: Error) => error.message);
      if (id === 3) await ctx.tool('read', { id, note: await token() } as never).catch(() => undefined);
      if (id === 4) await ctx.model({ messages: [{ role: 'user', text: await token() }] });
      return { said, stepped, failed, token: await token() };
    },
  });
  const { collected } = await run(
    job('secrets', (j) => {
      const inputs = j.from('inputs', fromIterable([0, 1, 2, 3, 4].map((id) => ({ id }))));
      const streams = inputs.keyBy(({ id }) => id).agent('paying', paying);
      for (const name of ['replies', 'failures', 'runs', 'emitted'] as const) {
        streams[name].to(name, fileSink(join(directory, name), ndjson()) as never);
        streams[name].to(`${name}-too`, collect() as never);
      }
      streams.runs.to('traces', otlpSink({ url, content: true }));
      inputs
        .infer('asked', {
          model: openAiCompatible({ model: 'm', baseUrl: url, apiKey: token }),
          instructions: 'Say.',
          output: jsonSchema<{ n: number }>({ type: 'object' }),
          onError: deadLetter('dead', fileSink(join(directory, 'dead'), ndjson())),
        })
        .to('out', collect());
    }),
    { state: join(directory, 'state'), checkpointEvery: '20ms' },
  );
  t.ok(
    heard.some((header) => header === `Bearer ${VALUE}`),
    'who is to have it has it',
  );
  const files = filesBelow(directory);
  const texts = files.map((file) => readFileSync(file, 'latin1'));
  t.ok(files.some((file) => file.includes('state')) && files.some((file) => file.includes('dead')), 'there are files');
  const everything = [...texts, ...told, JSON.stringify(collected)];
  for (const way of ways)
    t.same(
      files.filter((_, at) => texts[at]?.includes(way)),
      [],
      `no file has ${way.slice(0, 4)}…`,
    );
  for (const way of ways)
    t.notOk(
      everything.some((text) => text.includes(way)),
      'nor anything else',
    );
  t.ok(texts.some((text) => text.includes('[secret BANK_TOKEN]')));
  const failures = collected['failures-too'] as { input: { id: number }; error: { code: string; message: string } }[];
  const byId = Object.fromEntries(failures.map(({ input: { id }, error }) => [id, error]));
  t.match(byId, {
    2: { code: 'MILL_AGENT_FAILED', message: 'failed with [secret BANK_TOKEN]' },
    4: { code: 'MILL_SECRET_EXPOSED' },
  });
});

t.test('a job that fails says nothing of it', async (t) => {
  const failing = job('failing', (j) => {
    j.from('inputs', fromIterable([1]))
      .mapAsync('asked', async () => {
        throw new Error(`for ${await token()}`, { cause: new Error(await token()) });
      })
      .to('out', collect());
  });
  const error = (await Promise.resolve(run(failing)).catch((thrown: unknown) => thrown)) as Error;
  t.match(error.message, 'for [secret BANK_TOKEN]');
  const told = [error.message, error.stack, (error.cause as Error).stack, JSON.stringify(error)].join('\n');
  for (const way of ways) t.notMatch(told, new RegExp(way.replace(/[^\w]/g, '\\$&')));
});

t.test('one that is missing is a typed error, which says its name', async (t) => {
  const missing = { code: 'MILL_SECRET_MISSING', message: 'there is no secret MILLRACE_TEST_NO_SUCH' };
  await t.rejects(secret('MILLRACE_TEST_NO_SUCH')(), missing);
  const broken = secret('X', { from: () => Promise.reject(new Error('vault: swordfish')) });
  await t.rejects(broken(), { message: 'secret X could not be had: its resolver failed', cause: undefined });
  const model = openAiCompatible({
    model: 'm',
    baseUrl: 'http://127.0.0.1:1',
    apiKey: secret('MILLRACE_TEST_NO_SUCH'),
  });
  const { signal } = new AbortController();
  await t.rejects(model.chat({ messages: [] }, { signal, fetch }), missing);
});
