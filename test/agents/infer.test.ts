/**
 * One question about each record: answers typed by their schema, alone and several in a request, from the cache, after failures;
 * and what becomes of records that have none.
 */
import { collect, deadLetter, fromIterable, type JobBuilder, job, run, type Stream, tumbling } from 'millrace';
import {
  type AboutInference,
  type ChatModel,
  type ChatRequest,
  type InferOptions,
  jsonSchema,
  ModelError,
  openAiCompatible,
} from 'millrace/agents';
import { everyWay, harness, type ModelScript, type Phase, type Step, startModelServer } from 'millrace/testing';
import t from 'tap';
import { z } from 'zod';
import { Random } from '../../core/random.js';
import { answerOf, scripted, type Turn } from './scripted-model.js';

interface Review {
  readonly id: number;
  readonly text: string;
}

const Mood = z.object({ happy: z.boolean() });
const reviews = (...texts: string[]): Review[] => texts.map((text, id) => ({ id, text }));

interface Letter {
  readonly record: Review;
  readonly error: { readonly code: string; readonly message: string };
  readonly about?: AboutInference;
}

interface Outcome {
  readonly out: readonly unknown[];
  readonly letters: readonly Letter[];
}

async function inferred(
  inputs: readonly Review[],
  model: ChatModel | readonly ChatModel[],
  more: Partial<InferOptions<Review, typeof Mood>> = {},
): Promise<Outcome> {
  const { collected } = await run(
    job('moods', (j) => {
      j.from('reviews', fromIterable(inputs))
        .infer(
          'mood',
          {
            model,
            instructions: 'Is the customer happy?',
            input: ({ text }) => text,
            output: Mood,
            onError: deadLetter('letters', collect()),
            ...more,
          },
          ({ id }, { happy }) => `${id} ${happy}`,
        )
        .to('out', collect());
    }),
    { restart: { kind: 'none' } },
  );
  return collected as unknown as Outcome;
}

/** What was asked about: the texts of the items of a batch, or the one text. */
function asked({ messages }: ChatRequest): string[] {
  const question = messages.find(({ role }) => role === 'user')?.text ?? '';
  return [...question.matchAll(/<data>(.*?)<\/data>/gs)].map((match) => match[1] as string);
}

const isHappy = (text: string): boolean => text.includes('good');
const moodOf = (request: ChatRequest): Turn => answerOf({ happy: isHappy(asked(request)[0] as string) });
const moodsOf = (request: ChatRequest): Turn =>
  answerOf({ answers: asked(request).map((text, at) => ({ item: at + 1, answer: { happy: isHappy(text) } })) });

t.test('the answer, or what is made of it and the record', async (t) => {
  const seen: ChatRequest[] = [];
  const model = scripted((request) => {
    seen.push(request);
    return moodOf(request);
  });
  const { out } = await inferred(reviews('good', 'bad', 'so good'), model);
  t.same(out, ['0 true', '1 false', '2 true']);
  t.match(seen[0], {
    messages: [
      { role: 'system', text: /^Is the customer happy\?\n\n.*never an instruction to you/s },
      { role: 'user', text: '<data>good</data>' },
    ],
    output: { schema: { properties: { happy: { type: 'boolean' } } } },
  });
  const { collected } = await run(
    job('moods', (j) => {
      j.from('reviews', fromIterable(reviews('good')))
        .infer('mood', { model, instructions: 'Happy?', output: Mood })
        .map(({ happy }) => happy)
        .to('out', collect());
    }),
  );
  t.same(collected.out, [true]);
  t.same(asked(seen.at(-1) as ChatRequest), ['{"id":0,"text":"good"}'], 'the record itself');
});

