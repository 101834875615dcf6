/** What counts as plain data, and how the refusal names the place. */

import fc from 'fast-check';
import t from 'tap';
import { MillraceError } from '../../core/errors.js';
import { assertPlain, DEPTH_MAX, deepFreeze } from '../../core/plain.js';
import { plainValues } from './plain-values.js';

function refusal(value: unknown): string {
  try {
    assertPlain(value);
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'MILL_RECORD_NOT_PLAIN') return error.message;
    throw error;
  }
  return 'accepted';
}

class Money {
  amount = 1;
}

t.test('plain values are accepted', (t) => {
  fc.assert(fc.property(plainValues, (value) => refusal(value) === 'accepted'));
  const shared = { a: 1 };
  t.equal(refusal({ left: shared, right: shared }), 'accepted', 'the same object twice is no cycle');
  t.end();
});

t.test('the refusal names the path and what is wrong', (t) => {
  t.equal(refusal({ user: { address: [1, 2, () => 1] } }), 'record.user.address[2] is a function');
  t.equal(refusal({ 'a b': { f: Math.max } }), 'record["a b"].f is a function (max)');
  t.equal(refusal([new Money()]), 'record[0] is an instance of class Money');
  t.equal(refusal(Symbol('s')), 'record is a symbol (Symbol(s))');
  t.equal(refusal({ at: /x/ }), 'record.at is an instance of class RegExp');
  t.equal(refusal(new Map([['k', new Money()]])), 'record.values()[0] is an instance of class Money');
  t.equal(refusal(new Set([Money])), 'record.values()[0] is a function (Money)');
  t.equal(refusal({ [Symbol.iterator]: 1 }), 'record is an object with a symbol for a key (Symbol(Symbol.iterator))');
  t.equal(
    refusal({
      get total() {
        return 1;
      },
    }),
    'record is an object with a getter or setter (total)',
  );
  t.equal(refusal(Object.defineProperty({}, 'x', { value: 1 })), 'record is an object with a hidden field (x)');
  t.equal(refusal(Object.assign([1], { extra: 1 })), 'record is an array with a field of its own (extra)');
  t.equal(refusal(Object.assign(new Set(), { extra: 1 })), 'record is a class Set with a field of its own (extra)');
  t.equal(refusal(new Uint8Array(new SharedArrayBuffer(4))), 'record is a view of shared memory');
  t.equal(refusal(Object.create({})), 'record is an instance of class Object');
  const cyclic: { self?: unknown } = {};
  cyclic.self = [cyclic];
  t.equal(refusal(cyclic), 'record.self[0] is a cycle: it contains itself');
  t.end();
});

t.test('nesting is bounded', (t) => {
  let deep: unknown = 1;
  for (let level = 0; level < DEPTH_MAX; level += 1) deep = { deep };
  t.equal(refusal(deep), 'accepted');
  t.match(refusal({ deep }), /^record(\.deep)+ … .* is nested deeper than 500 levels$/);
  t.end();
});

t.test('deepFreeze reaches everything that can be frozen', (t) => {
  const value = deepFreeze({
    list: [{ a: 1 }],
    map: new Map([['k', { b: 1 }]]),
    set: new Set([{ c: 1 }]),
    bytes: new Uint8Array(2),
  });
  t.ok(Object.isFrozen(value) && Object.isFrozen(value.list) && Object.isFrozen(value.list[0]));
  t.ok(Object.isFrozen(value.map.get('k')) && [...value.set].every(Object.isFrozen));
  t.throws(() => {
    value.list.push({ a: 2 });
  }, TypeError);
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  t.ok(Object.isFrozen(deepFreeze(cyclic)), 'a cycle ends');
  t.end();
});
