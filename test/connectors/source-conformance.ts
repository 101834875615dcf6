/**
 * What every source has to do, as a suite: give its records in order, resume at any of them, never block, wake whoever
 * waits, hand out each split once.
 */
import type { Test } from 'tap';
import type { Source } from '../../operators/source.js';
import { type ManualHost, settle } from '../host/manual-host.js';
import { DrivenReader, splitsOf } from './source-driver.js';

export interface SourceCase {
  readonly name: string;
  /** A host with what the source reads. */
  readonly host: () => Promise<ManualHost> | ManualHost;
  readonly source: () => Source<unknown>;
  readonly parallelism?: number;
  /** The records of each split, in the order in which splits are discovered. */
  readonly expected: readonly (readonly unknown[])[];
  /** What has to happen outside for a waiting reader to go on. */
  readonly idle?: (host: ManualHost) => void;
}

export function sourceConformance(t: Test, options: SourceCase): void {
  const { expected, parallelism = 1 } = options;
  t.test(`${options.name} conforms as a source`, async (t) => {
    t.test('discovers plain splits, each once, also after a restore', async (t) => {
      const host = await options.host();
      const source = options.source();
      const enumerator = source.enumerator({ host, parallelism });
      const splits = await enumerator.discover();
      t.equal(splits.length, expected.length);
      t.equal(new Set(splits.map((split) => split.id)).size, splits.length, 'ids differ');
      t.same(structuredClone(splits), splits, 'splits are plain');
      t.same(await enumerator.discover(), [], 'no split comes twice');
      const again = source.enumerator({ host, parallelism });
      again.restore(structuredClone(enumerator.snapshot()));
      t.same(await again.discover(), [], 'no split comes again after a restore');
    });

    for (const capacity of [1, 2, 7, 1_024]) {
      t.test(`gives its records in order, ${capacity} at a time`, async (t) => {
        const host = await options.host();
        const source = options.source();
        for (const [at, split] of (await splitsOf(source, host, parallelism)).entries()) {
          const driven = new DrivenReader(source, split, undefined, host);
          t.same(await driven.read({ capacity, idle: () => options.idle?.(host) }), expected[at]);
          t.equal(driven.poll(capacity), 'end', 'the end stays the end');
          await driven.reader.close();
        }
      });
    }

    t.test('resumes at every record', async (t) => {
      const host = await options.host();
      const source = options.source();
      for (const [at, split] of (await splitsOf(source, host, parallelism)).entries()) {
        const records = expected[at] as readonly unknown[];
        for (let count = 0; count <= records.length; count += 1) {
          const first = new DrivenReader(source, split, undefined, host);
          await first.read({ count, idle: () => options.idle?.(host) });
          const position = structuredClone(first.reader.position());
          await first.reader.close();
          const second = new DrivenReader(source, structuredClone(split), position, host);
          t.same(structuredClone(second.reader.position()), position, 'a reader begins where it is told');
          await second.read({ idle: () => options.idle?.(host) });
          await second.reader.close();
          t.same([...first.records, ...second.records], records, `split ${split.id} after ${count}`);
        }
      }
    });

    t.test('is silent once closed', async (t) => {
      const host = await options.host();
      const source = options.source();
      const [split] = await splitsOf(source, host, parallelism);
      if (split === undefined) return;
      const driven = new DrivenReader(source, split, undefined, host);
      driven.poll(1);
      await driven.reader.close();
      const { wakes } = driven;
      await settle();
      host.advance(60_000);
      await settle();
      t.equal(driven.wakes, wakes);
      t.equal(driven.failure, undefined);
      t.equal(host.timersPending, 0);
    });
  });
}
