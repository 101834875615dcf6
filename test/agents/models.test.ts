/**
 * Clients of models against a scripted server, over real HTTP: whole answers and streams, tools, usage, and everything that
 * goes wrong on the way.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MillraceError } from 'millrace';
import {
  type ChatAnswer,
  type ChatRequest,
  fromAiSdk,
  ModelError,
  type OpenAiCompatible,
  openAiCompatible,
} from 'millrace/agents';
import { type ModelScript, startModelServer } from 'millrace/testing';
import t from 'tap';

const hello: ChatRequest = {
  messages: [
    { role: 'system', text: 'Be kind.' },
    { role: 'user', text: 'say hello to ann' },
  ],
};

interface Asked {
  readonly answer: ChatAnswer | undefined;
  readonly error: ModelError | undefined;
  readonly texts: readonly string[];
  readonly bodies: readonly Record<string, never>[];
}

async function ask(
  script: ModelScript,
  request = hello,
  more: Partial<OpenAiCompatible> = {},
  signal?: AbortSignal,
): Promise<Asked> {
  const server = await startModelServer(script);
  const texts: string[] = [];
  try {
    const model = openAiCompatible({ model: 'scripted', baseUrl: server.url, ...more });
    const call = { signal: signal ?? new AbortController().signal, fetch, onText: (text: string) => texts.push(text) };
    const bodies = (): Record<string, never>[] => server.requests.map(({ body }) => body as Record<string, never>);
    try {
      return { answer: await model.chat(request, call), error: undefined, texts, bodies: bodies() };
    } catch (error) {
      return { answer: undefined, error: error as ModelError, texts, bodies: bodies() };
    }
  } finally {
    await server.stop();
  }
}

for (const stream of [false, true]) {
  t.test(stream ? 'in a stream' : 'whole', async (t) => {
    t.test('a text, with what it has cost', async (t) => {
      const rules = [
        {
          when: { user: 'hello to (?<name>\\w+)', system: 'kind' },
          answer: { text: 'Hello {{name}}, and a very good day to you!' },
        },
      ];
      const { answer, texts } = await ask({ rules }, hello, { stream });
      t.match(answer, { text: 'Hello ann, and a very good day to you!', calls: [], finish: 'stop', model: 'scripted' });
      t.ok((answer?.usage.inputTokens ?? 0) > 10 && (answer?.usage.outputTokens ?? 0) > 5);
      t.equal(texts.length > 1, stream);
      if (stream) t.equal(texts.join(''), answer?.text);
    });

    t.test('calls of tools, and their results on the way back', async (t) => {
      const rules = [
        {
          when: { noTool: true },
          answer: {
            calls: [
              { tool: 'look', input: { name: 'ann', deep: { list: [1, 2, 'a long text in here'] } } },
              { tool: 'other', input: {} },
            ],
          },
        },
        { when: { tool: 'gold' }, answer: { json: { done: true } } },
      ];
      const tools = [{ name: 'look', description: 'Looks.', input: { type: 'object' } }];
      const first = await ask({ rules }, { ...hello, tools }, { stream });
      t.match(first.answer, {
        finish: 'tools',
        calls: [
          { tool: 'look', input: { name: 'ann', deep: { list: [1, 2, 'a long text in here'] } } },
          { tool: 'other', input: {} },
        ],
      });
      t.match(first.bodies[0], {
        tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
      });
      const calls = first.answer?.calls ?? [];
      const results = calls.map(({ id, tool }) => ({ role: 'tool', callId: id, tool, text: 'gold' }) as const);
      const second = await ask(
        { rules },
        { messages: [...hello.messages, { role: 'assistant', text: '', calls }, ...results] },
        { stream },
      );
      t.match(second.answer, { text: '{"done":true}', finish: 'stop' });
      t.match(second.bodies[0]?.messages, [
        {},
        {},
        { role: 'assistant', tool_calls: [{ id: calls[0]?.id }, {}] },
        { role: 'tool', tool_call_id: calls[0]?.id, content: 'gold' },
        {},
      ]);
    });

    t.test('an answer that was cut off or withheld says so', async (t) => {
      for (const [finish, expected] of [
        ['length', 'length'],
        ['content_filter', 'filter'],
      ] as const) {
        const { answer } = await ask({ rules: [{ answer: { text: 'so far', finish } }] }, hello, { stream });
        t.match(answer, { text: 'so far', finish: expected });
      }
    });

    for (const kind of ['malformed', 'truncated', 'disconnect'] as const) {
      t.test(`a fault: ${kind}`, async (t) => {
        const { error } = await ask(
          { rules: [{ answer: { text: 'a text of some length, to be cut' }, fault: { kind } }] },
          hello,
          { stream },
        );
        t.match(error, {
          code: 'MILL_MODEL_FAILED',
          retryable: true,
          failure: kind === 'disconnect' ? 'network' : 'malformed',
        });
      });
    }
  });
}

t.test('what a status means', async (t) => {
  const cases = [
    [429, 'rateLimited', true],
    [500, 'overloaded', true],
    [529, 'overloaded', true],
    [408, 'timeout', true],
    [401, 'unauthorized', false],
    [400, 'rejected', false],
    [413, 'tooLong', false],
  ] as const;
  for (const [status, failure, retryable] of cases) {
    const { error } = await ask({ rules: [{ fault: { kind: 'status', status, message: 'no' } }] });
    t.match(error, { failure, retryable, status }, String(status));
  }
  const long = await ask({
    rules: [{ fault: { kind: 'status', status: 400, message: 'maximum context length is 128000' } }],
  });
  t.match(long.error, { failure: 'tooLong' });
  const { error } = await ask({ rules: [] });
  t.match(error, { failure: 'rejected', message: /no rule fits/ });
});

t.test('Retry-After: seconds, or a date', async (t) => {
  const after = async (retryAfter: number | string): Promise<number | undefined> =>
    (await ask({ rules: [{ fault: { kind: 'status', status: 429, retryAfter } }] })).error?.retryAfterMs;
  t.equal(await after(2), 2_000);
  t.equal(await after('0.5'), 500);
  const until = await after(new Date(Date.now() + 60_000).toUTCString());
  t.ok(until !== undefined && until > 50_000 && until <= 61_000, String(until));
  t.equal(await after('soon'), undefined);
});

t.test('an aborted call has failed, whatever the server does', async (t) => {
  const controller = new AbortController();
  const asked = ask({ rules: [{ fault: { kind: 'stall' } }] }, hello, {}, controller.signal);
  controller.abort();
  t.match((await asked).error, { failure: 'aborted', retryable: false });
});

t.test('nobody there', async (t) => {
  const model = openAiCompatible({ model: 'm', baseUrl: 'http://127.0.0.1:1/v1', apiKey: 'secret-key' });
  const failure = await model
    .chat(hello, { signal: new AbortController().signal, fetch })
    .catch((error: unknown) => error);
  t.match(failure, { failure: 'network', retryable: true });
  t.notMatch(JSON.stringify(failure), /secret-key/);
});

t.test('the key is sent, and asked for with each call', async (t) => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end(JSON.stringify({ choices: [{ message: { content: 'x' } }] }));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => server.close());
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let calls = 0;
  const model = openAiCompatible({ model: 'm', baseUrl, apiKey: () => `key-${++calls}`, headers: { 'x-team': 'a' } });
  for (let n = 0; n < 2; n += 1)
    t.match(await model.chat(hello, { signal: new AbortController().signal, fetch }), { text: 'x' });
  t.same(seen, ['Bearer key-1', 'Bearer key-2']);
});

t.test('streams are read whatever chunks they come in', async (t) => {
  const text =
    'data: {"choices":[{"delta":{"content":"gr\u00fc\u00df"}}]}\r\n\r\n: alive\r\n\r\ndata: {"choices":[{"delta":{"content":" dich"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size < 20; size += 1) {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    const model = openAiCompatible({ model: 'm', baseUrl: 'http://x', stream: true });
    const call = { signal: new AbortController().signal, fetch: async () => new Response(stream) };
    t.match(await model.chat(hello, call), { text: 'gr\u00fc\u00df dich', finish: 'stop' }, `${size} bytes a chunk`);
  }
});

t.test('rules: the n-th, the first few, by chance, embeddings', async (t) => {
  const server = await startModelServer({
    seed: 7,
    latency: { median: 2, sigma: 0.5 },
    rules: [
      { when: { user: 'x', upTo: 2 }, fault: { kind: 'status', status: 503 } },
      { when: { user: 'x', nth: 2 }, answer: { text: 'the second that is left' } },
      { when: { user: 'x' }, answer: { text: 'another' } },
      { when: { user: 'y', probability: 0.5 }, answer: { text: 'heads' } },
      { when: { user: 'y' }, answer: { text: 'tails' } },
    ],
  });
  t.teardown(() => server.stop());
  const model = openAiCompatible({ model: 'm', baseUrl: server.url });
  const say = (text: string): Promise<string> =>
    model.chat({ messages: [{ role: 'user', text }] }, { signal: new AbortController().signal, fetch }).then(
      (answer) => answer.text,
      (error: ModelError) => String(error.status),
    );
  const said: string[] = [];
  for (let n = 0; n < 6; n += 1) said.push(await say('x'));
  t.same(said, ['503', '503', 'another', 'the second that is left', 'another', 'another']);
  const tossed: string[] = [];
  for (let n = 0; n < 40; n += 1) tossed.push(await say('y'));
  const heads = tossed.filter((text) => text === 'heads').length;
  t.ok(heads > 8 && heads < 32, `${heads} heads`);
  const response = await fetch(`${server.url}/embeddings`, {
    method: 'POST',
    body: JSON.stringify({ model: 'e', input: ['a red car', 'the red car', 'blue sky'] }),
  });
  const { data } = (await response.json()) as { data: { embedding: number[] }[] };
  const near = (a: number, b: number): number =>
    (data[a]?.embedding ?? []).reduce((sum, value, at) => sum + value * (data[b]?.embedding[at] ?? 0), 0);
  t.ok(near(0, 1) > near(0, 2));
  await t.rejects(startModelServer({ rules: [{ when: { user: '(' }, answer: { text: '' } }] }), {
    code: 'MILL_OPTION_INVALID',
  });
});

t.test('models of the AI SDK, versions 2 and 3 of its specification', async (t) => {
  const seen: unknown[] = [];
  const sdk = (generated: object) =>
    fromAiSdk({
      provider: 'p',
      modelId: 'm',
      doGenerate: async (options: unknown) => {
        seen.push(options);
        return generated;
      },
    });
  const call = { signal: new AbortController().signal, fetch };
  const content = [
    { type: 'text', text: 'hm' },
    { type: 'tool-call', toolCallId: '1', toolName: 'look', input: '{"a":1}' },
    { type: 'tool-call', toolCallId: '2', toolName: 'look', input: '{"a"' },
  ];
  const two = sdk({
    content,
    finishReason: 'tool-calls',
    usage: { inputTokens: 3, outputTokens: 4, cachedInputTokens: 1 },
  });
  t.equal(two.id, 'p/m');
  const request: ChatRequest = {
    ...hello,
    tools: [{ name: 'look', description: 'Looks.', input: { type: 'object' } }],
    output: { name: 'reply', schema: { type: 'object' } },
  };
  const answer = await two.chat(request, call);
  t.same(answer.calls, [
    { id: '1', tool: 'look', input: { a: 1 } },
    { id: '2', tool: 'look', input: null, malformed: '{"a"' },
  ]);
  t.match(answer, { text: 'hm', finish: 'tools', usage: { inputTokens: 3, outputTokens: 4, cachedTokens: 1 } });
  t.match(seen[0], {
    prompt: [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: [{ type: 'text' }] },
    ],
    tools: [{ type: 'function', name: 'look', inputSchema: {} }],
    responseFormat: { type: 'json' },
  });
  const three = sdk({
    content: [{ type: 'text', text: 'x' }],
    finishReason: { unified: 'length' },
    usage: { inputTokens: { total: 9, cacheRead: 2 }, outputTokens: { total: 5 } },
  });
  t.match(await three.chat(hello, call), {
    text: 'x',
    finish: 'length',
    usage: { inputTokens: 9, outputTokens: 5, cachedTokens: 2 },
  });
  const fails = fromAiSdk({
    provider: 'p',
    modelId: 'm',
    doGenerate: () =>
      Promise.reject(
        Object.assign(new Error('slow down'), { statusCode: 429, responseHeaders: { 'retry-after': '3' } }),
      ),
  });
  const failure = await fails.chat(hello, call).catch((error: unknown) => error);
  t.match(failure, { failure: 'rateLimited', retryAfterMs: 3_000 });
});

t.test('an error of a model is one of the package', (t) => {
  t.ok(new ModelError('network', 'x') instanceof ModelError);
  t.notOk(new MillraceError('MILL_BUG', 'x') instanceof ModelError);
  t.ok(new ModelError('network', 'x') instanceof MillraceError);
  t.end();
});

/** A provider that answers with prepared texts. */
const saying = (body: string, init?: ResponseInit) => ({
  signal: new AbortController().signal,
  fetch: async () => new Response(body, init),
});

