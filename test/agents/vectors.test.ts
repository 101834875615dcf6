/** Nearest vectors: measured, indexed, and joined with records, against a short model of the answer. */
import { collect, deadLetter, fromIterable, job, run, type Stream } from 'millrace';
import { type Metric, nearest, type VectorJoin } from 'millrace/agents';
import { everyWay, type Phase, type Step } from 'millrace/testing';
import t from 'tap';
import { ExactIndex, HnswIndex } from '../../agents/vectors/vector-index.js';
import { Random } from '../../core/random.js';

const METRICS: readonly Metric[] = ['cosine', 'dot', 'euclidean'];

/** By the definitions. */
function scoreOf(metric: Metric, a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
  if (metric === 'dot') return dot;
  if (metric === 'euclidean') return Math.sqrt(a.reduce((sum, value, at) => sum + (value - (b[at] as number)) ** 2, 0));
  const sizes = Math.hypot(...a) * Math.hypot(...b);
  return sizes === 0 ? 0 : dot / sizes;
}

type Row = readonly [id: number, vector: readonly number[]];

function bestOf(metric: Metric, query: readonly number[], rows: readonly Row[], k: number): Row[] {
  const sign = metric === 'euclidean' ? 1 : -1;
  const scored = rows.map((row) => ({ row, score: sign * scoreOf(metric, query, row[1]) }));
  return scored
    .sort((a, b) => a.score - b.score || a.row[0] - b.row[0])
    .map(({ row }) => row)
    .slice(0, k);
}

/** Whole numbers: sums of their products are exact. */
const vectorOf = (random: Random, length: number): number[] => Array.from({ length }, () => random.below(21) - 10);

t.test('the nearest of some items', async (t) => {
  const random = new Random(1);
  for (const metric of METRICS) {
    for (let round = 0; round < 20; round += 1) {
      const rows = Array.from({ length: random.below(30) }, (_, id): Row => [id, vectorOf(random, 4)]);
      const query = vectorOf(random, 4);
      const k = 1 + random.below(8);
      const near = nearest(query, rows, { vector: ([, vector]) => vector, k, metric });
      const best = bestOf(metric, query, rows, k);
      t.same(
        near.map(({ item }) => item[0]),
        best.map(([id]) => id),
      );
      t.ok(near.every(({ score }, at) => Math.abs(score - scoreOf(metric, query, best[at]?.[1] ?? [])) < 1e-9));
    }
  }
});

t.test('of items without a vector, of another length, and none at all', async (t) => {
  const vector = (item: { v?: number[] }) => item.v;
  t.same(nearest([1, 0], [{}, { v: [2, 0] }], { vector }), [{ item: { v: [2, 0] }, score: 1 }]);
  t.same(nearest([1, 0], [], { vector }), []);
  t.same(nearest([0, 0], [{ v: [2, 0] }], { vector }), [{ item: { v: [2, 0] }, score: 0 }], 'without a direction');
  t.same(nearest(Float32Array.of(0, 3), [{ v: [4, 0] }], { vector, metric: 'euclidean' })[0]?.score, 5);
  t.throws(() => nearest([1], [{ v: [1, 2] }], { vector }), { code: 'MILL_RECORD_REJECTED' });
  t.throws(() => nearest([1], [], { vector, k: 0 }), { code: 'MILL_OPTION_INVALID' });
  t.throws(() => nearest([1], [], { vector, metric: 'manhattan' as Metric }), { code: 'MILL_OPTION_INVALID' });
});

for (const kind of ['exact', 'hnsw'] as const) {
  t.test(`an index: ${kind}`, async (t) => {
    for (const metric of METRICS) {
      const random = new Random(7);
      const index = kind === 'exact' ? new ExactIndex(metric) : new HnswIndex(metric);
      await index.load();
      const rows = new Map<number, readonly number[]>();
      let [found, wanted] = [0, 0];
      for (let round = 0; round < 600; round += 1) {
        const id = random.below(200);
        if (random.below(4) === 0) {
          rows.delete(id);
          index.delete(id);
        } else {
          const vector = vectorOf(random, 8);
          rows.set(id, vector);
          index.set(id, vector);
        }
        if (index.size !== rows.size) t.fail(`${index.size} vectors, expected ${rows.size}`);
        if (round % 20 !== 0) continue;
        const query = vectorOf(random, 8);
        const near = index.search(query, 10);
        const best = bestOf(metric, query, [...rows], 10).map(([own]) => own);
        // Vectors of one direction are equally near but for rounding.
        const scores = best.map((own) => scoreOf(metric, query, rows.get(own) ?? []).toFixed(6));
        const ids = near.map(({ id: own }) => own);
        if (kind === 'exact')
          t.same([near.map(({ score }) => score.toFixed(6)), new Set(ids).size], [scores, best.length]);
        if (kind === 'exact' && metric !== 'cosine') t.same(ids, best);
        wanted += best.length;
        found += near.filter(({ id: own }) => best.includes(own as number)).length;
        for (const { id: own, score } of near) {
          const vector = rows.get(own as number);
          if (!vector || Math.abs(score - scoreOf(metric, query, vector)) > 1e-5) t.fail(`${own} is not that near`);
        }
      }
      t.ok(found >= 0.9 * wanted, `${metric}: ${found} of ${wanted}`);
      t.throws(() => index.set(1_000, [1, 2]), { code: 'MILL_RECORD_REJECTED' });
      t.throws(() => index.search([1, 2], 1), { code: 'MILL_RECORD_REJECTED' });
      for (const id of rows.keys()) index.delete(id);
      t.same(index.search(vectorOf(random, 8), 3), []);
      index.set(['a', 1], [1, 2]);
      index.set(['a', 1], [2, 1]);
      t.match(index.search([2, 1], 3), [{ id: ['a', 1] }], 'another length, and keys by value');
    }
  });
}

