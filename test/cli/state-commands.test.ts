/** `millrace checkpoints`, `savepoint` and `state` as processes, on the state that a job has left. */
import { readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fromIterable, job, print, run, state } from 'millrace';
import t from 'tap';
import { type Ended, MILLRACE, runToEnd } from '../e2e/child.js';

interface Order {
  readonly user: string;
  readonly cents: number;
}

const ORDERS: Order[] = [
  { user: 'ann', cents: 5 },
  { user: 'bob', cents: 7 },
  { user: 'ann', cents: 11 },
];

/** Its module would be at hand for the command line as well; here only its state is. */
const orders = job('orders', (j) => {
  const all = j.from('orders', fromIterable(ORDERS));
  all
    .keyBy((order) => order.user)
    .process('history', {
      state: {
        last: state.value<number>(),
        all: state.list<bigint>(),
        by: state.map<number, Date>(),
      },
      onRecord(order, ctx) {
        ctx.state.last.set(order.cents);
        ctx.state.all.add(BigInt(order.cents));
        ctx.state.by.set(order.cents, new Date(order.cents * 1_000));
        ctx.processingTimers.add(4e12);
      },
    })
    .to('out', print());
  all
    .keyBy((order) => [order.user, order.cents])
    .reduce('same', (a) => a)
    .filter(() => false)
    .to('none', print());
});

const root = t.testdir({});
const directory = join(root, '.millrace/orders');
await run(orders, { state: directory });

const millrace = (...args: string[]): Promise<Ended> => runToEnd(MILLRACE, args, root);
const jsonOf = ({ stdout }: Ended): unknown[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

t.test('checkpoints: list, verify, inspect', async (t) => {
  const [list, json, verify, inspect] = await Promise.all([
    millrace('checkpoints', directory),
    millrace('checkpoints', 'list', directory, '--json'),
    millrace('checkpoints', 'verify', directory),
    millrace('checkpoints', 'inspect', directory, '1'),
  ]);
  t.match(list, {
    code: 0,
    stdout: /^checkpoint +taken +workers +files +size\n0+1-\w+ +20\d\d-.*Z +1 +1 +\d+ B +finished\n$/,
  });
  t.match(jsonOf(json), [{ type: 'checkpoint', job: 'orders', epoch: 1, files: 1, rows: 13, ended: 'finished' }]);
  t.match(verify, { code: 0, stdout: /^0+1-\w+ +ok: 1 files, \d+ B\n$/ });
  t.match(inspect, {
    code: 0,
    stdout:
      /^orders, checkpoint 1 \(.*, 128 key groups, finished\n\nsources\n {2}orders +enumerator[\s\S]*keyed state\n {2}groups 0 to 127 +state\/.*\.rows +13 rows/,
  });
});

t.test('state: list, read, dump', async (t) => {
  const [list, ann, tuple, nobody, dump] = await Promise.all([
    millrace('state', directory),
    millrace('state', 'read', directory, 'ann', '--operator', 'history', '--json'),
    millrace('state', 'read', directory, '["ann",11]'),
    millrace('state', 'read', directory, 'eve'),
    millrace('state', 'dump', directory, '--operator', 'history'),
  ]);
  t.match(list.stdout, /^operator +table +kind +keys +rows +size\nhistory +all +list +2 +3 +\d+ B\n/);
  t.match(list.stdout, /^same +\w+ +value +3 +3 +\d+ B$/m);
  t.same(jsonOf(ann), [
    {
      history: {
        last: 11,
        all: ['5', '11'],
        by: [
          [5, '1970-01-01T00:00:05.000Z'],
          [11, '1970-01-01T00:00:11.000Z'],
        ],
        'processing timers': [4e12],
      },
    },
  ]);
  t.match(JSON.parse(tuple.stdout), { same: {} });
  t.match(nobody, { code: 1, stdout: '{}\n' });
  const rows = jsonOf(dump) as { key: string; kind: string }[];
  t.equal(rows.length, 10);
  t.same(
    rows
      .filter(({ kind }) => kind === 'timer')
      .map(({ key }) => key)
      .sort(),
    ['ann', 'bob'],
  );
});

t.test('savepoint: of a directory, and a savepoint is read the same way', async (t) => {
  const saved = join(root, 'saved');
  t.match(await millrace('savepoint', directory, 'saved'), {
    code: 0,
    stdout: /^saved holds checkpoint 1 of orders, taken [\d.]+ m?s? ?i?n? ?ago: \d+ B\n$/,
  });
  const [again, list, read] = await Promise.all([
    millrace('savepoint', directory, 'saved', '--json'),
    millrace('checkpoints', 'saved'),
    millrace('state', 'read', 'saved', 'bob', '--json', '--operator', 'history'),
  ]);
  t.match(again, { code: 1 });
  t.match(jsonOf(again), [{ type: 'error', code: 'MILL_SAVEPOINT_EXISTS' }]);
  t.match(list.stdout, /^savepoint +20/m);
  t.match(jsonOf(read), [{ history: { last: 7, all: ['7'] } }]);
  const resumed = await run(orders, { state: join(root, 'elsewhere'), from: saved });
  t.equal(resumed.alreadyFinished, true);
});

t.test('what is damaged is named, what is not there is said', async (t) => {
  const copy = join(root, 'damaged');
  await millrace('savepoint', directory, 'damaged');
  const [rows] = readdirSync(join(copy, 'state')) as [string];
  truncateSync(join(copy, 'state', rows), 10);
  const [verify, json, read, nothing, other] = await Promise.all([
    millrace('checkpoints', 'verify', copy),
    millrace('checkpoints', 'verify', copy, '--json'),
    millrace('state', 'dump', copy),
    millrace('checkpoints', root),
    millrace('checkpoints', 'inspect', directory, '7'),
  ]);
  t.match(verify, {
    code: 1,
    stdout: new RegExp(`^savepoint +MILL_CHECKPOINT_DAMAGED: .*state/${rows} is missing or not`),
  });
  t.match(json, { code: 1 });
  t.match(jsonOf(json), [{ name: 'savepoint', ok: false, file: new RegExp(rows) }]);
  t.match(read, { code: 1, stderr: /^MILL_CHECKPOINT_DAMAGED/ });
  t.match(nothing, { code: 1, stderr: /^MILL_CHECKPOINT_MISSING: .* holds no checkpoint and is no savepoint/ });
  t.match(other, { code: 1, stderr: /has no checkpoint 7; it has 0+1-/ });
});

t.test('help has examples', async (t) => {
  for (const args of [['checkpoints'], ['checkpoints', 'verify'], ['savepoint'], ['state'], ['state', 'read']]) {
    const help = await millrace(...args, '--help');
    t.match(help, { code: 0, stdout: /Examples:\n {2}millrace / }, args.join(' '));
  }
});
