/** Schemas from their JSON Schema: what fits, what is said of what does not, and which draft is meant. */
import { collect, fromIterable, job, run } from 'millrace';
import { agent, jsonSchema } from 'millrace/agents';
import t from 'tap';
import { jsonSchemaOf } from '../../agents/json-schema.js';
import { validate } from '../../core/schema.js';
import { answerOf, scripted } from './scripted-model.js';

const Order = {
  type: 'object',
  properties: {
    id: { type: 'string', minLength: 1 },
    lines: {
      type: 'array',
      items: { type: 'object', properties: { cents: { type: 'integer' } }, required: ['cents'] },
    },
    note: { type: 'string' },
  },
  required: ['id'],
  additionalProperties: false,
} as const;

t.test('what fits passes as it is, and is told models as it was given', async (t) => {
  const schema = jsonSchema<{ id: string }>(Order);
  const order = { id: 'a', lines: [{ cents: 1 }] };
  t.equal(validate(schema, order), order);
  t.doesNotThrow(() => validate(schema, { id: 'a', note: undefined }), 'JSON would leave it out');
  t.equal(jsonSchemaOf(schema, 'orders'), Order);
});

t.test('what does not fit is said with its place', async (t) => {
  const schema = jsonSchema(Order);
  const cases = [
    [{}, /does not have required property "id"/],
    [{ id: 7 }, /id: .*"number".*"string"/],
    [{ id: 'a', lines: [{ cents: 1 }, { cents: 'x' }] }, /lines\[1\]\.cents: .*"string".*"integer"/],
    [{ id: 'a', other: 1 }, /"other"/],
    ['a', /"string".*"object"/],
    [undefined, /./],
  ] as const;
  for (const [value, message] of cases)
    t.throws(() => validate(schema, value), { code: 'MILL_RECORD_REJECTED', message });
});

t.test('the draft is the one that the schema names', async (t) => {
  const pair = { items: [{ type: 'string' }, { type: 'number' }] };
  const old = jsonSchema({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'array', ...pair });
  t.throws(() => validate(old, [1, 1]), { code: 'MILL_RECORD_REJECTED' });
  t.doesNotThrow(() => validate(old, ['a', 1]));
  const current = jsonSchema({ type: 'array', prefixItems: pair.items });
  t.throws(() => validate(current, [1, 1]), { code: 'MILL_RECORD_REJECTED' });
  t.doesNotThrow(() => validate(current, ['a', 1]));
});

t.test('what is no schema is refused, and one that refers to nothing lets nothing through', async (t) => {
  for (const wrong of [undefined, null, 'object', []])
    t.throws(() => jsonSchema(wrong as never), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => validate(jsonSchema({ $ref: '#/$defs/gone' }), 1), { code: 'MILL_RECORD_REJECTED', message: /gone/ });
});

t.test('an agent replies by it', async (t) => {
  let said = 0;
  const triage = agent({
    version: '1',
    model: scripted(({ output, messages }) => {
      t.same(output?.schema, Order);
      said += 1;
      if (said === 1) return answerOf({ id: 1 });
      t.match(messages.at(-1)?.text, /That does not fit: .*id: /);
      return answerOf({ id: 'a' });
    }),
    instructions: 'Order.',
    prompt: (text: string) => text,
    output: jsonSchema<{ id: string }>(Order),
  });
  const { collected } = await run(
    job('orders', (j) => {
      const { replies } = j
        .from('texts', fromIterable(['one']))
        .keyBy((text) => text)
        .agent('orders', triage);
      replies.map(({ id }) => id.toUpperCase()).to('out', collect());
    }),
  );
  t.same(collected.out, ['A']);
});
