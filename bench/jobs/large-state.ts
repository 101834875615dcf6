/** A counter and a text of `textBytes` per key, over so many keys that they may not fit into memory, in no order. */
import { generate, job, state } from 'millrace';
import { blackhole } from './blackhole.js';

interface Account {
  readonly count: number;
  readonly text: string;
}

export default job('large-state', { params: { keys: 1_000_000, textBytes: 64 } }, (j, { keys, textBytes }) => {
  const text = 'x'.repeat(textBytes);
  j.from('numbers', generate({ make: (n) => ({ key: (Math.imul(n, 0x9e3779b1) >>> 0) % keys }) }))
    .keyBy((r) => r.key)
    .process('accounts', {
      state: { account: state.value<Account>() },
      *onRecord(_record, ctx) {
        const count = (ctx.state.account.get()?.count ?? 0) + 1;
        ctx.state.account.set({ count, text });
        yield { count };
      },
    })
    .to(
      'out',
      blackhole<{ count: number }>((r) => r.count),
    );
});
