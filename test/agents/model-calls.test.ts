/**
 * Calls of models that fail: what is tried again and when, which model comes next, what a budget stops, and that a stalled
 * model stops nothing else.
 */
import { collect, fromIterable, generate, job } from 'millrace';
import { agent, type ChatModel } from 'millrace/agents';
import { type SimulateOptions, simulate } from 'millrace/testing';
import t from 'tap';
import { answerOf, scripted } from './scripted-model.js';

interface Input {
  readonly id: number;
}

const failure = (more: object): Error => Object.assign(new Error('overloaded'), more);

/** Each input asks once; replies with the answer, and with the seconds that it took. */
function asking(model: ChatModel | readonly ChatModel[], more: object = {}) {
  return agent({
    version: '1',
    model,
    ...more,
    async run({ id }: Input, ctx) {
      const from = ctx.now();
      const { text } = await ctx.model({ messages: [{ role: 'user', text: String(id) }] });
      return { id, text, seconds: (ctx.now() - from) / 1_000 };
    },
  });
}

async function outcome(made: ReturnType<typeof asking>, options: Partial<SimulateOptions> = {}, count = 1) {
  const { collected } = await simulate(
    job('asking', (j) => {
      const inputs = j.from('inputs', fromIterable(Array.from({ length: count }, (_, id) => ({ id }))));
      const { replies, failures } = inputs.keyBy(({ id }) => id).agent('asking', made);
      replies.to('replies', collect());
      failures.to('failures', collect());
    }),
    { seed: 1, workers: 1, restart: { kind: 'none' }, ...options },
  );
  return collected as {
    replies: { id: number; text: string; seconds: number }[];
    failures: { error: { code: string; message: string } }[];
  };
}

t.test('a failure that passes is tried again, after as long as the provider asks for', async (t) => {
  let asked = 0;
  const limited = scripted(() => {
    asked += 1;
    if (asked < 3) throw failure({ retryable: true, retryAfterMs: 20_000 });
    return answerOf('at last');
  });
  const { replies } = await outcome(asking(limited));
  t.match(replies, [{ text: '"at last"' }]);
  const [{ seconds = 0 } = {}] = replies;
  t.ok(seconds >= 40 && seconds < 50, `${seconds} s`);
});

t.test('without such a wish it waits longer each time, and gives up at last', async (t) => {
  let asked = 0;
  const down = scripted(() => {
    asked += 1;
    throw failure({ retryable: true });
  });
  const { replies, failures } = await outcome(asking(down));
  t.same(replies, []);
  t.match(failures, [{ error: { message: /overloaded/ } }]);
  t.equal(asked, 5);
});

t.test('what will not pass is not tried again', async (t) => {
  let asked = 0;
  const refused = scripted(() => {
    asked += 1;
    throw failure({ retryable: false });
  });
  const { failures } = await outcome(asking(refused));
  t.equal(failures.length, 1);
  t.equal(asked, 1);
});

t.test('the next model answers where one is down, and one that is down is left alone for a while', async (t) => {
  let asked = 0;
  const down = scripted(() => {
    asked += 1;
    throw failure({ retryable: true });
  }, 'first/down');
  const up = scripted(() => answerOf('second'), 'second/up');
  const one = await outcome(asking([down, up]));
  t.match(one.replies, [{ text: '"second"' }]);
  t.equal(asked, 5);
  asked = 0;
  const serial = await outcome(asking([down, up]), {}, 20);
  t.equal(serial.replies.length, 20);
  t.ok(asked < 20 * 5, `${asked} calls of the model that is down`);
});

t.test('a model that never answers is given up after two minutes', async (t) => {
  const silent: ChatModel = { id: 'silent', chat: () => new Promise(() => {}) };
  const up = scripted(() => answerOf('second'), 'second/up');
  const { replies } = await outcome(asking([silent, up]));
  t.match(replies, [{ text: '"second"' }]);
});

t.test('tokens, money and time are bounded', async (t) => {
  const twice = (budget: object) =>
    agent({
      version: '1',
      model: scripted(() => answerOf('x')),
      prices: { 'scripted/one': { input: 10_000, output: 20_000 } },
      budget,
      async run({ id }: Input, ctx) {
        for (let n = 0; n < 3; n += 1) await ctx.model({ messages: [{ role: 'user', text: `${id}/${n}` }] });
        return { id, text: '', seconds: 0 };
      },
    });
  // A call takes 100 tokens in and 10 out: 1.2 dollars.
  for (const budget of [{ tokens: 200 }, { usd: 2.3 }, { steps: 2 }])
    t.match((await outcome(twice(budget))).failures, [{ error: { code: 'MILL_AGENT_LIMIT' } }], JSON.stringify(budget));
  for (const budget of [{ tokens: 221 }, { usd: 2.5 }, { steps: 3 }])
    t.equal((await outcome(twice(budget))).replies.length, 1, JSON.stringify(budget));
  const silent: ChatModel = { id: 'silent', chat: () => new Promise(() => {}) };
  const slow = await outcome(asking(silent, { budget: { timeout: '10s' } }));
  t.match(slow.failures, [{ error: { code: 'MILL_AGENT_LIMIT', message: /10000 ms/ } }]);
});

