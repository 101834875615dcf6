/** Jobs that give single records up, by skipping or as dead letters, and go on. */
import {
  collect,
  type DeadLetter,
  deadLetter,
  fileSink,
  generate,
  type JobBuilder,
  job,
  ndjson,
  type OnError,
  type Stream,
  state,
  tumbling,
} from 'millrace';

export interface Item {
  readonly n: number;
  readonly key: string;
}

/** Without a directory, records are skipped. */
const params = { dead: '' };

export const COUNT = 4_000;
const make = (n: number): Item => ({ n, key: `k${n % 10}` });
export const isPoison = (n: number): boolean => n % 97 === 50;

function boom<T>(n: number, value: T): T {
  if (isPoison(n)) throw new RangeError(`boom at ${n}`);
  return value;
}

function policy(dead: string): OnError<Item> {
  return dead === '' ? 'skip' : deadLetter<Item>('dead', fileSink<DeadLetter<Item>>(dead, ndjson()));
}

function items(j: JobBuilder): Stream<Item> {
  return j.from('items', generate({ count: COUNT, splits: 4, make })).eventTime((item) => item.n);
}

export const map = job('map', { params }, (j, { dead }) =>
  items(j)
    .map((item) => boom(item.n, item), { name: 'careful', onError: policy(dead) })
    .to('results', collect()),
);

export const expanding = job('flat-map', { params }, (j, { dead }) =>
  items(j)
    .flatMap((item) => boom(item.n, [item]), { name: 'careful', onError: policy(dead) })
    .to('results', collect()),
);

/** The generator has put one record out when it fails. */
export const halfExpanded = job('half-flat-map', { params }, (j, { dead }) =>
  items(j)
    .flatMap(
      function* (item) {
        yield item;
        yield boom(item.n, { ...item, again: true });
      },
      { name: 'careful', onError: policy(dead) },
    )
    .to('results', collect()),
);

export const offloaded = job('offload', { params }, (j, { dead }) =>
  items(j)
    .filter((item) => item.n < 400)
    .offload('careful', (item) => boom(item.n, item), { onError: policy(dead) })
    .to('results', collect()),
);

/** Both aggregates leave the record out, or neither. */
export const aggregate = job('aggregate', { params }, (j, { dead }) =>
  items(j)
    .keyBy((item) => item.key)
    .aggregate('careful', (a) => ({ items: a.count(), sum: a.sum((item) => boom(item.n, item.n)) }), {
      onError: policy(dead),
    })
    .to('results', collect()),
);

export const reduce = job('reduce', { params }, (j, { dead }) =>
  items(j)
    .keyBy((item) => item.key)
    .reduce('careful', (a, b) => boom(b.n, { key: a.key, n: a.n + b.n }), { onError: policy(dead) })
    .to('results', collect()),
);

export const onRecord = job('on-record', { params }, (j, { dead }) =>
  items(j)
    .keyBy((item) => item.key)
    .process('careful', {
      state: { items: state.value({ initial: 0 }) },
      onRecord(item, ctx) {
        const items = boom(item.n, ctx.state.items.get() + 1);
        ctx.state.items.set(items);
        return [{ ...item, items }];
      },
      onError: policy(dead),
    })
    .to('results', collect()),
);

/** All timers are due at the end, at once: one that fails is given up, the others fire. */
export const onTimer = job('on-timer', { params }, (j, { dead }) =>
  items(j)
    .keyBy((item) => item.key)
    .process('careful', {
      onRecord: (item, ctx) => ctx.eventTimers.add(COUNT + item.n),
      onTimer: (time, ctx) => boom(time - COUNT, [{ n: time - COUNT, key: ctx.key }]),
      onError: policy(dead),
    })
    .to('results', collect()),
);

export const windowFold = job('window-fold', { params }, (j, { dead }) =>
  items(j)
    .keyBy((item) => item.key)
    .window(tumbling(1_000))
    .aggregate('careful', (a) => ({ items: a.count(), sum: a.sum((item) => boom(item.n, item.n)) }), {
      onError: policy(dead),
    })
    .to('results', collect()),
);

/** Windows of one record each; firing fails. */
export const windowFiring = job('window-firing', { params }, (j, { dead }) =>
  items(j)
    .keyBy((item) => item.key)
    .window(tumbling(1))
    .process('careful', (_key, _window, [item]) => boom((item as Item).n, [item as Item]), { onError: policy(dead) })
    .to('results', collect()),
);

/** Event time in the middle of a chain has a policy of its own. */
export const eventTime = job('event-time', { params }, (j, { dead }) =>
  items(j)
    .map((item) => item)
    .eventTime((item) => boom(item.n, item.n), { onError: policy(dead) })
    .to('results', collect()),
);
