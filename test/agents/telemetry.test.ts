/**
 * What is measured of agents and models, by which names, and how runs become traces at a collector.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collect, deadLetter, fromIterable, type JobMetrics, job, type Meter, run } from 'millrace';
import { agent, jsonSchema, otlpMetrics, otlpSink, otlpTraces, type RunRecord, tool } from 'millrace/agents';
import t from 'tap';
import { z } from 'zod';
import { answerOf, scripted } from './scripted-model.js';

interface Input {
  readonly id: number;
}

/** Each asks a tool and then answers; the third one's tool fails, and its answer fits nothing. */
const model = scripted(({ messages }) => {
  const asked = messages.find(({ role }) => role === 'user')?.text;
  if (messages.some(({ role }) => role === 'tool')) return asked === '2' ? { text: 'no' } : answerOf({ ok: true });
  return { calls: [{ id: 'c', tool: 'look', input: { id: Number(asked) } }] };
}, 'scripted/one');

const looking = agent({
  version: '3',
  model,
  instructions: 'Look.',
  prompt: ({ id }: Input) => String(id),
  output: z.object({ ok: z.boolean() }),
  tools: {
    look: tool({
      description: 'Looks.',
      input: z.object({ id: z.number() }),
      effect: 'read',
      run: ({ id }) => {
        if (id === 2) throw Object.assign(new Error('nothing there'), { code: 'NOTHING' });
        return { id };
      },
    }),
  },
  prices: { 'scripted/one': { input: 10, output: 100 } },
  budget: { perAgent: { calls: 100, tokens: 5_000, per: '365d' } },
});

const inputs = [{ id: 0 }, { id: 1 }, { id: 2 }];

async function looked(): Promise<{ metrics: JobMetrics; runs: RunRecord[] }> {
  const { metrics, collected } = await run(
    job('looking', (j) => {
      const { runs, replies, failures } = j
        .from('inputs', fromIterable(inputs))
        .keyBy(({ id }) => id)
        .agent('looking', looking);
      runs.to('runs', collect());
      replies.to('replies', collect());
      failures.to('failures', collect());
    }),
  );
  return { metrics, runs: collected.runs as RunRecord[] };
}

function metersOf({ operators }: JobMetrics, name: string): Record<string, number> {
  const meters = operators.find((each) => each.name === name)?.meters ?? [];
  const text = ({ name: meter, attributes }: Meter) => [meter, ...Object.values(attributes)].join(' ');
  return Object.fromEntries(meters.map((meter) => [text(meter), meter.value]));
}

const near = (a: number | undefined, b: number): boolean => Math.abs((a ?? Number.NaN) - b) < 1e-9;

t.test('runs, steps, tokens, money and what is left of a budget are counted', async (t) => {
  const { metrics } = await looked();
  const meters = metersOf(metrics, 'looking');
  t.match(meters, {
    'millrace.agent.runs replied': 2,
    'millrace.agent.runs failed MILL_AGENT_OUTPUT_INVALID': 1,
    // Two each, and one more to mend the third's.
    'millrace.agent.steps model': 7,
    'millrace.agent.steps tool look': 2,
    'millrace.agent.steps tool look NOTHING': 1,
    'gen_ai.client.token.usage chat scripted scripted/one input': 700,
    'gen_ai.client.token.usage chat scripted scripted/one output': 70,
    'millrace.agent.runs.open working': 0,
    'millrace.agent.runs.open waiting': 0,
    'millrace.agent.runs.open in_doubt': 0,
    'millrace.agent.mailbox': 0,
    'millrace.agent.outbox': 0,
    'millrace.agent.budget.left calls': 93,
    'millrace.agent.budget.left tokens': 5_000 - 770,
  });
  t.ok(near(meters['millrace.agent.cost scripted/one'], (700 * 10 + 70 * 100) / 1e6), 'money');
  const duration = metrics.operators
    .flatMap(({ meters: all }) => all)
    .find(({ name }) => name === 'gen_ai.client.operation.duration');
  t.equal(duration?.unit, 's');
  t.equal(
    duration?.buckets?.reduce((sum, count) => sum + count, 0),
    7,
    'each call is in one bucket',
  );
});

t.test('failed and repeated calls of models are counted, those of infer as well', async (t) => {
  let asked = 0;
  const shaky = scripted(() => {
    asked += 1;
    if (asked === 1)
      throw Object.assign(new Error('busy'), { retryable: true, failure: 'overloaded', retryAfterMs: 1 });
    return answerOf({ n: 1 });
  });
  const { metrics } = await run(
    job('inferring', (j) => {
      j.from('inputs', fromIterable(inputs))
        .infer('asked', {
          model: shaky,
          instructions: 'Count.',
          output: jsonSchema<{ n: number }>({ type: 'object' }),
          onError: deadLetter('dead', collect()),
        })
        .to('out', collect());
    }),
  );
  t.match(metersOf(metrics, 'asked'), {
    'millrace.model.retries chat scripted scripted/one': 1,
    'gen_ai.client.token.usage chat scripted scripted/one input': 300,
  });
  const durations = metrics.operators
    .flatMap(({ meters }) => meters)
    .filter(({ name }) => name === 'gen_ai.client.operation.duration')
    .map(({ attributes, buckets }) => [attributes['error.type'], buckets?.reduce((sum, count) => sum + count, 0)]);
  t.same(durations, [
    ['overloaded', 1],
    [undefined, 3],
  ]);
});

