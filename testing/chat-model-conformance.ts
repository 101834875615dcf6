/**
 * What a `ChatModel` has to do, as checks that any test runner can run: each asks a model of a scripted server, over real HTTP, and
 * rejects with what is wrong. For clients of OpenAI's API, whichever way they go about it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ChatAnswer, ChatMessage, ChatModel, ChatRequest, ModelCall } from '../agents/model/chat-model.js';
import { ModelError, type ModelFailure } from '../agents/model/model-error.js';
import { type ModelServer, startModelServer } from '../agents/model-server/model-server.js';
import type { ModelRule } from '../agents/model-server/rules.js';
import { packPlain, unpackPlain } from '../core/codec.js';
import { describeValue } from '../core/errors.js';
import { NodeHost } from '../engine/host/node-host.js';
import { MainPool } from '../engine/host/task-pool.js';

/** One thing that a model has to do. */
export interface ConformanceCheck {
  readonly name: string;
  /** Resolves if it does it; rejects with what is wrong. */
  run(): Promise<void>;
}

/** What the model under test can do beyond what it must. */
export interface ConformanceOptions {
  /** It gives its text in pieces to `onText`. */
  readonly streams?: boolean;
}

/** Of the model under test, with the server that it asks. */
interface Trial {
  readonly model: ChatModel;
  readonly server: ModelServer;
  readonly fetch: ModelCall['fetch'];
  readonly options: ConformanceOptions;
  /** Resolves when the first request has come. */
  readonly arrived: Promise<void>;
}

type Check = (trial: Trial) => Promise<void>;

/**
 * Checks of a chat model: messages, tools, several calls at a time, JSON, usage, and everything that goes wrong. `modelOf` makes
 * one for the base URL of a server that speaks OpenAI's API.
 *
 * @example
 * for (const { name, run } of chatModelConformance((baseUrl) => openAiCompatible({ model: 'scripted', baseUrl }))) {
 *   test(name, run)
 * }
 */
export function chatModelConformance(
  modelOf: (baseUrl: string) => ChatModel,
  options: ConformanceOptions = {},
): readonly ConformanceCheck[] {
  return CHECKS.map(([name, rules, check]) => ({ name, run: () => tried(modelOf, options, rules, check) }));
}

async function tried(
  modelOf: (baseUrl: string) => ChatModel,
  options: ConformanceOptions,
  rules: readonly ModelRule[],
  check: Check,
): Promise<void> {
  const host = new NodeHost(new MainPool(undefined));
  let arrive = (): void => undefined;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const server = await startModelServer({ rules }, { onRequest: () => arrive() });
  try {
    const fetch: ModelCall['fetch'] = (input, init) => host.fetch(input as string, init);
    await check({ model: modelOf(server.url), server, fetch, options, arrived });
  } finally {
    await server.stop();
  }
}

const HELLO: readonly ChatMessage[] = [
  { role: 'system', text: 'Be kind.' },
  { role: 'user', text: 'Say hello to ann.' },
];

const LOOK = {
  name: 'look',
  description: 'Looks somebody up.',
  input: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'], additionalProperties: false },
};

