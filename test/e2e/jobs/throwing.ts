/**
 * Jobs whose functions fail in every place where user code runs. All write to `out`, so that a test can see that
 * nothing of a failed job becomes visible.
 */
import {
  callback,
  fileSink,
  fromIterable,
  generate,
  type JobBuilder,
  job,
  ndjson,
  type Stream,
  tumbling,
} from 'millrace';

export interface Item {
  readonly n: number;
  readonly key: string;
}

const params = { out: '' };
/** Past the first batches, so that records are under way on every link when it fails. */
const POISON = 13_333;
const COUNT = 20_000;

const make = (n: number): Item => ({ n, key: `k${n % 10}` });
const isPoison = ({ n }: Item): boolean => n === POISON;
const timed = ({ n }: Item): number => n;

function items(j: JobBuilder): Stream<Item> {
  return j.from('items', generate({ count: COUNT, splits: 4, make }));
}

function boom(item: Item): Item {
  if (isPoison(item)) throw new RangeError(`boom at ${item.n}`);
  return item;
}

export const map = job('map', { params }, (j, { out }) => {
  items(j).map(boom, { name: 'careful' }).to('out', fileSink(out, ndjson()));
});

export const filter = job('filter', { params }, (j, { out }) => {
  items(j).filter(boom, { name: 'picky' }).to('out', fileSink(out, ndjson()));
});

export const expanding = job('flat-map', { params }, (j, { out }) => {
  items(j)
    .flatMap(
      function* (item) {
        yield item;
        yield boom(item);
      },
      { name: 'twice' },
    )
    .to('out', fileSink(out, ndjson()));
});

export const nothing = job('throw-null', { params }, (j, { out }) => {
  items(j)
    .map(
      (item) => {
        if (isPoison(item)) throw null;
        return item;
      },
      { name: 'nothing' },
    )
    .to('out', fileSink(out, ndjson()));
});

export const selector = job('key-by', { params }, (j, { out }) => {
  items(j)
    .keyBy((item) => boom(item).key)
    .aggregate('per-key', (a) => ({ items: a.count() }))
    .to('out', fileSink(out, ndjson()));
});

export const noKey = job('no-key', { params }, (j, { out }) => {
  items(j)
    .keyBy((item) => (isPoison(item) ? undefined : item.key) as string)
    .aggregate('per-key', (a) => ({ items: a.count() }))
    .to('out', fileSink(out, ndjson()));
});

export const aggregate = job('aggregate', { params }, (j, { out }) => {
  items(j)
    .keyBy((item) => item.key)
    .aggregate('per-key', (a) => ({ sum: a.sum((item) => boom(item).n) }))
    .to('out', fileSink(out, ndjson()));
});

export const reduce = job('reduce', { params }, (j, { out }) => {
  items(j)
    .keyBy((item) => item.key)
    .reduce('latest', (_, item) => boom(item))
    .to('out', fileSink(out, ndjson()));
});

export const onRecord = job('on-record', { params }, (j, { out }) => {
  items(j)
    .keyBy((item) => item.key)
    .process('keyed', { onRecord: (item) => [boom(item)] })
    .to('out', fileSink(out, ndjson()));
});

export const onTimer = job('on-timer', { params }, (j, { out }) => {
  items(j)
    .eventTime(timed)
    .keyBy((item) => item.key)
    .process('keyed', {
      onRecord: (item, ctx) => ctx.eventTimers.add(item.n),
      onTimer: (n, ctx) => [boom({ n, key: ctx.key })],
    })
    .to('out', fileSink(out, ndjson()));
});

export const onProcessingTimer = job('on-processing-timer', { params }, (j, { out }) => {
  j.from('items', generate({ splits: 4, rate: 10_000, make }))
    .keyBy((item) => item.key)
    .process('keyed', {
      onRecord: (_item, ctx) => ctx.processingTimers.add(ctx.now() + 1),
      onProcessingTimer: (_time, ctx) => [boom({ n: POISON, key: ctx.key })],
    })
    .to('out', fileSink(out, ndjson()));
});

export const windowFold = job('window-fold', { params }, (j, { out }) => {
  items(j)
    .eventTime(timed)
    .keyBy((item) => item.key)
    .window(tumbling(100))
    .aggregate('hundreds', (a) => ({ sum: a.sum((item) => boom(item).n) }))
    .to('out', fileSink(out, ndjson()));
});

export const windowFiring = job('window-firing', { params }, (j, { out }) => {
  items(j)
    .eventTime(timed)
    .keyBy((item) => item.key)
    .window(tumbling(100))
    .process('hundreds', (_key, _window, records) => records.map(boom))
    .to('out', fileSink(out, ndjson()));
});

export const eventTime = job('event-time', { params }, (j, { out }) => {
  items(j)
    .eventTime((item) => boom(item).n)
    .to('out', fileSink(out, ndjson()));
});

export const noTime = job('no-time', { params }, (j, { out }) => {
  items(j)
    .eventTime((item) => (isPoison(item) ? Number.NaN : item.n))
    .to('out', fileSink(out, ndjson()));
});

export const untimed = job('untimed', { params }, (j, { out }) => {
  items(j)
    .keyBy((item) => item.key)
    .window(tumbling('1h'))
    .aggregate('hours', (a) => ({ items: a.count() }))
    .to('out', fileSink(out, ndjson()));
});

export const sinkCallback = job('sink-callback', { params }, (j, { out }) => {
  const all = items(j);
  all.to('out', fileSink(out, ndjson()));
  all.to(
    'pager',
    callback((item) => void boom(item)),
  );
});

export const sinkPromise = job('sink-promise', { params }, (j, { out }) => {
  const all = items(j);
  all.to('out', fileSink(out, ndjson()));
  all.to(
    'pager',
    callback(async (item) => void boom(item)),
  );
});

export const generator = job('generator', { params }, (j, { out }) => {
  j.from('made', generate({ count: COUNT, make: (n) => boom(make(n)) })).to('out', fileSink(out, ndjson()));
});

export const iterable = job('iterable', { params }, (j, { out }) => {
  j.from(
    'listed',
    fromIterable(function* () {
      for (let n = 0; n < COUNT; n += 1) yield boom(make(n));
    }),
  ).to('out', fileSink(out, ndjson()));
});

export const asyncIterable = job('async-iterable', { params }, (j, { out }) => {
  j.from(
    'awaited',
    fromIterable(async function* () {
      for (let n = 0; n < COUNT; n += 1) yield boom(make(n));
    }),
  ).to('out', fileSink(out, ndjson()));
});

export const offloaded = job('offloaded', { params }, (j, { out }) => {
  j.from('items', generate({ count: 40, make }))
    .offload('heavy', (item) => boom({ ...item, n: item.n === 13 ? POISON : item.n }))
    .to('out', fileSink(out, ndjson()));
});

export const unwritable = job('unwritable-record', { params }, (j, { out }) => {
  items(j)
    .map((item) => (isPoison(item) ? { ...item, n: 1n } : item))
    .to('out', fileSink<unknown>(out, ndjson()));
});
