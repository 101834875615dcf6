/**
 * Every client of models does what a `ChatModel` has to do: our own, whole and in a stream, and models of the AI SDK, with its real
 * packages. And the checks find models that do not.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { defaultSettingsMiddleware, wrapLanguageModel } from 'ai';
import { type ChatModel, fromAiSdk, openAiCompatible } from 'millrace/agents';
import { type ConformanceCheck, chatModelConformance } from 'millrace/testing';
import t from 'tap';

const sdkModel = (baseURL: string) =>
  createOpenAICompatible({ name: 'scripted', baseURL, supportsStructuredOutputs: true })('scripted');

const CLIENTS: Readonly<Record<string, readonly [modelOf: (baseUrl: string) => ChatModel, streams: boolean]>> = {
  'openAiCompatible, whole': [(baseUrl) => openAiCompatible({ model: 'scripted', baseUrl }), false],
  'openAiCompatible, in a stream': [(baseUrl) => openAiCompatible({ model: 'scripted', baseUrl, stream: true }), true],
  'fromAiSdk of a provider': [(baseUrl) => fromAiSdk(sdkModel(baseUrl)), false],
  'fromAiSdk of a wrapped model': [
    (baseUrl) =>
      fromAiSdk(
        wrapLanguageModel({
          model: sdkModel(baseUrl),
          middleware: defaultSettingsMiddleware({ settings: { topP: 0.5 } }),
        }),
      ),
    false,
  ],
};

for (const [name, [modelOf, streams]] of Object.entries(CLIENTS)) {
  t.test(name, async (t) => {
    for (const { name: check, run } of chatModelConformance(modelOf, { streams }))
      await t.test(check, async (t) => {
        await run();
        t.pass();
      });
  });
}

t.test('a model that does something wrong is found', async (t) => {
  const wrongs: Readonly<Record<string, (right: ChatModel) => ChatModel['chat']>> = {
    'a text, by the messages in their roles': (right) => (request, call) =>
      right.chat({ ...request, messages: request.messages.filter(({ role }) => role !== 'system') }, call),
    'what it has cost': (right) => async (request, call) => ({
      ...(await right.chat(request, call)),
      usage: { inputTokens: 0, outputTokens: 0 },
    }),
    'calls of tools, several at a time': (right) => async (request, call) => {
      const answer = await right.chat(request, call);
      return { ...answer, calls: answer.calls.map((each) => ({ ...each, id: 'call' })) };
    },
    'a refusal: 429': (right) => (request, call) => right.chat(request, call).catch(() => right.chat(request, call)),
    'a call that nobody waits for any more': (right) => (request, call) =>
      right.chat(request, call).catch((error) => Promise.reject(Object.assign(error, { failure: 'network' }))),
  };
  for (const [name, wrong] of Object.entries(wrongs)) {
    const checks = chatModelConformance((baseUrl) => {
      const right = openAiCompatible({ model: 'scripted', baseUrl });
      return { id: 'wrong', chat: wrong(right) };
    });
    const check = checks.find((each) => each.name === name) as ConformanceCheck;
    await t.rejects(check.run(), { message: /^expected |no rule fits/ }, name);
  }
});
