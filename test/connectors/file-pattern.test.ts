/** Globs: what they match, and which directories they look into. */
import t from 'tap';
import { expandBraces, findFiles, segmentMatcher } from '../../connectors/files/file-pattern.js';
import { ManualHost } from '../host/manual-host.js';
import { hostWith } from './chopping-storage.js';

t.test('a segment matches names', (t) => {
  const cases: [pattern: string, yes: string[], no: string[]][] = [
    ['*', ['a', 'a.b'], ['.a']],
    ['*.csv', ['csv.csv', 'a.csv'], ['a.csv.gz', '.csv', '.a.csv']],
    ['.*', ['.a'], ['a']],
    ['a?c', ['abc', 'a?c', 'a𝄞c'], ['ac', 'abbc']],
    ['[abc]', ['a', 'c'], ['d', '']],
    ['[a-c]x', ['bx'], ['dx', '-x']],
    ['[!a-c]', ['d', '-'], ['b']],
    ['[^a]', ['b'], ['a']],
    ['[]]', [']'], ['[']],
    ['[a-]', ['-', 'a'], ['b']],
    ['a*b*c', ['abc', 'aXbYc', 'abcbc'], ['abcb', 'acb']],
    ['part.(1)+$', ['part.(1)+$'], ['part.111']],
    ['[', ['['], ['a']],
  ];
  for (const [pattern, yes, no] of cases) {
    const matches = segmentMatcher(pattern);
    for (const name of yes) t.equal(matches(name), true, `${pattern} matches ${name}`);
    for (const name of no) t.equal(matches(name), false, `${pattern} does not match ${name}`);
  }
  t.end();
});

t.test('many stars cost no more than their product', (t) => {
  t.equal(segmentMatcher('*a'.repeat(50))('a'.repeat(2_000).concat('b')), false);
  t.end();
});

t.test('braces are alternatives', (t) => {
  t.same(expandBraces('a{b,c/d}e'), ['abe', 'ac/de']);
  t.same(expandBraces('{a,{b,c}d}'), ['a', 'bd', 'a', 'cd']);
  t.same(expandBraces('a{b}c{'), ['a{b}c{']);
  t.same(expandBraces('{,x}.csv'), ['.csv', 'x.csv']);
  t.throws(() => expandBraces('{a,b}'.repeat(12)), { code: 'MILL_OPTION_INVALID' });
  t.end();
});

const TREE = {
  'data/2024/a.csv': '',
  'data/2024/b.csv.gz': '',
  'data/2025/a.csv': '',
  'data/2025/q1/c.csv': '',
  'data/.hidden/d.csv': '',
  'data/2025/.part-x.csv.inprogress': '',
  'data/odd[1].csv': '',
  'top.csv': '',
};

t.test('files are found by path, directory and glob, sorted', async (t) => {
  const { storage } = await hostWith(TREE);
  const cases: [pattern: string, expected: string[]][] = [
    ['top.csv', ['top.csv']],
    ['/top.csv', ['/top.csv']],
    ['none.csv', []],
    ['data/2024', ['data/2024/a.csv', 'data/2024/b.csv.gz']],
    ['data/2024/', ['data/2024/a.csv', 'data/2024/b.csv.gz']],
    ['data/*/a.csv', ['data/2024/a.csv', 'data/2025/a.csv']],
    ['./data/*/*.csv{,.gz}', ['data/2024/a.csv', 'data/2024/b.csv.gz', 'data/2025/a.csv']],
    ['data/**/*.csv', ['data/2024/a.csv', 'data/2025/a.csv', 'data/2025/q1/c.csv', 'data/odd[1].csv']],
    ['data/2025/**', ['data/2025/a.csv', 'data/2025/q1/c.csv']],
    ['**/c.csv', ['data/2025/q1/c.csv']],
    ['/**/c.csv', ['/data/2025/q1/c.csv']],
    ['data/.hidden/*', ['data/.hidden/d.csv']],
    ['data/odd[1].csv', ['data/odd[1].csv']],
    ['data/odd*', ['data/odd[1].csv']],
    ['data/2024/*/x', []],
    ['top.csv/*', []],
    ['data/*/a.cs[v]', ['data/2024/a.csv', 'data/2025/a.csv']],
  ];
  for (const [pattern, expected] of cases) t.same(await findFiles(storage, pattern), expected, pattern);
});

t.test('errors other than missing directories come through', async (t) => {
  const { storage } = new ManualHost();
  storage.list = () => Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' }));
  await t.rejects(findFiles(storage, '*.csv'), { code: 'EACCES' });
});
