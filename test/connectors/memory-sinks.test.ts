/** The sinks that need nothing outside: print, callback, collect. */
import t from 'tap';
import { callback } from '../../connectors/memory/callback-sink.js';
import { collect } from '../../connectors/memory/collect-sink.js';
import { print } from '../../connectors/memory/print-sink.js';
import { Batch, Inbox } from '../../core/batch.js';
import { TIME_MIN } from '../../core/time.js';
import { ManualHost, settle } from '../host/manual-host.js';
import { sinkConformance } from './sink-conformance.js';
import { DrivenWriter } from './sink-driver.js';

const records = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

sinkConformance(t, {
  name: 'print',
  records,
  make: (host) => ({ sink: print(), visible: () => host.printed.join('').split('\n').slice(0, -1) }),
});
sinkConformance(t, {
  name: 'callback',
  records,
  make: () => {
    const seen: string[] = [];
    return { sink: callback((record: string) => void seen.push(record)), visible: () => seen };
  },
});
for (const concurrency of [1, 2, 100]) {
  sinkConformance(t, {
    name: `asynchronous callback, ${concurrency} at a time`,
    records,
    make: () => {
      const seen: string[] = [];
      return { sink: callback(async (record: string) => void seen.push(record), { concurrency }), visible: () => seen };
    },
  });
}
sinkConformance(t, {
  name: 'collect',
  records,
  make: () => {
    const seen: unknown[] = [];
    return { sink: collect(), visible: () => seen, drive: { collect: (some) => seen.push(...some) > 0 } };
  },
});

function inboxOf(values: readonly unknown[]): Inbox {
  const batch = new Batch(Math.max(1, values.length));
  for (const value of values) batch.push(value, TIME_MIN);
  return new Inbox(batch);
}

t.test('print inspects what is no string, or formats it as told', async (t) => {
  const host = new ManualHost();
  await new DrivenWriter(print(), host).write([{ n: 1, at: new Map([['k', 2n]]) }, 'text']);
  t.same(host.printed, ["{ n: 1, at: Map(1) { 'k' => 2n } }\ntext\n"]);
  const json = new ManualHost();
  await new DrivenWriter(print({ format: (record: unknown) => JSON.stringify(record) }), json).write([{ n: 1 }]);
  t.same(json.printed, ['{"n":1}\n']);
});

t.test('print waits for a slow standard output', async (t) => {
  const host = new ManualHost();
  const waiting: (() => void)[] = [];
  host.print = (text) => {
    host.printed.push(text);
    return new Promise((resolve) => waiting.push(resolve));
  };
  const driven = new DrivenWriter(print(), host);
  const first = inboxOf(['a']);
  driven.writer.write(first);
  t.equal(first.cursor, 1);
  const second = inboxOf(['b']);
  driven.writer.write(second);
  t.equal(second.cursor, 0, 'the next batch has to wait');
  waiting[0]?.();
  await settle();
  t.equal(driven.wakes, 1);
  driven.writer.write(second);
  t.same(host.printed, ['a\n', 'b\n']);
  let prepared = false;
  const preparing = driven.writer.prepare(1, true).then(() => (prepared = true));
  await settle();
  t.equal(prepared, false, 'a checkpoint waits for what is being printed');
  waiting[1]?.();
  await preparing;
});

t.test('print fails the job when standard output is gone, or the format throws', async (t) => {
  const host = new ManualHost();
  host.print = () => Promise.reject(Object.assign(new Error('EPIPE: broken pipe'), { code: 'EPIPE' }));
  const driven = new DrivenWriter(print(), host);
  driven.writer.write(inboxOf(['a']));
  await settle();
  t.match(driven.failure, { code: 'MILL_SINK_FAILED', operator: 'out' });
  await t.rejects(driven.writer.prepare(1, true), { code: 'MILL_SINK_FAILED' });
  const bad = new DrivenWriter(print({ format: (record: string) => record.trim() }), new ManualHost());
  const inbox = inboxOf(['a', 7]);
  bad.writer.write(inbox);
  t.equal(inbox.cursor, 1);
  await settle();
  t.throws(() => bad.writer.write(inbox), { code: 'MILL_FUNCTION_FAILED' });
  t.equal(inbox.cursor, 1, 'the cursor stays on the record');
});

