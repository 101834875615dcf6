/** Validation by any library that speaks Standard Schema. */
import t from 'tap';
import * as v from 'valibot';
import { z } from 'zod';
import { type InferOutput, type StandardSchemaV1, validate } from '../../core/schema.js';

const schema = z.object({ id: z.string(), lines: z.array(z.object({ cents: z.coerce.number() })) });

t.test('what fits comes back, converted', (t) => {
  const record: InferOutput<typeof schema> = validate(schema, { id: 'a', lines: [{ cents: '12' }], more: 1 });
  t.same(record, { id: 'a', lines: [{ cents: 12 }] });
  t.equal(validate(v.pipe(v.string(), v.transform(Number)), '7'), 7);
  t.end();
});

t.test('what does not fit is rejected with the path of each issue', (t) => {
  const wrong = { id: 7, lines: [{ cents: 1 }, { cents: 'x' }] };
  t.throws(() => validate(schema, wrong), {
    code: 'MILL_RECORD_REJECTED',
    kind: 'fix-data',
    message: /^the record does not fit its schema: id: .+; lines\[1\]\.cents: .+; it is \{"id":7,/,
  });
  t.throws(() => validate(z.string(), 7), {
    code: 'MILL_RECORD_REJECTED',
    message: /schema: Invalid input: expected string/,
  });
  t.throws(() => validate(z.array(z.string()), [1, 2, 3, 4, 5, 6, 7]), { message: /; and 2 more; it is \[1,2/ });
  t.throws(() => validate(v.object({ a: v.string() }), {}), { code: 'MILL_RECORD_REJECTED', message: /a: / });
  t.end();
});

t.test('an asynchronous schema is refused, and its promise leaves no rejection behind', async (t) => {
  t.throws(
    () =>
      validate(
        z.string().refine(async () => true),
        'a',
      ),
    { code: 'MILL_OPTION_INVALID', message: /zod/ },
  );
  const late: StandardSchemaV1 = {
    '~standard': { version: 1, vendor: 'own', validate: () => Promise.reject(new Error('late')) },
  };
  t.throws(() => validate(late, 'a'), { code: 'MILL_OPTION_INVALID', message: /\(own\) validates asynchronously/ });
  await new Promise((resolve) => setImmediate(resolve));
});
