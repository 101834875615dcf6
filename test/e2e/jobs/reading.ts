/** Reads orders from files and writes them again; what to do with bad rows is a parameter. */
import { csv, type DeadLetter, deadLetter, fileSink, files, job, ndjson, type OnError } from 'millrace';
import { z } from 'zod';

export const Order = z.object({ id: z.string(), cents: z.coerce.number<string>().int() });

const params = {
  input: '',
  format: 'csv' as 'csv' | 'ndjson',
  onError: 'fail' as 'fail' | 'skip' | 'dead-letter',
  recordBytesMax: 1_000,
  out: '',
};

function policy(onError: typeof params.onError, out: string): OnError<unknown> {
  return onError === 'dead-letter' ? deadLetter('dead', fileSink<DeadLetter>(`${out}/dead`, ndjson())) : onError;
}

export default job('reading', { params }, (j, { input, format, onError, recordBytesMax, out }) => {
  const schema = Order;
  const source = files(input, format === 'csv' ? csv({ schema }) : ndjson({ schema }), { recordBytesMax });
  j.from('orders', source, { onError: policy(onError, out) })
    .keyBy((order) => order.id)
    .aggregate('per-id', (a) => ({ orders: a.count(), cents: a.sum((order) => order.cents) }))
    .to('out', fileSink(`${out}/good`, ndjson()));
});