const CHECKS: readonly (readonly [name: string, rules: readonly ModelRule[], check: Check])[] = [
  [
    'it has a name',
    [],
    async ({ model }) => expect(typeof model.id === 'string' && model.id !== '', 'an id', model.id),
  ],
  [
    'a text, by the messages in their roles',
    [{ when: { system: 'kind', user: 'hello to (?<name>\\w+)' }, answer: { text: 'Hello {{name}}, grüß dich 👋!' } }],
    async (trial) => {
      const answer = await asked(trial);
      expectSame(
        { text: 'Hello ann, grüß dich 👋!', calls: [], finish: 'stop' },
        partOf(answer, 'text', 'calls', 'finish'),
      );
      expectSame(['system', 'user'], rolesOf(trial));
      expectSame(answer, unpackPlain(packPlain(answer)), 'plain data');
    },
  ],
  [
    'what it has cost',
    [{ answer: { text: 'a text of some length' } }],
    async (trial) => {
      const { inputTokens, outputTokens } = (await asked(trial)).usage;
      expect(inputTokens > 5 && outputTokens > 3, 'tokens, in and out', { inputTokens, outputTokens });
    },
  ],
  [
    'a text in pieces',
    [{ answer: { text: 'a text that is longer than a piece, and so comes in several of them' } }],
    async (trial) => {
      const pieces: string[] = [];
      const { text } = await asked(trial, {}, { onText: (piece) => pieces.push(piece) });
      if (trial.options.streams)
        expect(pieces.length > 1 && pieces.join('') === text, 'the pieces of the text', pieces);
      else expect(pieces.length === 0 || pieces.join('') === text, 'the pieces of the text, or none', pieces);
    },
  ],
  [
    'calls of tools, several at a time',
    [
      {
        answer: {
          calls: [
            { tool: 'look', input: { name: 'ann', deep: { list: [1, 'a text of some length in here'] } } },
            { tool: 'look', input: { name: 'bob' } },
          ],
        },
      },
    ],
    async (trial) => {
      const { calls, finish } = await asked(trial, { tools: [LOOK] });
      expectSame('tools', finish);
      expectSame(
        [
          { tool: 'look', input: { name: 'ann', deep: { list: [1, 'a text of some length in here'] } } },
          { tool: 'look', input: { name: 'bob' } },
        ],
        calls.map(({ tool, input }) => ({ tool, input })),
      );
      expect(new Set(calls.map(({ id }) => id)).size === 2, 'two ids', calls);
      const sent = JSON.stringify(bodyOf(trial));
      for (const part of ['look', 'Looks somebody up.', '"required":["name"]'])
        expect(sent.includes(part), `the tool's ${part}`, sent);
    },
  ],
  [
    'results of tools on their way back',
    [{ when: { tool: 'gold' }, answer: { text: 'ann is gold' } }],
    async (trial) => {
      const calls = [
        { id: 'call-a', tool: 'look', input: { name: 'bob' } },
        { id: 'call-b', tool: 'look', input: { name: 'ann' } },
      ];
      const messages: ChatMessage[] = [
        ...HELLO,
        { role: 'assistant', text: '', calls },
        { role: 'tool', callId: 'call-a', tool: 'look', text: 'nobody is there', failed: true },
        { role: 'tool', callId: 'call-b', tool: 'look', text: 'gold' },
      ];
      expectSame('ann is gold', (await asked(trial, { messages, tools: [LOOK] })).text);
      expectSame(['system', 'user', 'assistant', 'tool', 'tool'], rolesOf(trial));
      const sent = JSON.stringify(bodyOf(trial));
      for (const part of ['call-a', 'call-b', 'nobody is there']) expect(sent.includes(part), part, sent);
    },
  ],
  [
    'an answer by a schema',
    [{ answer: { json: { urgent: true } } }],
    async (trial) => {
      const schema = { type: 'object', properties: { urgent: { type: 'boolean' } }, required: ['urgent'] };
      const { text } = await asked(trial, { output: { name: 'verdict', schema } });
      expectSame({ urgent: true }, JSON.parse(text));
      const sent = JSON.stringify(bodyOf(trial));
      expect(sent.includes('"urgent"') && sent.includes('json_schema'), 'the schema', sent);
    },
  ],
  [
    'limits are told',
    [{ answer: { text: 'yes' } }],
    async (trial) => {
      await asked(trial, { maxOutputTokens: 77, temperature: 0.25 });
      const values = Object.values(bodyOf(trial));
      expect(values.includes(77) && values.includes(0.25), '77 tokens and a temperature of 0.25', bodyOf(trial));
    },
  ],
  [
    'an answer that was cut off',
    [{ answer: { text: 'so far', finish: 'length' } }],
    async (trial) => expectSame({ text: 'so far', finish: 'length' }, partOf(await asked(trial), 'text', 'finish')),
  ],
  [
    'an answer that was withheld',
    [{ answer: { text: '', finish: 'content_filter' } }],
    async (trial) => expectSame('filter', (await asked(trial)).finish),
  ],
  ...(
    [
      [429, 'rateLimited', true],
      [500, 'overloaded', true],
      [503, 'overloaded', true],
      [401, 'unauthorized', false],
      [400, 'rejected', false],
      [413, 'tooLong', false],
    ] as const
  ).map(
    ([status, failure, retryable]) =>
      [
        `a refusal: ${status}`,
        [{ fault: { kind: 'status', status, retryAfter: 2 } }],
        async (trial: Trial) => {
          const error = await failureOf(trial);
          expectSame({ failure, retryable, status }, partOf(error, 'failure', 'retryable', 'status'));
          if (status === 429) expectSame(2_000, error.retryAfterMs, 'as long as the provider asks for');
          expectSame(1, trial.server.requests.length, 'one request: trying again is not the model’s');
        },
      ] as const,
  ),
  ...(
    [
      ['malformed', ['malformed']],
      ['truncated', ['malformed', 'network']],
      ['disconnect', ['network']],
    ] as const
  ).map(
    ([kind, failures]) =>
      [
        `a broken answer: ${kind}`,
        [{ answer: { text: 'a text that is long enough to be cut off in its middle' }, fault: { kind } }],
        async (trial: Trial) => {
          const { failure, retryable } = await failureOf(trial);
          expect((failures as readonly ModelFailure[]).includes(failure) && retryable, failures.join(' or '), failure);
        },
      ] as const,
  ),
  [
    'a server that is not there',
    [],
    async (trial) => {
      await trial.server.stop();
      expectSame({ failure: 'network', retryable: true }, partOf(await failureOf(trial), 'failure', 'retryable'));
    },
  ],
  [
    'a call that nobody waits for any more',
    [{ fault: { kind: 'stall' } }],
    async (trial) => {
      const controller = new AbortController();
      const failing = failureOf(trial, { signal: controller.signal });
      await trial.arrived;
      controller.abort();
      expectSame({ failure: 'aborted', retryable: false }, partOf(await failing, 'failure', 'retryable'));
    },
  ],
];

