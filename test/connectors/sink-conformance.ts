/**
 * What every sink has to do, as a suite: take all records in order, give plain handles once all is done, make nothing
 * visible before the commit (if it has one), commit twice without harm, fall silent when closed.
 */
import type { Test } from 'tap';
import { Batch, Inbox } from '../../core/batch.js';
import type { Committer, Sink } from '../../operators/sink.js';
import { ManualHost, settle } from '../host/manual-host.js';
import { DrivenWriter, type DriveOptions } from './sink-driver.js';

export interface SinkCase {
  readonly name: string;
  /** A sink, with how to see what it has written so far. */
  readonly make: (host: ManualHost) => {
    readonly sink: Sink<never>;
    readonly visible: () => Promise<readonly unknown[]> | readonly unknown[];
    readonly drive?: DriveOptions;
  };
  readonly records: readonly unknown[];
}

export function sinkConformance(t: Test, options: SinkCase): void {
  const { records } = options;
  const start = (): { host: ManualHost; committer: Committer | undefined } & ReturnType<SinkCase['make']> => {
    const host = new ManualHost();
    const made = options.make(host);
    return { host, committer: made.sink.committer?.({ host, uid: 'out', job: 'job' }), ...made };
  };
  t.test(`${options.name} conforms as a sink`, async (t) => {
    for (const capacity of [1, 3, 1_024]) {
      t.test(`takes all records in order, ${capacity} at a time`, async (t) => {
        const { host, sink, committer, visible, drive } = start();
        const driven = new DrivenWriter(sink, host, drive);
        await driven.writer.open?.([]);
        driven.writer.write(new Inbox(new Batch(1)));
        await driven.write(records, capacity);
        const handles = await driven.writer.prepare(1, true);
        t.same(structuredClone(handles), handles, 'handles are plain');
        if (committer !== undefined) t.same(await visible(), [], 'nothing is visible before the commit');
        else t.same(handles, [], 'without a committer there are no handles');
        await committer?.commit(structuredClone(handles));
        driven.writer.onCheckpointComplete?.(1);
        t.same(await visible(), records);
        await committer?.commit(handles);
        t.same(await visible(), records, 'a commit again changes nothing');
        await driven.writer.close();
        t.same(await visible(), records, 'closing changes nothing');
        t.same(await driven.writer.prepare(2, true).catch(() => []), [], 'what is committed has no handle any more');
      });
    }

    t.test('checkpoints in between neither lose nor repeat anything', async (t) => {
      const { host, sink, committer, visible, drive } = start();
      const driven = new DrivenWriter(sink, host, drive);
      for (const [at, record] of records.entries()) {
        await driven.write([record]);
        const handles = await driven.writer.prepare(at + 1, false);
        // The first of three completes late, the second never.
        if (at % 3 === 1) continue;
        await committer?.commit(handles);
        driven.writer.onCheckpointComplete?.(at + 1);
      }
      await committer?.commit(await driven.writer.prepare(records.length + 1, true));
      t.same(await visible(), records);
      await driven.writer.close();
    });

    t.test('is silent once closed', async (t) => {
      const { host, sink, committer, visible, drive } = start();
      const driven = new DrivenWriter(sink, host, drive);
      await driven.write(records.slice(0, 2));
      await driven.writer.close();
      const { wakes } = driven;
      host.advance(3_600_000);
      await settle();
      t.equal(driven.wakes, wakes);
      t.equal(driven.failure, undefined);
      t.equal(host.timersPending, 0);
      if (committer !== undefined) t.same(await visible(), [], 'what was not committed does not become visible');
    });
  });
}
