/**
 * Gives streams their method `vectorJoin`: whoever imports millrace/agents has it.
 */
import type { BroadcastStream } from '../../api/broadcast.js';
import type { OnError } from '../../api/on-error.js';
import { processSpec } from '../../api/process.js';
import { Stream } from '../../api/stream.js';
import { describeValue, MillraceError } from '../../core/errors.js';
import type { Key } from '../../core/key.js';
import { broadcastFactory } from '../../operators/broadcast/broadcast-process.js';
import type { OperatorFactory } from '../../operators/operator.js';
import { state } from '../../state/descriptors.js';
import type { MapHandle } from '../../state/handles.js';
import { checkSearch, type Metric, NEAREST, type Near, type Vector } from './nearest.js';
import { ExactIndex, HnswIndex, type VectorIndex } from './vector-index.js';

/** What is looked for, and where. */
export interface VectorJoin<T, K extends Key, R> {
  /** Of a record: what its rows are to be near to. Null and undefined are near to none. */
  readonly vector: (record: T) => Vector | null | undefined;
  /** A row takes the place of the one with the same key. */
  readonly rowKey: (row: R) => K;
  /** Of a row. One without a vector takes its key's away. */
  readonly rowVector: (row: R) => Vector | null | undefined;
  /** Rows for a record, at most; default 10. */
  readonly k?: number;
  /** Default `'cosine'`. */
  readonly metric?: Metric;
  /**
   * `'exact'` (default): each row is compared. `'hnsw'`: most are not, and some of the nearest may be missed; for more than some ten
   * thousand rows. It needs the package `usearch`.
   */
  readonly index?: 'exact' | 'hnsw';
  readonly onError?: OnError<T | R>;
  /** The name that it has in older checkpoints, so that its rows are found again. */
  readonly renamedFrom?: string;
}

declare module '../../api/stream.js' {
  interface Stream<T> {
    /**
     * Joins each record with the rows of a broadcast stream whose vectors are nearest to its own, nearest first: what has been
     * said before of the same, which documents a question is about. Rows replace one another by their keys.
     *
     * State: the rows, in every subtask, and an index of their vectors in memory, made anew after a restore. Vectors of another length
     * than the others are `MILL_RECORD_REJECTED`. Throws `MILL_OPTION_INVALID`.
     *
     * @example
     * questions.vectorJoin('context', pages.broadcast(), {
     *   vector: (question) => question.vector,
     *   rowKey: (page) => page.url,
     *   rowVector: (page) => page.vector,
     *   k: 3,
     * }, (question, near) => ({ ...question, context: near.map(({ item }) => item.text) }))
     */
    vectorJoin<K extends Key, R, O>(
      name: string,
      rows: BroadcastStream<R>,
      how: VectorJoin<T, K, R>,
      combine: (record: T, near: readonly Near<R>[]) => O,
    ): Stream<O>;
  }
}

type AnyJoin = VectorJoin<unknown, Key, unknown>;
type Combine = (record: unknown, near: readonly Near<unknown>[]) => unknown;

Stream.prototype.vectorJoin = function (
  this: Stream<unknown>,
  name: string,
  rows: BroadcastStream<unknown>,
  how: AnyJoin,
  combine: Combine,
) {
  const { k = NEAREST, metric = 'cosine', index = 'exact', onError, renamedFrom } = how;
  checkSearch(k, metric);
  if (index !== 'exact' && index !== 'hnsw')
    throw new MillraceError('MILL_OPTION_INVALID', `index is ${describeValue(index)}`);
  const node = this.graph.operator({
    type: 'vector-join',
    name,
    renamedFrom,
    description: `${index}, ${metric}`,
    inputs: [{ origins: this.origins, partition: { kind: 'forward' } }, rows.input],
    replicated: true,
    onError: onError as OnError<never> | undefined,
    factory: joinFactory(how, k, () => (index === 'hnsw' ? new HnswIndex(metric) : new ExactIndex(metric)), combine),
  });
  return new Stream<unknown>(this.graph, [{ node, side: undefined }]);
} as Stream<unknown>['vectorJoin'];

function joinFactory(how: AnyJoin, k: number, newIndex: () => VectorIndex, combine: Combine): OperatorFactory {
  return (context, restored) => {
    const index = newIndex();
    const joining = new Joining(how, k, index, combine);
    const operator = broadcastFactory({
      broadcast: { rows: state.map<Key, unknown>() },
      records: processSpec({}, [(record, ctx) => joining.onRecord(record, ctx)]),
      keyed: false,
      onBroadcast: (row, ctx) => joining.onRow(row, ctx),
    })(context, restored);
    operator.open = () => index.load();
    return operator;
  };
}

interface Rows {
  readonly broadcast: { readonly rows: MapHandle<Key, unknown> };
}

/** Invariant: once it has been filled, the index has the vectors of the rows in state. */
class Joining {
  readonly #how: AnyJoin;
  readonly #k: number;
  readonly #index: VectorIndex;
  readonly #combine: Combine;
  #isFilled = false;

  constructor(how: AnyJoin, k: number, index: VectorIndex, combine: Combine) {
    this.#how = how;
    this.#k = k;
    this.#index = index;
    this.#combine = combine;
  }

  onRecord(record: unknown, { broadcast: { rows } }: Rows): readonly unknown[] {
    this.#fill(rows);
    const vector = this.#how.vector(record);
    const found = vector && this.#index.size > 0 ? this.#index.search(vector, this.#k) : [];
    return [
      this.#combine(
        record,
        found.map(({ id, score }) => ({ item: rows.get(id as Key), score })),
      ),
    ];
  }

  onRow(row: unknown, { broadcast: { rows } }: Rows): void {
    this.#fill(rows);
    const [key, vector] = [this.#how.rowKey(row), this.#how.rowVector(row)];
    if (!vector) {
      this.#index.delete(key);
      rows.delete(key);
      return;
    }
    // First: it may not fit.
    this.#index.set(key, vector);
    rows.set(key, row);
  }

  /** After a restore. */
  #fill(rows: Rows['broadcast']['rows']): void {
    if (this.#isFilled) return;
    this.#isFilled = true;
    for (const [key, row] of rows.entries()) {
      const vector = this.#how.rowVector(row);
      if (vector) this.#index.set(key, vector);
    }
  }
}
