/** Vectors of texts: the client over real HTTP, and the operator with its batches, cache and failures. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collect, deadLetter, fromIterable, job, run } from 'millrace';
import { type EmbeddingModel, type EmbedOptions, ModelError, openAiEmbeddings } from 'millrace/agents';
import { type ModelScript, startModelServer } from 'millrace/testing';
import t, { type Test } from 'tap';

const call = () => ({ signal: new AbortController().signal, fetch });

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
}

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error) => error,
  );

async function served(t: Test, script: ModelScript = { rules: [] }) {
  const server = await startModelServer(script);
  t.teardown(() => server.stop());
  return server;
}

t.test('the same vectors as numbers and as base64, near where texts are alike', async (t) => {
  const { url: baseUrl } = await served(t);
  const texts = ['the dog barks', 'a dog barks loudly', 'prices of copper'];
  const [plain, packed] = await Promise.all(
    [false, true].map((base64) => openAiEmbeddings({ model: 'scripted', baseUrl, base64 }).embed(texts, call())),
  );
  t.same(plain?.vectors, packed?.vectors);
  t.ok((plain?.usage.inputTokens ?? 0) > 5);
  const [dog, dogs, copper] = (plain?.vectors ?? []) as [Float32Array, Float32Array, Float32Array];
  t.equal(dog.length, 64);
  t.ok(cosine(dog, dogs) > 0.5 && cosine(dog, copper) < 0.2);
  const short = await openAiEmbeddings({ model: 'scripted', baseUrl, dimensions: 8 }).embed(texts, call());
  t.same(
    short.vectors.map(({ length }) => length),
    [8, 8, 8],
  );
});

t.test('what goes wrong', async (t) => {
  const cases = [
    [
      { kind: 'status', status: 429, retryAfter: 2 },
      { failure: 'rateLimited', retryAfterMs: 2_000, retryable: true },
    ],
    [
      { kind: 'status', status: 400, message: 'maximum context length' },
      { failure: 'tooLong', retryable: false },
    ],
    [{ kind: 'malformed' }, { failure: 'malformed', retryable: true }],
    [{ kind: 'disconnect' }, { failure: 'network', retryable: true }],
  ] as const;
  for (const [fault, expected] of cases) {
    const { url: baseUrl } = await served(t, { rules: [{ when: { of: 'embeddings' }, fault }] });
    t.match(await failureOf(openAiEmbeddings({ model: 'scripted', baseUrl }).embed(['a'], call())), expected);
  }
  const { url: baseUrl } = await served(t, { rules: [{ when: { of: 'embeddings' }, fault: { kind: 'stall' } }] });
  const controller = new AbortController();
  const stalled = openAiEmbeddings({ model: 'scripted', baseUrl }).embed(['a'], { signal: controller.signal, fetch });
  controller.abort();
  t.match(await failureOf(stalled), { failure: 'aborted' });
});

t.test('answers that are no vectors', async (t) => {
  const answers = [
    { data: [{ index: 0, embedding: [1, 2] }] },
    {
      data: [
        { index: 0, embedding: [1, 2] },
        { index: 1, embedding: [1] },
      ],
    },
    {
      data: [
        { index: 0, embedding: [1, null] },
        { index: 1, embedding: [1, 2] },
      ],
    },
    {
      data: [
        { index: 0, embedding: [] },
        { index: 1, embedding: [] },
      ],
    },
    {
      data: [
        { index: 0, embedding: 'AAA' },
        { index: 1, embedding: 'AAA' },
      ],
    },
    {},
  ];
  for (const answer of answers) {
    const server = createServer((_, response) => response.end(JSON.stringify(answer)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const embedded = openAiEmbeddings({ model: 'odd', baseUrl }).embed(['a', 'b'], call());
    t.match(await failureOf(embedded), { failure: 'malformed' }, JSON.stringify(answer));
    server.closeAllConnections();
    server.close();
  }
  const server = createServer((_, response) =>
    response.end(
      JSON.stringify({
        data: [
          { index: 1, embedding: [2] },
          { index: 0, embedding: [1] },
        ],
      }),
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { vectors } = await openAiEmbeddings({ model: 'odd', baseUrl }).embed(['a', 'b'], call());
  t.same(vectors, [Float32Array.of(1), Float32Array.of(2)], 'in the order of the texts');
  server.closeAllConnections();
  server.close();
});

interface Page {
  readonly id: number;
  readonly text: string;
}

const pages = (...texts: string[]): Page[] => texts.map((text, id) => ({ id, text }));

/** A vector says how long its text is. */
function lengths(seen: (readonly string[])[]): EmbeddingModel {
  return {
    id: 'lengths',
    async embed(texts) {
      seen.push(texts);
      if (texts.length * Math.max(...texts.map(({ length }) => length)) > 60)
        throw new ModelError('tooLong', 'too long');
      const vectors = texts.map(({ length }) => Float32Array.of(length, 1));
      return { vectors, usage: { inputTokens: 1, outputTokens: 0 } };
    },
  };
}