t.test(
  'a stalled model, with every run under way and the mailbox full, holds no checkpoint and no other stream',
  async (t) => {
    const stalled: ChatModel = { id: 'stalled', chat: () => new Promise(() => {}) };
    const made = asking(stalled, { budget: { timeout: '5s' } });
    for (let seed = 0; seed < 10; seed += 1) {
      const { collected, epoch } = await simulate(
        job('stalled', (j) => {
          const inputs = j.from('inputs', generate({ count: 40, rate: 1_000, splits: 2, make: (id) => ({ id }) }));
          const { failures } = inputs.keyBy(({ id }) => id).agent('asking', made, { maxInFlight: 2, mailbox: 4 });
          failures.to('failures', collect());
          inputs.map(({ id }) => id).to('beside', collect());
        }),
        { seed, workers: 2, checkpointEvery: '100ms' },
      );
      t.equal(collected.failures?.length, 40);
      t.equal(collected.beside?.length, 40);
      // Forty runs, two at a time on each of two workers, of five seconds each.
      t.ok(epoch >= 100, `${epoch} checkpoints`);
    }
  },
);

/** Some calls are never answered; the others at once. */
function stalling(isStalled: (call: number) => boolean) {
  const asked: string[] = [];
  const model: ChatModel = {
    id: 'scripted/one',
    async chat(_request, { signal }) {
      const call = asked.push('asked') - 1;
      signal.addEventListener('abort', () => {
        asked[call] = 'given up';
      });
      if (isStalled(call))
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      asked[call] = 'answered';
      return { text: `${call}`, calls: [], finish: 'stop', usage: { inputTokens: 100, outputTokens: 10 } };
    },
  };
  return { model, asked };
}

t.test('a model that is slow is asked again beside: the first answer counts, and both are paid for', async (t) => {
  const { model, asked } = stalling((call) => call === 0);
  const prices = { 'scripted/one': { input: 10_000, output: 20_000 } };
  const { replies } = await outcome(asking(model, { hedge: '5s', prices }));
  t.match(replies, [{ text: '1' }]);
  t.ok((replies[0]?.seconds ?? 0) >= 5 && (replies[0]?.seconds ?? 0) < 6, `${replies[0]?.seconds} s`);
  t.same(asked, ['given up', 'answered']);
  // 110 tokens, and the 100 that were asked twice: 1.2 and 1 dollars.
  const twice = async (budget: object) => {
    const slow = stalling((call) => call === 0);
    const made = agent({
      version: '1',
      model: slow.model,
      prices,
      hedge: '5s',
      budget,
      async run({ id }: Input, ctx) {
        for (let n = 0; n < 2; n += 1) await ctx.model({ messages: [{ role: 'user', text: `${id}/${n}` }] });
        return { id, text: '', seconds: 0 };
      },
    });
    return (await outcome(made)).failures.length;
  };
  t.equal(await twice({ tokens: 210 }), 1);
  t.equal(await twice({ tokens: 211 }), 0);
  t.equal(await twice({ usd: 2.2 }), 1);
  t.equal(await twice({ usd: 2.21 }), 0);
});

t.test('where both fail, it has failed once; where none is slow, none is asked twice', async (t) => {
  let calls = 0;
  const failing = scripted(async () => {
    calls += 1;
    throw failure({ retryable: false });
  });
  t.equal((await outcome(asking(failing, { hedge: '5s' }))).failures.length, 1);
  t.equal(calls, 1);
  const quick = stalling(() => false);
  t.equal((await outcome(asking(quick.model, { hedge: '5s' }), {}, 10)).replies.length, 10);
  t.same(quick.asked, Array(10).fill('answered'));
});

t.test('by p95 a model is waited for as long as its last answers took, once there are enough of them', async (t) => {
  const early = stalling((call) => call === 10);
  const first = await outcome(asking(early.model, { hedge: 'p95' }), { workers: 1 }, 11);
  t.equal(first.replies.length, 11);
  t.ok(
    Math.max(...first.replies.map(({ seconds }) => seconds)) >= 120,
    'ten do not tell: it is given up after two minutes',
  );
  const serial = agent({
    version: '1',
    model: stalling((call) => call === 30).model,
    hedge: 'p95',
    budget: { steps: 40 },
    async run({ id }: Input, ctx) {
      const from = ctx.now();
      for (let n = 0; n < 31; n += 1) await ctx.model({ messages: [{ role: 'user', text: `${id}/${n}` }] });
      return { id, text: '', seconds: (ctx.now() - from) / 1_000 };
    },
  });
  const late = await outcome(serial);
  t.ok((late.replies[0]?.seconds ?? 100) < 1, `${late.replies[0]?.seconds} s`);
});