t.test('metrics as OTLP: one metric a name, points by operator', async (t) => {
  const { metrics } = await looked();
  const { resourceMetrics } = otlpMetrics(metrics, { service: 'shop', startedAt: 1_000, now: 2_000.5 });
  const all = resourceMetrics[0]?.scopeMetrics[0]?.metrics ?? [];
  t.same(new Set(all.map(({ name }) => name)).size, all.length);
  const runs = all.find(({ name }) => name === 'millrace.agent.runs');
  const [point] = runs?.sum?.dataPoints ?? [];
  t.equal(point?.startTimeUnixNano, '1000000000');
  t.equal(point?.timeUnixNano, '2000500000');
  t.match(point?.attributes, [
    { key: 'millrace.operator', value: { stringValue: 'looking' } },
    { key: 'gen_ai.agent.name', value: { stringValue: 'looking' } },
  ]);
  const tokens = all.find(({ name }) => name === 'gen_ai.client.token.usage')?.histogram?.dataPoints[0];
  t.equal(tokens?.bucketCounts?.length, (tokens?.explicitBounds?.length ?? 0) + 1);
  t.equal(tokens?.bucketCounts?.[tokens?.explicitBounds?.indexOf(256) ?? -1], '7', 'inputs of 100 tokens');
});

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: { key: string; value: { stringValue?: string; intValue?: string } }[];
  readonly status: { code: number };
}

function spansOf(traces: unknown): Span[] {
  const { resourceSpans } = traces as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}

t.test('a run is a trace, with a span for each call', async (t) => {
  const { runs } = await looked();
  const record = runs.find(({ input }) => (input as Input).id === 1) as RunRecord;
  const spans = spansOf(otlpTraces([record]));
  t.same(
    spans.map(({ name }) => name),
    ['invoke_agent looking', 'chat scripted/one', 'execute_tool look', 'chat scripted/one'],
  );
  const [root, ...steps] = spans as [Span, ...Span[]];
  t.match(root.traceId, /^[0-9a-f]{32}$/);
  t.equal(new Set(spans.map(({ spanId }) => spanId)).size, 4);
  for (const { parentSpanId, traceId, spanId, startTimeUnixNano: from, endTimeUnixNano: to } of steps) {
    t.equal(parentSpanId, root.spanId);
    t.equal(traceId, root.traceId);
    t.match(spanId, /^[0-9a-f]{16}$/);
    t.ok(BigInt(from) >= BigInt(root.startTimeUnixNano) && BigInt(to) <= BigInt(root.endTimeUnixNano));
  }
  const attributes = Object.fromEntries(steps[0]?.attributes.map(({ key, value }) => [key, value]) ?? []);
  t.match(attributes, {
    'gen_ai.operation.name': { stringValue: 'chat' },
    'gen_ai.provider.name': { stringValue: 'scripted' },
    'gen_ai.usage.input_tokens': { intValue: '100' },
    'gen_ai.usage.output_tokens': { intValue: '10' },
  });
  t.notMatch(JSON.stringify(spans), 'Look.', 'no content unless it is asked for');
  t.match(JSON.stringify(otlpTraces([record], { content: true })), 'Look.');
  t.same(otlpTraces([record]), otlpTraces([structuredClone(record)]), 'the same whenever it is told');
  const failed = runs.find(({ outcome }) => outcome === 'failed') as RunRecord;
  t.same(
    spansOf(otlpTraces([failed])).map(({ status }) => status.code),
    [2, 1, 2, 1, 1],
  );
});

/** A collector that refuses the first `down` requests. */
async function collector(t: { teardown(handler: () => void): void }, down = 0) {
  const bodies: string[] = [];
  let asked = 0;
  const server: Server = createServer(async (request: IncomingMessage, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    asked += 1;
    response.statusCode = asked <= down ? 503 : 200;
    if (asked > down) bodies.push(`${request.url} ${request.headers['x-key']} ${body}`);
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return { bodies, asked: () => asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function traced(url: string): Promise<string> {
  const { status } = await run(
    job('traced', (j) => {
      const { runs } = j
        .from('inputs', fromIterable(inputs))
        .keyBy(({ id }) => id)
        .agent('looking', looking);
      runs.to('traces', otlpSink({ url, headers: () => ({ 'x-key': 'k' }), service: 'shop' }));
    }),
  );
  return status;
}

t.test('runs arrive at a collector, also at one that refuses at first', async (t) => {
  const { bodies, url } = await collector(t, 2);
  t.equal(await traced(url), 'finished');
  const traces = bodies.map((body) => JSON.parse(body.slice('/v1/traces k '.length)));
  t.ok(bodies.every((body) => body.startsWith('/v1/traces k ')));
  const roots = traces.flatMap(spansOf).filter(({ parentSpanId }) => parentSpanId === undefined);
  t.equal(new Set(roots.map(({ traceId }) => traceId)).size, 3);
  t.match(traces[0], { resourceSpans: [{ resource: { attributes: [{ value: { stringValue: 'shop' } }] } }] });
});

t.test('one that is down holds no job up', async (t) => {
  const { url, asked } = await collector(t, Number.POSITIVE_INFINITY);
  t.equal(await traced(url), 'finished');
  t.ok(asked() >= 4);
});