const event = (delta: object, more: object = {}): string =>
  `data: ${JSON.stringify({ choices: [{ delta, ...more }] })}\n\n`;

t.test('keys are in no error, whatever is wrong with them', async (t) => {
  const made = (apiKey: OpenAiCompatible['apiKey']) =>
    openAiCompatible({ model: 'm', baseUrl: 'http://x', apiKey: apiKey as string });
  const refused = await made('sk-secret')
    .chat(hello, saying('no such key: sk-secret', { status: 401 }))
    .catch((error: unknown) => error);
  t.match(refused, { failure: 'unauthorized', message: /no such key: \(the key\)/ });
  const broken = await made('sk-\nsecret')
    .chat(hello, saying(''))
    .catch((error: ModelError) => error);
  t.match(broken, { failure: 'unauthorized', retryable: false });
  const failing = () => {
    throw new Error('vault sk-secret');
  };
  const absent = await made(failing)
    .chat(hello, saying(''))
    .catch((error: ModelError) => error);
  t.match(absent, { failure: 'unauthorized' });
  for (const error of [refused, broken, absent])
    t.notMatch(JSON.stringify(error) + String((error as Error).cause), /secret/);
});

t.test('schemas are strict where they may be, and never where they may not', async (t) => {
  const formats: unknown[] = [];
  const model = openAiCompatible({ model: 'm', baseUrl: 'http://x' });
  const call = {
    signal: new AbortController().signal,
    fetch: async (_: unknown, init?: RequestInit) => {
      formats.push(JSON.parse(init?.body as string).response_format.json_schema);
      return new Response('{"choices":[{"message":{"content":"{}"}}]}');
    },
  };
  const object = (required: string[], more: object = {}) => ({
    type: 'object',
    properties: { a: { type: 'string' } },
    required,
    ...more,
  });
  const schemas = [
    object(['a']),
    object([]),
    object(['a'], { additionalProperties: {} }),
    object(['a'], { properties: { a: object([]) } }),
    { type: 'object', additionalProperties: { type: 'number' } },
  ];
  for (const schema of schemas) await model.chat({ ...hello, output: { name: 'reply', schema } }, call as never);
  t.match(formats[0], { strict: true, schema: { additionalProperties: false } });
  for (const format of formats.slice(1)) t.match(format, { strict: false });
});