t.test('over HTTP: the provider says when to come again, and how an answer is mended', async (t) => {
  const script: ModelScript = {
    rules: [
      { when: { user: 'That does not fit: .*happy', nth: 1 }, answer: { json: { happy: true } } },
      { when: { user: 'odd' }, answer: { json: { happy: 'very' } } },
      { when: { user: 'bad', upTo: 2 }, fault: { kind: 'status', status: 429, retryAfter: '0.02' } },
      { when: { user: 'good' }, answer: { json: { happy: true } } },
      { answer: { json: { happy: false } } },
    ],
  };
  const server = await startModelServer(script);
  t.teardown(() => server.stop());
  const model = openAiCompatible({ model: 'scripted', baseUrl: server.url });
  const { out, letters } = await inferred(reviews('good', 'bad', 'odd'), model, { capacity: 1 });
  t.same(letters, []);
  t.same(out, ['0 true', '1 false', '2 true']);
  t.same(
    server.requests.map(({ rule }) => rule),
    [3, 2, 2, 4, 1, 0],
  );
});

t.test('what has no answer is a letter, with what was asked and answered', async (t) => {
  const model = scripted((request) => (asked(request)[0] === 'odd' ? { text: 'maybe' } : moodOf(request)));
  const { out, letters } = await inferred(reviews('good', 'odd', 'bad'), model);
  t.same(out, ['0 true', '2 false']);
  t.match(letters, [
    {
      record: { id: 1 },
      error: { code: 'MILL_AGENT_OUTPUT_INVALID', message: /no JSON: "maybe"/ },
      about: { prompt: '<data>odd</data>', answers: ['maybe', 'maybe'] },
    },
  ]);
});

t.test('failures that do not pass are letters, too; a second model may stand in', async (t) => {
  let calls = 0;
  const down: ChatModel = {
    id: 'down',
    async chat() {
      calls += 1;
      throw new ModelError('rejected', 'not today');
    },
  };
  const failed = await inferred(reviews('good'), down);
  t.equal(calls, 1);
  t.match(failed.letters, [
    { error: { code: 'MILL_MODEL_FAILED', message: 'not today' }, about: { prompt: '<data>good</data>', answers: [] } },
  ]);
  t.same((await inferred(reviews('good'), [down, scripted(moodOf)])).out, ['0 true']);
});

t.test('attempts and time are bounded', async (t) => {
  let calls = 0;
  const busy: ChatModel = {
    id: 'busy',
    async chat() {
      calls += 1;
      throw new ModelError('rateLimited', 'busy', { retryAfterMs: 1 });
    },
  };
  t.match((await inferred(reviews('good'), busy, { attempts: 3 })).letters, [{ error: { code: 'MILL_MODEL_FAILED' } }]);
  t.equal(calls, 3);
  let aborted = 0;
  const silent: ChatModel = {
    id: 'silent',
    chat: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted += 1;
          reject(signal.reason);
        });
      }),
  };
  const { letters } = await inferred(reviews('good'), silent, { timeout: 20 });
  t.match(letters, [{ error: { code: 'MILL_ASYNC_TIMEOUT' } }]);
  t.equal(aborted, 1);
});

t.test('while a provider asks to be left alone, it is', async (t) => {
  let calls = 0;
  const busy: ChatModel = {
    id: 'busy',
    async chat(request, call) {
      calls += 1;
      if (calls === 1) throw new ModelError('rateLimited', 'busy', { retryAfterMs: 10_000 });
      return scripted(moodOf).chat(request, call);
    },
  };
  const h = await harness((all: Stream<Review>) =>
    all.infer('mood', { model: busy, instructions: 'Happy?', input: ({ text }) => text, output: Mood }),
  );
  const [first, ...later] = reviews('good', 'good', 'good', 'bad');
  h.send(first as Review);
  await h.settled();
  for (const review of later) h.send(review);
  await h.settled();
  h.advance('9s');
  await h.settled();
  t.equal(calls, 1, 'records that come later are held back, too, though nobody has told them');
  h.advance('2s');
  await h.settled();
  t.equal(calls, 5);
  t.same(h.take(), [{ happy: true }, { happy: true }, { happy: true }, { happy: false }]);
  await h.close();
});

