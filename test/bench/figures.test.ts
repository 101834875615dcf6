/** The pure parts of benchmarks: statistics, verdicts, turns and plots. */
import t from 'tap';
import { axisOf } from '../../bench/curves.js';
import { inTurns } from '../../bench/in-turns.js';
import { differenceOf } from '../../bench/nexmark/kills.js';
import { chanceOf, deviation, geometricMean, median, middleOf, spreadOf, verdictOf } from '../../bench/statistics.js';
import { barChart, lineChart, powersOver, shown, stepsTo } from '../../bench/svg.js';

t.test('middles and spreads', async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 3, 'the upper one of two');
  t.equal(middleOf([4, 1, 2, 3]), 2.5);
  t.equal(geometricMean([1, 4]), 2);
  t.equal(deviation(spreadOf([8, 10, 15])), 0.5);
});

t.test('slower is what all of five pairs say, or nearly all of many', async (t) => {
  t.equal(chanceOf(5, 5), 1 / 16);
  t.equal(chanceOf(2, 3), 1);
  t.equal(verdictOf([0.5, 0.5, 0.5, 0.5]), 'too few pairs');
  t.equal(verdictOf([0.9, 0.95, 0.8, 0.9, 0.7]), 'slower');
  t.equal(verdictOf([1.1, 1.2, 1.3, 1.1, 1.05]), 'faster');
  t.equal(verdictOf([0.9, 0.9, 0.9, 0.9, 1.1]), 'no difference', 'one of five against it');
  t.equal(verdictOf([0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 1.1]), 'slower', 'one of eight');
  t.equal(verdictOf([0.99, 0.99, 0.99, 0.99, 0.99]), 'no difference', 'too small to matter');
  t.equal(verdictOf([1, 1, 1, 1, 1]), 'no difference');
});

t.test('sides come A B B A', async (t) => {
  const seen: string[] = [];
  await inTurns(3, ['a', 'b'], async (side) => void seen.push(side));
  t.equal(seen.join(''), 'abbaab');
});

t.test('axes', async (t) => {
  t.same(stepsTo(1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  t.same(stepsTo(23), [0, 5, 10, 15, 20, 25]);
  t.same(stepsTo(7e6), [0, 2e6, 4e6, 6e6, 8e6]);
  t.same(powersOver([1_000, 5_000_000]), [1e3, 1e4, 1e5, 1e6, 1e7]);
  t.same(powersOver([1]), [1, 10]);
  t.same([shown(1_500_000), shown(12_345), shown(0.123456), shown(7)], ['1.5 M', '12.3 K', '0.123', '7']);
});

t.test('a plot is well-formed, its points are where the axes say, its texts are escaped', async (t) => {
  const points: [number, number][] = [
    [1, 0],
    [100, 10],
  ];
  const svg = lineChart({ title: 'a < b & c', x: 'keys', y: 'rate', log: true, lines: [{ name: 'one', points }] });
  t.match(svg, '<title>a &lt; b &amp; c</title>');
  t.match(svg, '<polyline points="70,350 540,40"');
  const bars = barChart({ title: 't', unit: 'u', bars: [{ name: 'q0', value: 5 }], mark: 10 });
  t.match(bars, 'width="265"');
  for (const text of [svg, bars]) {
    const [open, close] = [text.match(/<(svg|text|title)\b/g), text.match(/<\/(svg|text|title)>/g)];
    t.equal(open?.length, close?.length);
    t.notMatch(text, /NaN|Infinity|undefined/);
  }
});

t.test('what an operator is drawn over', async (t) => {
  t.same(axisOf('100 K keys'), { at: 100_000, of: 'keys' });
  t.same(axisOf('600:1'), { at: 600, of: 'slides a window' });
  t.same(axisOf('capacity 10'), { at: 10, of: 'capacity' });
});

t.test('rows that differ are told, wherever it is', async (t) => {
  t.equal(differenceOf(['a', 'b'], ['a', 'b']), 'equal, 2 rows');
  t.match(differenceOf(['a', 'c'], ['a', 'b']), /^DIFFERENT: 2 rows, not 2; row 1: c, not b/);
  t.match(differenceOf(['a'], ['a', 'b']), /^DIFFERENT: 1 rows, not 2/);
  t.match(differenceOf(['a', 'b'], ['a']), /^DIFFERENT/);
});