interface Page {
  readonly url: string;
  readonly vector: number[] | null;
}

const how: VectorJoin<{ at: number[] | null }, string, Page> = {
  vector: ({ at }) => at,
  rowKey: ({ url }) => url,
  rowVector: ({ vector }) => vector,
  k: 2,
};

t.test('a join with what is nearest', async (t) => {
  const pages: Page[] = [
    { url: 'a', vector: [1, 0] },
    { url: 'b', vector: [0, 1] },
    { url: 'c', vector: [1, 1] },
    { url: 'odd', vector: [1, 1, 1] },
    { url: 'a', vector: [-1, 0] },
    { url: 'c', vector: null },
    { url: 'd', vector: [1, 0.2] },
  ];
  for (const index of ['exact', 'hnsw'] as const) {
    const letters: unknown[] = [];
    // Pages come before questions, which a job does not say: the questions wait for the last page.
    let allPages: () => void;
    const ready = new Promise<void>((resolve) => (allPages = resolve));
    async function* questions() {
      await ready;
      yield* [{ at: [1, 0] }, { at: [0, 2] }, { at: null }, { at: [1, 2, 3] }];
    }
    const { collected } = await run(
      job('answers', (j) => {
        const rows = j.from('pages', fromIterable(pages)).broadcast();
        j.from('questions', fromIterable(questions()))
          .vectorJoin(
            'near',
            rows,
            {
              ...how,
              index,
              rowVector: (page) => {
                if (page.url === 'd') setImmediate(() => allPages());
                return page.vector;
              },
              onError: deadLetter('letters', collect()),
            },
            ({ at }, near) => [at, near.map(({ item, score }) => `${item.url} ${score.toFixed(2)}`)],
          )
          .to('out', collect());
      }),
      { restart: { kind: 'none' } },
    );
    letters.push(...(collected.letters as unknown[]));
    t.same(collected.out, [
      [
        [1, 0],
        ['d 0.98', 'b 0.00'],
      ],
      [
        [0, 2],
        ['b 1.00', 'd 0.20'],
      ],
      [null, []],
    ]);
    t.match(letters, [
      { record: { url: 'odd' }, error: { code: 'MILL_RECORD_REJECTED' } },
      { record: { at: [1, 2, 3] }, error: { code: 'MILL_RECORD_REJECTED' } },
    ]);
  }
});

t.test('options that make no sense', async (t) => {
  for (const wrong of [{ k: 0 }, { metric: 'far' }, { index: 'tree' }])
    t.throws(
      () =>
        run(
          job('wrong', (j) => {
            const rows = j.from('pages', fromIterable<Page>([])).broadcast();
            j.from('questions', fromIterable<{ at: number[] }>([]))
              .vectorJoin('near', rows, { ...how, ...wrong } as never, () => 1)
              .to('out', collect());
          }),
        ),
      { code: 'MILL_OPTION_INVALID' },
    );
});

interface Placed {
  readonly id: number;
  readonly vector: number[] | null;
}

/** Rows and records in turn, as no order holds between them. */
function scenarioOf(random: Random): { phases: Phase[]; answers: string[] } {
  const phases: Phase[] = [];
  const rows = new Map<number, readonly number[]>();
  const answers: string[] = [];
  for (let phase = 1; phase <= 6; phase += 1) {
    const upTo: Step = { watermark: phase * 10 };
    if (phase % 2 === 1) {
      const steps = Array.from({ length: random.below(6) }, (): Step<Placed> => {
        const row = { id: random.below(6), vector: random.below(4) === 0 ? null : vectorOf(random, 3) };
        if (row.vector) rows.set(row.id, row.vector);
        else rows.delete(row.id);
        return { record: row, at: phase * 10 };
      });
      phases.push({ first: [[upTo], [upTo]], second: [[...steps, upTo], [upTo]] });
      continue;
    }
    const channels = [0, 1].map(() =>
      Array.from({ length: random.below(5) }, (): Step<number[]> => {
        const query = vectorOf(random, 3);
        answers.push(`${query}: ${bestOf('dot', query, [...rows], 2).map(([id]) => id)}`);
        return { record: query, at: phase * 10 };
      }),
    );
    phases.push({ first: channels.map((steps) => [...steps, upTo]), second: [[upTo], [upTo]] });
  }
  return { phases, answers };
}

for (const index of ['exact', 'hnsw'] as const) {
  t.test(`killed and restored anywhere: ${index}`, async (t) => {
    let [kills, rescales] = [0, 0];
    for (let seed = 0; seed < 12; seed += 1) {
      const { phases, answers } = scenarioOf(new Random(seed));
      const report = await everyWay(
        (queries: Stream<number[]>, rows: Stream<Placed>) =>
          queries.vectorJoin(
            'near',
            rows.broadcast(),
            {
              vector: (query) => query,
              rowKey: ({ id }) => id,
              rowVector: ({ vector }) => vector,
              k: 2,
              metric: 'dot',
              index,
            },
            (query, near) => `${query}: ${near.map(({ item }) => item.id)}`,
          ),
        phases,
        answers,
        { ways: 15 },
      );
      kills += report.kills;
      rescales += report.rescales;
    }
    t.ok(kills > 50 && rescales > 20, `${kills} kills, ${rescales} rescales`);
  });
}