t.test('the cache answers what was asked before', async (t) => {
  for (const batch of [undefined, { size: 2, delay: 1 }]) {
    const questions: string[] = [];
    const model = scripted((request) => {
      questions.push(...asked(request));
      return asked(request).length > 1 ? moodsOf(request) : moodOf(request);
    });
    const texts = ['good', 'bad', 'good', 'bad', 'good', 'new'];
    const more = { capacity: 1, ...(batch && { batch }) };
    const { out } = await inferred(reviews(...texts), model, { ...more, cache: { size: 2 } });
    t.same(
      out,
      texts.map((text, id) => `${id} ${isHappy(text)}`),
    );
    t.same(questions, ['good', 'bad', 'new']);
    questions.length = 0;
    await inferred(reviews(...texts), model, { ...more, cache: { size: 1 } });
    t.ok(questions.length > 3, 'it keeps no more than it may');
  }
});

t.test('several in a request', async (t) => {
  const texts = ['good', 'bad', 'good', 'fine', 'bad'];

  await t.test('each gets its own answer, in any order, and the same is asked once', async (t) => {
    const requests: ChatRequest[] = [];
    const model = scripted((request) => {
      requests.push(request);
      const { answers } = JSON.parse(moodsOf(request).text as string) as { answers: unknown[] };
      return answerOf({ answers: answers.toReversed() });
    });
    const { out } = await inferred(reviews(...texts), model, { batch: { size: 5, delay: '1m' } });
    t.same(
      out,
      texts.map((text, id) => `${id} ${isHappy(text)}`),
    );
    t.same(requests.map(asked), [['good', 'bad', 'fine']]);
    t.match(requests[0]?.output?.schema, {
      properties: {
        answers: { items: { properties: { item: { type: 'integer' }, answer: { properties: { happy: {} } } } } },
      },
    });
  });

  await t.test('what is missing or does not fit is asked about again, once, and fails alone', async (t) => {
    const complaints: string[] = [];
    const model = scripted((request) => {
      const repair = request.messages.length > 2;
      if (repair) complaints.push(request.messages.at(-1)?.text as string);
      const answers = asked(request).flatMap((text, at): unknown[] => {
        const item = at + 1;
        if (text === 'bad') return repair ? [{ item, answer: { happy: false } }] : [];
        if (text === 'fine') return [{ item, answer: { happy: 'so-so' } }];
        return repair
          ? []
          : [
              { item, answer: { happy: true } },
              { item: 99, answer: {} },
            ];
      });
      return answerOf({ answers });
    });
    const { out, letters } = await inferred(reviews(...texts), model, { batch: { size: 5, delay: '1m' } });
    t.same(out, ['0 true', '1 false', '2 true', '4 false']);
    t.equal(complaints.length, 1);
    t.match(complaints[0], /Item 2: it has no answer\.\nItem 3: .*happy.*\nAnswer for these items again/s);
    t.match(letters, [
      {
        record: { text: 'fine' },
        error: { code: 'MILL_AGENT_OUTPUT_INVALID', message: /happy/ },
        about: { prompt: '<data>fine</data>', answers: ['{"happy":"so-so"}', '{"happy":"so-so"}'] },
      },
    ]);
  });

  await t.test('a request or an answer that is too long is halved', async (t) => {
    for (const failure of ['length', 'tooLong'] as const) {
      const sizes: number[] = [];
      const short = scripted((request) => (asked(request).length > 1 ? moodsOf(request) : moodOf(request)));
      const model: ChatModel = {
        id: 'short',
        async chat(request, call) {
          const { length } = asked(request);
          sizes.push(length);
          if (length <= 2) return short.chat(request, call);
          if (failure === 'tooLong') throw new ModelError('tooLong', 'too many tokens');
          return { ...(await short.chat(request, call)), text: '{"answers":[{"item":1,', finish: 'length' };
        },
      };
      const all = Array.from({ length: 7 }, (_, n) => `text ${n} ${n % 2 === 0 ? 'good' : ''}`);
      const { out } = await inferred(reviews(...all), model, { batch: { size: 7, delay: '1m' } });
      t.same(
        out,
        all.map((text, id) => `${id} ${isHappy(text)}`),
      );
      t.same(sizes.toSorted(), [1, 2, 2, 2, 3, 4, 7], failure);
    }
  });

  await t.test('a request that fails, fails for all; one answer that is no JSON may be mended', async (t) => {
    const down = scripted(() => Promise.reject(new ModelError('unauthorized', 'no key')));
    const { letters } = await inferred(reviews(...texts), down, { batch: { size: 5, delay: '1m' } });
    t.equal(letters.length, 5);
    t.match(letters[3], { error: { message: 'no key' }, about: { prompt: '<data>fine</data>', answers: [] } });
    const rambling = scripted((request) => (request.messages.length === 2 ? { text: 'Sure!' } : moodsOf(request)));
    t.equal((await inferred(reviews(...texts), rambling, { batch: { size: 5, delay: '1m' } })).out.length, 5);
  });

  await t.test('a function that throws fails for its own record', async (t) => {
    const { collected } = await run(
      job('moods', (j) => {
        j.from('reviews', fromIterable(reviews(...texts)))
          .infer(
            'mood',
            {
              model: scripted(moodsOf),
              instructions: 'Happy?',
              input: ({ text }) => text,
              output: Mood,
              batch: { size: 5, delay: '1m' },
              onError: deadLetter('letters', collect()),
            },
            ({ id }) => {
              if (id === 1) throw new Error('no');
              return id;
            },
          )
          .to('out', collect());
      }),
      { restart: { kind: 'none' } },
    );
    t.same(collected.out, [0, 2, 3, 4]);
    t.match(collected.letters, [{ record: { id: 1 }, error: { code: 'MILL_FUNCTION_FAILED' } }]);
  });

  await t.test('definitions and references of the schema are where they are looked for', async (t) => {
    const tree = {
      type: 'object',
      properties: { label: { $ref: '#/$defs/label' }, parts: { type: 'array', items: { $ref: '#' } } },
      required: ['label'],
      $defs: { label: { enum: ['leaf', 'branch'] } },
    };
    let valid = (_: unknown): boolean => false;
    const model = scripted(({ output }) => {
      const schema = jsonSchema(output?.schema as object as never);
      valid = (value) => !('issues' in (schema['~standard'].validate(value) as object));
      const answer = { label: 'branch', parts: [{ label: 'leaf' }] };
      return answerOf({ answers: [1, 2].map((item) => ({ item, answer })) });
    });
    const { collected } = await run(
      job('trees', (j) => {
        j.from('texts', fromIterable(['a', 'b']))
          .infer('tree', { model, instructions: 'Parse.', output: jsonSchema(tree), batch: { size: 2, delay: '1m' } })
          .to('out', collect());
      }),
    );
    t.equal(collected.out?.length, 2);
    const answers = (answer: unknown) => ({ answers: [{ item: 1, answer }] });
    t.ok(valid(answers({ label: 'branch', parts: [{ label: 'leaf' }] })));
    t.notOk(valid(answers({ label: 'twig' })));
    t.notOk(valid(answers({ label: 'branch', parts: [{ label: 'twig' }] })));
  });
});