t.test('calls in a stream, as servers differ: indices from 1, none, names said again', async (t) => {
  const model = openAiCompatible({ model: 'm', baseUrl: 'http://x', stream: true });
  const end = `${event({}, { finish_reason: 'tool_calls' })}data: [DONE]\n\n`;
  const piece = (index: number | undefined, id: string | undefined, name: string | undefined, args: string): string =>
    event({ tool_calls: [{ index, id, function: { name, arguments: args } }] });
  const wanted = [
    { id: 'x', tool: 'look', input: { a: 1 } },
    { id: 'y', tool: 'find', input: {} },
  ];
  const streams = [
    piece(1, 'x', 'look', '{"a"') + piece(1, undefined, undefined, ':1}') + piece(2, 'y', 'find', '{}'),
    piece(undefined, 'x', 'look', '{"a":1}') + piece(undefined, 'y', 'find', '{}'),
    piece(0, 'x', 'look', '{"a"') + piece(0, 'x', 'look', ':1}') + piece(1, 'y', 'find', '{}'),
  ];
  for (const stream of streams) t.same((await model.chat(hello, saying(stream + end))).calls, wanted);
});

t.test('a stream that ends before it has said what it cost is cut off', async (t) => {
  const model = openAiCompatible({ model: 'm', baseUrl: 'http://x', stream: true });
  const text = event({ content: 'all' }, { finish_reason: 'stop' });
  const cut = await model.chat(hello, saying(text)).catch((error: unknown) => error);
  t.match(cut, { failure: 'malformed' });
  t.match(await model.chat(hello, saying(`${text}data: [DONE]\n\n`)), { text: 'all' });
  t.match(await model.chat(hello, saying(`${text}data: {"usage":{"prompt_tokens":3}}\n\n`)), {
    usage: { inputTokens: 3 },
  });
});

t.test('parts, refusals, and errors with status 200', async (t) => {
  const model = openAiCompatible({ model: 'm', baseUrl: 'http://x' });
  const message = (content: object): ReturnType<typeof saying> =>
    saying(JSON.stringify({ choices: [{ message: content }] }));
  t.match(await model.chat(hello, message({ content: [{ type: 'text', text: 'a' }, { text: 'b' }] })), { text: 'ab' });
  t.match(await model.chat(hello, message({ content: null, refusal: 'no' })), { text: 'no', finish: 'filter' });
  const failed = await model.chat(hello, saying('{"error":{"message":"full"}}')).catch((error: unknown) => error);
  t.match(failed, { failure: 'overloaded', message: /full/ });
});

t.test('rules that are none are refused', async (t) => {
  const wrong = [
    { when: { usr: 'x' }, answer: { text: '' } },
    { fault: { kind: 'stal' } },
    { fault: { kind: 'status', status: 200 } },
    { whn: {}, answer: { text: '' } },
    {},
  ];
  for (const rule of wrong)
    await t.rejects(startModelServer({ rules: [rule as never] }), { code: 'MILL_OPTION_INVALID' });
});