function asked(
  { model, fetch }: Trial,
  request: Partial<ChatRequest> = {},
  call: Partial<ModelCall> = {},
): Promise<ChatAnswer> {
  return model.chat({ messages: HELLO, ...request }, { signal: new AbortController().signal, fetch, ...call });
}

/** What the call fails with. */
async function failureOf(trial: Trial, call: Partial<ModelCall> = {}): Promise<ModelError> {
  const error = await asked(trial, {}, call).then(
    (answer) => new TypeError(`expected a failure, got ${describeValue(answer)}`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof ModelError) return error;
  if (error instanceof TypeError) throw error;
  throw new TypeError(`expected a ModelError, got ${describeValue(error)}`, { cause: error });
}

/** Of the last request, as it came. */
function bodyOf({ server }: Trial): Record<string, unknown> {
  return (server.requests.at(-1)?.body ?? {}) as Record<string, unknown>;
}

function rolesOf(trial: Trial): readonly unknown[] {
  return ((bodyOf(trial).messages ?? []) as { role?: unknown }[]).map(({ role }) => role);
}

function partOf<T extends object, N extends keyof T>(value: T, ...names: N[]): Pick<T, N> {
  return Object.fromEntries(names.map((name) => [name, value[name]])) as Pick<T, N>;
}

function expectSame(expected: unknown, actual: unknown, what = describeValue(expected)): void {
  expect(isDeepStrictEqual(actual, expected), what, actual);
}

function expect(holds: boolean, what: string, actual: unknown): void {
  if (!holds) throw new TypeError(`expected ${what}, got ${describeValue(actual)}`);
}