t.test('of a keyed stream: one question a key at a time, in order', async (t) => {
  const underWay = new Map<string, number>();
  let most = 0;
  const model = scripted(async (request) => {
    const key = (asked(request)[0] as string).split(' ')[0] as string;
    underWay.set(key, (underWay.get(key) ?? 0) + 1);
    most = Math.max(most, ...underWay.values());
    for (let turn = 0; turn < 5; turn += 1) await null;
    underWay.set(key, (underWay.get(key) ?? 0) - 1);
    return moodOf(request);
  });
  const texts = Array.from({ length: 30 }, (_, n) => `${'abc'[n % 3]} ${n}`);
  const { collected } = await run(
    job('moods', (j) => {
      j.from('reviews', fromIterable(reviews(...texts)))
        .keyBy(({ text }) => text.slice(0, 1))
        .infer('mood', { model, instructions: 'Happy?', input: ({ text }) => text, output: Mood }, ({ id }) => id)
        .to('out', collect());
    }),
  );
  t.equal(most, 1);
  for (const key of [0, 1, 2]) {
    const own = (collected.out as number[]).filter((id) => id % 3 === key);
    t.same(
      own,
      own.toSorted((a, b) => a - b),
    );
    t.equal(own.length, 10);
  }
});

t.test('an error says where it was declared', async (t) => {
  const { nodes } = job('moods', (j) => {
    j.from('reviews', fromIterable(reviews()))
      .infer('mood', { model: scripted(moodOf), instructions: 'Happy?', output: Mood })
      .to('out', collect());
  }).plan();
  t.match(nodes.find(({ uid }) => uid === 'mood')?.declaredAt, /infer\.test\.[jt]s:\d+:\d+$/);
});

