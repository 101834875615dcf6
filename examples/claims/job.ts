/**
 * Claims of an insurance company, from the moment they come in to the payment.
 *
 *   claims ─▸ + policy (Postgres) ─▸ + claims of the shop ─▸ + policies of the account ─▸ agent ─▸ decisions
 *                                     a week, sliding          two weeks, sliding           ▴ ▴
 *                                                            answers of customers ──────────┘ │
 *                                                            approvals of people ─────────────┘
 */
import { fileSink, files, job, ndjson, type Stream, sliding } from 'millrace';
import { darkLaunch } from 'millrace/agents';
import { candidate, handler } from './agent.js';
import { Answer, Approval, Claim, type ClaimFile, timeOf } from './records.js';
import { policiesOf } from './services.js';

export { candidate };

const params = {
  data: 'examples/claims/out/data',
  out: 'examples/claims/out',
  /** Has the candidate run beside the agent. */
  darkLaunch: false,
};

const DAY_MS = 86_400_000;
/** So that what has been decided can be read soon. */
const SOON = { roll: { every: '1s' } } as const;

export default job('claims', { params }, (j, { data, out, darkLaunch: isDark }) => {
  const claims = j
    .from('claims', files(`${data}/claims.ndjson`, ndjson({ schema: Claim })))
    .eventTime(timeOf, { outOfOrder: '1h' });
  const answers = j.from('answers', files(`${data}/answers.ndjson`, ndjson({ schema: Answer }))).eventTime(timeOf);
  const approvals = j
    .from('approvals', files(`${out}/approvals/*.ndjson`, ndjson({ schema: Approval }), { follow: { every: '200ms' } }))
    .eventTime(timeOf, { idleAfter: '200ms' });

  const { replies, requests, runs, failures, unclaimed } = claims
    .apply(withPolicies)
    .apply((stream) => withShops(stream, claims))
    .apply((stream) => withAccounts(stream, claims))
    .keyBy((claim) => claim.id)
    .agent('handler', handler, {
      events: answers.keyBy((answer) => answer.claim),
      decisions: approvals.keyBy((approval) => approval.claim),
      // The streams are read side by side: an answer may be there before its claim.
      early: '30d',
    });

  replies.to('decisions', fileSink(`${out}/decisions`, ndjson(), SOON));
  requests.to('requests', fileSink(`${out}/requests`, ndjson(), SOON));
  failures.to('failures', fileSink(`${out}/failures`, ndjson(), SOON));
  unclaimed.to('unclaimed', fileSink(`${out}/unclaimed`, ndjson(), SOON));
  runs.to('runs', fileSink(`${out}/runs`, ndjson(), SOON));
  if (isDark)
    darkLaunch(runs, 'candidate', candidate, { maxInFlight: 1_000 }).to(
      'comparisons',
      fileSink(`${out}/comparisons`, ndjson(), SOON),
    );
});

/** With the policy, from the database, if there is one of that number. */
function withPolicies(claims: Stream<Claim>) {
  return claims.lookupJoin(
    'policies',
    { key: (claim) => claim.policy, lookupAll: policiesOf, type: 'left', cache: { size: 10_000, ttl: '1h' } },
    (claim, policy) => ({ ...claim, holder: policy ?? null }),
  );
}

/** With how many claims came by the same repair shop in the week before. */
function withShops<T extends Claim>(stream: Stream<T>, claims: Stream<Claim>) {
  const weekly = claims
    .keyBy((claim) => claim.shop)
    .window(sliding('7d', '1d'))
    .aggregate('shop-weeks', (a) => ({ claims: a.count() }));
  return stream
    .keyBy((claim) => claim.shop)
    .temporalJoin(
      'shops',
      weekly.keyBy(({ key }) => key),
      (claim, week) => ({ ...claim, shopClaims: week && isCurrent(week.window, claim) ? week.claims : 0 }),
      { type: 'left' },
    );
}

/** With how many policies have named the same account in the two weeks before. */
function withAccounts<T extends Omit<ClaimFile, 'accountPolicies' | 'answers'>>(
  stream: Stream<T>,
  claims: Stream<Claim>,
) {
  const fortnightly = claims
    .keyBy((claim) => claim.iban)
    .window(sliding('14d', '1d'))
    .aggregate('account-fortnights', (a) => ({ policies: a.distinct((claim) => claim.policy) }));
  return stream
    .keyBy((claim) => claim.iban)
    .temporalJoin(
      'accounts',
      fortnightly.keyBy(({ key }) => key),
      (claim, weeks): ClaimFile => ({
        ...claim,
        accountPolicies: weeks && isCurrent(weeks.window, claim) ? weeks.policies : 0,
        answers: [],
      }),
      { type: 'left' },
    );
}

/** A key without records has no newer window: the newest may be of long ago. */
function isCurrent({ end }: { readonly end: number }, claim: Claim): boolean {
  return timeOf(claim) - end < DAY_MS;
}
