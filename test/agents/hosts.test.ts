/** Where tools and models may go, and what becomes of it when an answer sends them elsewhere. */
import { collect, fromIterable, job, run } from 'millrace';
import { agent, openAiCompatible, tool } from 'millrace/agents';
import t from 'tap';
import { z } from 'zod';
import { fetchWithin } from '../../agents/allowed-hosts.js';

interface Sent {
  readonly url: string;
  readonly method: string | undefined;
  readonly body: unknown;
  readonly authorization: string | null;
}

/** Answers by path: `/to?…` sends on with that status. */
function network() {
  const sent: Sent[] = [];
  const fetch = async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input);
    const authorization = new Headers(init.headers).get('authorization');
    const body = init.body instanceof ArrayBuffer ? new TextDecoder().decode(init.body) : init.body;
    sent.push({ url: url.href, method: init.method, body, authorization });
    const to = url.searchParams.get('to');
    if (to === null) return new Response('here');
    return new Response(null, { status: Number(url.searchParams.get('status') ?? 307), headers: { location: to } });
  };
  return { sent, fetch };
}

const refused = { code: 'MILL_HOST_REFUSED' };

t.test('hosts, their subdomains and ports', async (t) => {
  const { fetch, sent } = network();
  const within = fetchWithin(['a.example', '*.b.example', 'localhost:8080', 'c.example:443'], fetch);
  for (const url of ['http://a.example/x', 'https://A.example:99/', 'https://x.y.b.example', 'http://localhost:8080/'])
    t.equal(await (await within(url)).text(), 'here');
  await within('https://c.example/');
  t.equal(sent.length, 5);
  const others = [
    'http://b.example',
    'http://a.example.evil',
    'http://localhost',
    'http://c.example',
    'http://xb.example',
  ];
  for (const url of [...others, 'data:text/plain,x', 'http://127.0.0.1']) await t.rejects(within(url), refused, url);
  t.equal(sent.length, 5, 'nothing was sent there');
});

t.test('redirects stay within, and credentials with their origin', async (t) => {
  const { fetch, sent } = network();
  const within = fetchWithin(['a.example', 'b.example'], fetch);
  await t.rejects(within('http://a.example/?to=http://evil.example/'), refused);
  sent.length = 0;
  const init = { method: 'POST', body: '{"n":1}', headers: { authorization: 'Bearer x' } };
  await within('http://a.example/?to=/again', init);
  t.match(sent[1], { url: 'http://a.example/again', method: 'POST', body: '{"n":1}', authorization: 'Bearer x' });
  sent.length = 0;
  await within('http://a.example/?to=http://b.example/', { ...init, body: new TextEncoder().encode('{"n":2}') });
  t.match(sent[1], { url: 'http://b.example/', method: 'POST', body: '{"n":2}', authorization: null });
  sent.length = 0;
  await within('http://a.example/?status=303&to=/get', init);
  t.match(sent[1], { method: 'GET', body: null });
  t.equal((await within('http://a.example/?to=/x', { redirect: 'manual' })).status, 307);
  await t.rejects(within('http://a.example/?to=/x', { redirect: 'error' }));
  await t.rejects(within('http://a.example/?to=http%3A%2F%2Fa.example%2F%3Fto%3D%252F', { redirect: 'error' }));
});

t.test('of a tool, and of an agent with its model', async (t) => {
  const get = (hosts?: string[]) =>
    tool({
      description: 'Gets.',
      input: z.string(),
      effect: 'read',
      ...(hosts && { hosts }),
      run: async (url, { fetch }) => (await fetch(url)).text(),
    });
  const bound = agent({
    version: '1',
    hosts: ['127.0.0.1'],
    model: openAiCompatible({ model: 'm', baseUrl: 'http://model.example' }),
    tools: { any: get(), local: get(['localhost']) },
    async run(_input: number, ctx) {
      const codeOf = (called: Promise<unknown>) =>
        called.then(
          () => 'sent',
          ({ code }: { code: string }) => code,
        );
      return [
        await codeOf(ctx.tool('any', 'http://elsewhere.example')),
        await codeOf(ctx.tool('local', 'http://127.0.0.1:1')),
        await codeOf(ctx.tool('local', 'http://localhost:1')),
        await codeOf(ctx.model({ messages: [] })),
      ];
    },
  });
  const { results } = await run(
    job('bound', (j) =>
      j
        .from('inputs', fromIterable([1]))
        .keyBy((n) => n)
        .agent('bound', bound)
        .replies.to('out', collect()),
    ),
  );
  t.same(results, [Array(4).fill('MILL_HOST_REFUSED')]);
  t.throws(() => get(['http://a.example/']), { code: 'MILL_OPTION_INVALID' });
});