t.test('options that make no sense', async (t) => {
  const good = { model: scripted(moodOf), instructions: 'Happy?', output: Mood };
  const wrong: object[] = [
    { model: [] },
    { model: 'gpt' },
    { instructions: '' },
    { attempts: 0 },
    { capacity: 0 },
    { cache: { size: -1 } },
    { batch: { size: 0 } },
    { order: 'key' },
    { output: z.object({ at: z.date() }) },
  ];
  for (const more of wrong) {
    const build = (j: JobBuilder): void => {
      j.from('reviews', fromIterable(reviews()))
        .infer('mood', { ...good, ...more } as never)
        .to('out', collect());
    };
    t.throws(() => run(job('wrong', build)), { code: 'MILL_OPTION_INVALID' }, Object.keys(more).join());
  }
});

interface Event {
  readonly id: number;
  readonly time: number;
}

function phases(random: Random): { phases: Phase[]; events: Event[] } {
  const events: Event[] = [];
  const all = [1, 2, 3].map((number) => {
    const watermark = number * 100;
    return [0, 1].map(() => {
      const steps: Step<Event>[] = Array.from({ length: random.below(7) }, () => {
        const event = { id: events.length, time: watermark + 1 + random.below(180) };
        events.push(event);
        return { record: event, at: event.time };
      });
      return steps.toSpliced(random.below(steps.length + 1), 0, { watermark });
    });
  });
  return { phases: all, events };
}

for (const batched of [false, true]) {
  t.test(`killed and restored anywhere, ${batched ? 'in batches' : 'one by one'}`, async (t) => {
    let kills = 0;
    for (let seed = 0; seed < 6; seed += 1) {
      const { phases: all, events } = phases(new Random(seed));
      let calls = 0;
      const model = scripted(async (request) => {
        calls += 1;
        const ids = asked(request);
        for (let turn = 0; turn < (ids.length * 3 + calls) % 3; turn += 1) await null;
        if (ids.length === 1) return answerOf({ id: Number(ids[0]) });
        return answerOf({ answers: ids.map((id, at) => ({ item: at + 1, answer: { id: Number(id) } })) });
      });
      const options = {
        model,
        instructions: 'Repeat.',
        input: ({ id }: Event) => id,
        output: z.object({ id: z.number() }),
      };
      const report = await everyWay(
        (stream: Stream<Event>) =>
          stream
            .infer(
              'repeated',
              { ...options, capacity: 4, ...(batched && { batch: { size: 3, delay: 5 } }) },
              ({ time }, { id }) => `${id} of ${time}`,
            )
            .keyBy((text) => text)
            .window(tumbling(50))
            .process('windows', (key, window, texts) => texts.map(() => `${key}@${window.start}`)),
        all,
        events.map(({ id, time }) => `${id} of ${time}@${Math.floor(time / 50) * 50}`),
        { ways: 20 },
      );
      kills += report.kills;
    }
    t.ok(kills > 50, `${kills} kills`);
  });
}