async function embedded(inputs: readonly Page[], options: EmbedOptions<Page>) {
  const { collected } = await run(
    job('pages', (j) => {
      j.from('pages', fromIterable(inputs))
        .embed('vectors', { onError: deadLetter('letters', collect()), ...options }, ({ id }, [length]) => [id, length])
        .to('out', collect());
    }),
    { restart: { kind: 'none' } },
  );
  return collected as unknown as { out: unknown[]; letters: { record: Page; error: { code: string } }[] };
}

const input = ({ text }: Page): string => text;

t.test('many texts in a request, the same one once, those without text not at all', async (t) => {
  const seen: (readonly string[])[] = [];
  const inputs = pages('one', 'three', 'one', '', 'seven');
  const batch = { size: 5, delay: '1m' } as const;
  const { out, letters } = await embedded(inputs, { model: lengths(seen), input, batch });
  t.same(out, [
    [0, 3],
    [1, 5],
    [2, 3],
    [4, 5],
  ]);
  t.same(seen, [['one', 'three', 'seven']]);
  t.match(letters, [{ record: { id: 3 }, error: { code: 'MILL_RECORD_REJECTED', message: /an empty text/ } }]);
});

t.test('what is too long together is halved; what is too long alone fails alone', async (t) => {
  const seen: (readonly string[])[] = [];
  const texts = Array.from({ length: 8 }, (_, n) => 'x'.repeat(n === 5 ? 61 : n + 10));
  const { out, letters } = await embedded(pages(...texts), {
    model: lengths(seen),
    input,
    batch: { size: 8, delay: '1m' },
  });
  t.same(
    out,
    [0, 1, 2, 3, 4, 6, 7].map((id) => [id, id + 10]),
  );
  t.match(letters, [{ record: { id: 5 }, error: { code: 'MILL_MODEL_FAILED' } }]);
});

t.test('the cache answers what was asked before', async (t) => {
  const seen: (readonly string[])[] = [];
  const options = { model: lengths(seen), input, batch: { size: 2, delay: 1 }, capacity: 1, cache: { size: 10 } };
  const { out } = await embedded(pages('one', 'three', 'three', 'one', 'seven', 'one'), options);
  t.same(out, [
    [0, 3],
    [1, 5],
    [2, 5],
    [3, 3],
    [4, 5],
    [5, 3],
  ]);
  t.same(seen, [['one', 'three'], ['seven']]);
});

t.test('over HTTP, again when the provider says so; the vector alone', async (t) => {
  const fault = { kind: 'status', status: 429, retryAfter: '0.02' } as const;
  const server = await served(t, { rules: [{ when: { of: 'embeddings', user: 'cat', upTo: 2 }, fault }] });
  const model = openAiEmbeddings({ model: 'scripted', baseUrl: server.url, base64: true });
  const { collected } = await run(
    job('texts', (j) => {
      j.from('texts', fromIterable(['dog', 'cat']))
        .embed('vectors', { model })
        .map((vector) => Math.round(cosine(vector, vector)))
        .to('out', collect());
    }),
  );
  t.same(collected.out, [1, 1]);
  t.equal(server.requests.length, 3);
});

t.test('options that make no sense', async (t) => {
  const texts = (options: object) =>
    run(
      job('texts', (j) => {
        j.from('texts', fromIterable(['a']))
          .embed('vectors', options as never)
          .to('out', collect());
      }),
    );
  for (const wrong of [{}, { model: { id: 'a', chat: () => {} } }, { model: lengths([]), attempts: 1.5 }])
    t.throws(() => texts(wrong), { code: 'MILL_OPTION_INVALID' });
});
