/** The reader of TAP behind `npm test`: what counts as passed and as failed. */
import t from 'tap';

interface Tally {
  readonly passed: number;
  readonly failures: readonly { readonly name: string; readonly details: readonly string[] }[];
  readonly planned: boolean;
}

const scripts = new URL('../../../scripts/tap-tally.mjs', import.meta.url).href;
const { tally } = (await import(scripts)) as { tally: (text: string) => Tally };

const text = (...lines: string[]): string => lines.join('\n');

t.test('assertions count, the lines that close subtests do not', async (t) => {
  const result = tally(
    text('# Subtest: outer', '    # Subtest: inner', '        ok 1 - a', '        ok 2 - b', '        1..2').concat(
      '\n    ok 1 - inner\n    ok 2 - c\n    1..2\nok 1 - outer\nok 2 - d\n1..2\n',
    ),
  );
  t.same(result, { passed: 4, failures: [], planned: true });
});

t.test('a failed assertion is named by its subtests and has its details', async (t) => {
  const result = tally(
    text(
      '# Subtest: outer',
      '    not ok 1 - a',
      '      ---',
      '      diff: |',
      '        ok 3 - not a test',
      '      ...',
    ).concat('\n    1..1\nnot ok 1 - outer\n1..1\n'),
  );
  t.equal(result.passed, 0);
  t.same(result.failures, [{ name: 'outer › a', details: ['diff: |', '  ok 3 - not a test'] }]);
});

t.test('a subtest that fails though its assertions pass counts once', async (t) => {
  const result = tally(text('# Subtest: outer', '    ok 1 - a', '    1..1', 'not ok 1 - outer', '1..1'));
  t.equal(result.passed, 1);
  t.same(result.failures, [{ name: 'outer', details: [] }]);
});

t.test('skipped and todo lines count as neither', async (t) => {
  const result = tally(text('ok 1 - a # SKIP no zstd here', 'not ok 2 - b # todo', '1..2'));
  t.same(result, { passed: 0, failures: [], planned: true });
});

t.test('subtests in braces count by what is inside', async (t) => {
  const result = tally(text('not ok 1 - x {', '    ok 1 - a', '    not ok 2 - b', '    1..2', '}', '1..1'));
  t.equal(result.passed, 1);
  t.same(
    result.failures.map(({ name }) => name),
    ['x › b'],
  );
});

t.test('text that ends early has no plan', async (t) => {
  t.equal(tally(text('TAP version 14', '# Subtest: a', '    ok 1 - x')).planned, false);
});
