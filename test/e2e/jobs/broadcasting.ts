/** Numbers that meet rules that come by broadcast, slowly enough to be cut in between. */
import { fileSink, fromIterable, generate, job, ndjson, state } from 'millrace';

const params = { out: 'out', count: 4_000, rate: 20_000 };

/** What is in the broadcast table once it has all come. */
export const FACTORS = Array.from({ length: 40 }, (_, id) => ({ id, factor: id + 1 }));

export default job('broadcasting', { params }, (j, { out, count, rate }) => {
  const factors = j.from('factors', fromIterable(FACTORS));
  j.from('numbers', generate({ count, splits: 4, rate, make: (n) => ({ n }) }))
    .keyBy(({ n }) => n % 100)
    .connect(factors.broadcast())
    .process('products', {
      broadcast: { factors: state.map<number, number>() },
      state: { waiting: state.list<number>() },
      onBroadcast: ({ id, factor }, ctx) => ctx.broadcast.factors.set(id, factor),
      onRecord({ n }, ctx) {
        // The rules may still be on their way: at the end of the input all of them are there.
        ctx.state.waiting.add(n);
        ctx.eventTimers.add(1);
      },
      *onTimer(_time, ctx) {
        for (const n of ctx.state.waiting.get()) yield { n, product: n * (ctx.broadcast.factors.get(n % 40) ?? 0) };
      },
    })
    .to('rows', fileSink(out, ndjson()));
});