t.test('callback is told of time and subtask', async (t) => {
  const seen: unknown[] = [];
  const driven = new DrivenWriter(
    callback((record: string, info) => void seen.push([record, info])),
    new ManualHost(),
    { subtask: 3 },
  );
  await driven.write(['a', 'b']);
  driven.writer.write(inboxOf(['c']));
  t.same(seen, [
    ['a', { timestamp: 0, subtask: 3 }],
    ['b', { timestamp: 1, subtask: 3 }],
    ['c', { timestamp: undefined, subtask: 3 }],
  ]);
});

t.test('callback bounds its concurrency and begins in order', async (t) => {
  const begun: string[] = [];
  const release: (() => void)[] = [];
  const fn = (record: string): Promise<void> => {
    begun.push(record);
    return new Promise((resolve) => release.push(resolve));
  };
  const driven = new DrivenWriter(callback(fn, { concurrency: 2 }), new ManualHost());
  const inbox = inboxOf(['a', 'b', 'c']);
  driven.writer.write(inbox);
  t.same(begun, ['a', 'b']);
  driven.writer.write(inbox);
  t.same(begun, ['a', 'b']);
  release[1]?.();
  await settle();
  t.equal(driven.wakes, 1);
  driven.writer.write(inbox);
  t.same(begun, ['a', 'b', 'c']);
  let prepared = false;
  const preparing = driven.writer.prepare(1, false).then(() => (prepared = true));
  release[0]?.();
  await settle();
  t.equal(prepared, false, 'a checkpoint waits for all calls');
  release[2]?.();
  await preparing;
});

t.test('an error of the callback fails the job, and nothing is called any more', async (t) => {
  const seen: string[] = [];
  const fn = async (record: string): Promise<void> => {
    seen.push(record);
    if (record === 'b') throw new RangeError('no b');
  };
  const driven = new DrivenWriter(callback(fn), new ManualHost());
  await t.rejects(driven.write(['a', 'b', 'c'], 3), {
    code: 'MILL_FUNCTION_FAILED',
    message: 'RangeError: no b',
    operator: 'out',
  });
  const rest = inboxOf(['d']);
  driven.writer.write(rest);
  t.same([seen, rest.cursor], [['a', 'b'], 0]);
  await t.rejects(driven.writer.prepare(1, true), { code: 'MILL_FUNCTION_FAILED' });
  const sync = new DrivenWriter(
    callback(() => {
      throw new Error('at once');
    }),
    new ManualHost(),
  );
  const inbox = inboxOf(['a']);
  t.throws(() => sync.writer.write(inbox), { code: 'MILL_FUNCTION_FAILED' });
  t.equal(inbox.cursor, 0, 'the cursor stays on the record');
});

t.test('callback refuses a concurrency that is none', (t) => {
  t.throws(() => callback(() => undefined, { concurrency: 0 }), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => callback(() => undefined, { concurrency: Number.NaN }), { code: 'MILL_OPTION_INVALID' });
  t.end();
});

t.test('collect holds records back until there is room', async (t) => {
  let room = false;
  const seen: unknown[] = [];
  const driven = new DrivenWriter(collect(), new ManualHost(), { collect: (some) => room && seen.push(...some) > 0 });
  const inbox = inboxOf(['a', 'b']);
  driven.writer.write(inbox);
  t.equal(inbox.cursor, 0);
  room = true;
  driven.writer.write(inbox);
  t.same([inbox.cursor, seen], [2, ['a', 'b']]);
});
