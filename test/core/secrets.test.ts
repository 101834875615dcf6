/** What is taken out of data and errors once a secret is known. */
import t from 'tap';
import { MillraceError } from '../../core/errors.js';
import { knowSecret, redact, redactThrown, secretIn } from '../../core/secrets.js';

const plain = { a: ['swordfish!'] };
t.equal(redact(plain), plain, 'nothing is known yet');
knowSecret('SHORT', 'abc');
knowSecret('FISH', 'swordfish!');
knowSecret('QUOTED', 'say "aye" & go');

t.test('texts anywhere in plain data, however they are written', (t) => {
  t.same(redact({ a: ['x swordfish! y'], b: new Map([['swordfish!', 1]]), c: new Set(['swordfish!']) }), {
    a: ['x [secret FISH] y'],
    b: new Map([['[secret FISH]', 1]]),
    c: new Set(['[secret FISH]']),
  });
  t.equal(redact(encodeURIComponent('say "aye" & go')), '[secret QUOTED]');
  t.equal(redact(JSON.stringify({ q: 'say "aye" & go' })), '{"q":"[secret QUOTED]"}');
  t.equal(redact(Buffer.from('swordfish!').toString('base64')).startsWith('[secret FISH]'), true);
  t.same(redact({ 'swordfish!': 1 }), { '[secret FISH]': 1 });
  t.equal(redact('abc'), 'abc', 'what is too short is a part of words');
  t.end();
});

t.test('what has none stays the very same', (t) => {
  const value = { a: [1, 'x', new Date(0), new Uint8Array(2)], b: null, c: undefined, d: new Map([[1, { e: 2n }]]) };
  t.equal(redact(value), value);
  t.equal(secretIn(value), undefined);
  t.equal(secretIn({ a: [{ b: 'swordfish!' }] }), 'FISH');
  t.end();
});

t.test('errors, their causes and what crosses threads', (t) => {
  const cause = new Error('with swordfish!');
  const error = new MillraceError('MILL_FUNCTION_FAILED', 'swordfish! failed', { cause, key: 'swordfish!' });
  t.notMatch(JSON.stringify(error), /swordfish/);
  t.equal(redactThrown(error), error);
  t.equal(error.message, '[secret FISH] failed');
  t.equal(cause.message, 'with [secret FISH]');
  t.notMatch(`${error.stack} ${cause.stack}`, /swordfish/);
  t.end();
});
