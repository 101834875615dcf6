/** Plans as text and as data. */
import t from 'tap';
import { collect, deadLetter, explain, generate, job } from '../../api/index.js';

const branching = job('branching', (j) => {
  const numbers = j
    .from('numbers', generate({ count: 10, make: (n) => n }))
    .eventTime((n) => n, { outOfOrder: '5s' })
    .map((n) => n + 1, { name: 'inc', onError: deadLetter('failed', collect()) });
  numbers.to('all', collect());
  numbers
    .keyBy((n) => n % 2)
    .reduce('sum', (a, b) => a + b)
    .to('sums', collect());
});

t.test('the text shows chains, branches, side outputs and event time', async (t) => {
  const [title, ...lines] = String(explain(branching)).split('\n');
  t.match(title, /^job branching: 2 chains, 128 key groups, fingerprint [0-9a-f]{16}$/);
  t.same(lines, [
    '',
    'chain 0',
    '  numbers  source: generate  10 records; event time out of order by 5000 ms',
    '  inc      map',
    '    → all directly',
    '    → sum by key',
    '    dead-letters → failed directly',
    "  failed   sink: collect     to the job's handle",
    "  all      sink: collect     to the job's handle",
    '',
    'chain 1',
    '  sum      reduce',
    "  sums     sink: collect     to the job's handle",
  ]);
});

t.test('the data names every operator, its outputs and the line that declared it', async (t) => {
  const { chains, keyGroups } = explain(branching);
  t.equal(keyGroups, 128);
  const inc = chains[0]?.find(({ name }) => name === 'inc');
  t.match(inc, { onError: 'dead-letter', declaredAt: /explain\.test\.(ts|js):\d+:\d+$/ });
  t.same(inc?.outputs, [
    { to: 'all', side: undefined, by: 'chained' },
    { to: 'sum', side: undefined, by: 'hash' },
    { to: 'failed', side: 'dead-letters', by: 'chained' },
  ]);
});
