/**
 * A catalog of what a thousand partners offer.
 *
 *   feeds (CSV, a file a partner and day) ─▸ all offers of a product and day ─▸ agent ─▸ catalog (Postgres, upserted)
 *      └▸ rows that can't be read            window of a day                      └▸ runs
 */
import { csv, deadLetter, fileSink, files, job, ndjson, type Stream, tumbling } from 'millrace';
import { darkLaunch } from 'millrace/agents';
import { candidate, editor } from './agent.js';
import { Offer, type ProductDay } from './records.js';
import { catalogTable } from './table.js';

export { candidate };

const params = {
  feeds: 'examples/catalog/out/feeds',
  out: 'examples/catalog/out',
  /** Has the candidate run beside the editor. */
  darkLaunch: false,
};

export default job('catalog', { params }, (j, { feeds, out, darkLaunch: isDark }) => {
  const offers = j
    .from('feeds', files(`${feeds}/*/*.csv`, csv({ schema: Offer }), { inTimeOrder: true }), {
      onError: deadLetter('unreadable', fileSink(`${out}/unreadable`, ndjson())),
    })
    .eventTime(({ updated }) => Date.parse(updated), { outOfOrder: '1d' });

  const { replies, runs, failures } = offers
    .apply(byProductAndDay)
    .keyBy((product) => product.gtin)
    .agent('editor', editor);

  replies.to('catalog', catalogTable());
  failures.to('failures', fileSink(`${out}/failures`, ndjson()));
  runs.to('runs', fileSink(`${out}/runs`, ndjson()));
  if (isDark)
    darkLaunch(runs, 'candidate', candidate, { maxInFlight: 10_000 }).to(
      'comparisons',
      fileSink(`${out}/comparisons`, ndjson()),
    );
});

/** All offers of a product of one day together, by partner: so that it does not matter whose feed is read first. */
function byProductAndDay(offers: Stream<Offer>): Stream<ProductDay> {
  return offers
    .keyBy((offer) => offer.gtin)
    .window(tumbling('1d'))
    .process('days', (gtin, { start }, records): ProductDay[] => [
      {
        gtin,
        day: new Date(start).toISOString().slice(0, 10),
        offers: [...records].sort((a, b) => (a.partner < b.partner ? -1 : 1)),
      },
    ]);
}
