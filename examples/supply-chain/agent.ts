/**
 * The dispatcher: what it is told, which tools it has, and what it may not do without being asked.
 *
 * A model plans, with tools that only read. The plan is then code's: the service makes the price, a person approves what is
 * dear, and only then it is booked, once, and told.
 */
import type { Duration } from 'millrace';
import { type Agent, agent, data, openAiCompatible, tool } from 'millrace/agents';
import { z } from 'zod';
import type { ApprovalSubject } from './desk.js';
import { jsonOf } from './http.js';
import type { Offer, Spare } from './logistics.js';
import { type Case, timeText } from './records.js';

/** What is to become of the shipment, as the model says it. */
export const Plan = z.object({
  action: z.enum(['reroute', 'split', 'transfer', 'wait']),
  flights: z.array(z.string()).describe('Ids of flights: one to reroute, two to split, else none.'),
  from: z.string().nullable().describe('The warehouse that gives the units of a transfer, else null.'),
  why: z.string().describe('One sentence.'),
});

const Booking = Plan.omit({ why: true }).extend({ costUsd: z.number() });

/** What has become of it. */
export interface Dispatch extends z.infer<typeof Plan> {
  readonly shipment: string;
  readonly costUsd: number;
  readonly approval: 'not needed' | 'given' | 'not given';
}

/** What it works with: base URLs of the service and of the model, and how long people have to approve. */
export interface Services {
  readonly logistics: string;
  readonly model: string;
  readonly approvalTimeout: Duration;
}

/** What costs more, a person has to approve. */
const APPROVAL_USD = 3_500;

const TASK = `You dispatch air freight from New York to warehouses. A shipment is stuck, and its warehouse runs short.
Plan one of these:
- reroute: put it on one flight that has room for all of it.
- split: put it on two flights that have room for a half each, if none has room for all.
- transfer: have another warehouse give its units, if it has enough to spare.
- wait: if nothing of that is possible.`;

export const dispatcherV1 = (services: Services): Agent<Case, Dispatch> =>
  dispatcher(services, '1', 'Prefer the earliest flight; look for a transfer only if there is no flight.');

/** A candidate: one line of its instructions is another. */
export const dispatcherV2 = (services: Services): Agent<Case, Dispatch> =>
  dispatcher(
    services,
    '2',
    'Under a weather alert prefer a transfer: the next flights may not leave either. Else prefer the earliest flight.',
  );

const prompt = ({ shipment, why, at, stock, alert }: Case): string =>
  [
    `Shipment ${shipment.id}: ${shipment.units} units of ${shipment.sku}, ${shipment.kg} kg, ${shipment.origin} to ${shipment.warehouse}.`,
    `Its flight ${shipment.flight} ${why === 'cancelled' ? 'was cancelled' : 'has not left two hours after its time'}.`,
    `It is ${timeText(at)}.`,
    `${stock.warehouse} has ${stock.units} units, wants ${stock.reorderPoint}, and sells ${stock.perDay} a day.`,
    alert ? `Weather alert at ${shipment.origin}: ${alert}.` : `No weather alert at ${shipment.origin}.`,
    `The sender's note: ${data(shipment.note)}`,
  ].join('\n');

/** Tools act for the shipment whose run it is, whatever the model asks for: its id is the key of the stream. */
const urlOf = (logistics: string, key: unknown, path: string): string =>
  `${logistics}/shipments/${String(key)}/${path}`;

const readingTools = (logistics: string) => ({
  flights: tool({
    description:
      'The next flights to the warehouse that have room for the shipment or for a half of it, the earliest first.',
    input: z.object({ after: z.string().describe('The time that it is: 2013-02-08T15:00Z.') }),
    effect: 'read',
    run: ({ after }, { fetch, key, signal }) =>
      jsonOf<{ flights: Offer[] }>(fetch(urlOf(logistics, key, `flights?after=${after}`), { signal })),
  }),
  stock: tool({
    description: 'What other warehouses can spare of the article, the richest first.',
    input: z.object({ at: z.string().describe('The time that it is: 2013-02-08T15:00Z.') }),
    effect: 'read',
    run: ({ at }, { fetch, key, signal }) =>
      jsonOf<{ warehouses: Spare[] }>(fetch(urlOf(logistics, key, `stock?at=${at}`), { signal })),
  }),
});

const actingTools = (logistics: string) => ({
  price: tool({
    description: 'What a plan costs.',
    input: Plan,
    effect: 'read',
    run: (plan, { fetch, key, signal }) =>
      jsonOf<{ costUsd: number }>(
        fetch(urlOf(logistics, key, 'price'), { method: 'POST', body: JSON.stringify(plan), signal }),
      ),
  }),
  /** The service books twice what it is told twice. After a crash it can say whether it was told. */
  book: tool({
    description: 'Books a plan.',
    input: Booking,
    effect: 'once',
    run: (booking, { fetch, key, idempotencyKey, signal }) =>
      jsonOf<{ plan: number }>(
        fetch(`${logistics}/plans/${encodeURIComponent(idempotencyKey)}`, {
          method: 'POST',
          body: JSON.stringify({ ...booking, shipment: key }),
          signal,
        }),
      ),
    async reconcile(_booking, { fetch, idempotencyKey, signal }) {
      const url = `${logistics}/plans/${encodeURIComponent(idempotencyKey)}`;
      const { plan } = await jsonOf<{ plan: number | null }>(fetch(url, { signal }));
      return plan === null ? { outcome: 'not-done' } : { outcome: 'done', result: { plan } };
    },
  }),
  /** The run does not wait for it; it is sent until the service has it. */
  notify: tool({
    description: 'Tells the warehouse.',
    input: z.object({ text: z.string() }),
    effect: 'outbox',
    run: ({ text }, { fetch, key, idempotencyKey, signal }) =>
      jsonOf<null>(
        fetch(`${logistics}/messages/${encodeURIComponent(idempotencyKey)}`, {
          method: 'PUT',
          body: JSON.stringify({ shipment: key, text }),
          signal,
        }),
      ),
  }),
});

function dispatcher(services: Services, version: string, preference: string): Agent<Case, Dispatch> {
  const { logistics, model, approvalTimeout } = services;
  const planner = agent({
    version,
    model: openAiCompatible({
      model: process.env.MILLRACE_MODEL_NAME ?? 'scripted',
      baseUrl: model,
      apiKey: () => process.env.MILLRACE_MODEL_KEY ?? '',
    }),
    instructions: `${TASK}\n${preference}`,
    prompt,
    output: Plan,
    tools: readingTools(logistics),
    budget: { steps: 8 },
  });
  return agent({
    version,
    tools: actingTools(logistics),
    async run(stuck: Case, ctx): Promise<Dispatch> {
      const { shipment, at } = stuck;
      const plan = await ctx.call(planner, stuck);
      const { costUsd } = await ctx.tools.price(plan);
      const { action, flights, from } = plan;
      const subject: ApprovalSubject = { shipment: shipment.id, action, costUsd, at };
      const isDear = costUsd > APPROVAL_USD;
      const isApproved = !isDear || (await ctx.approve(subject, { timeout: approvalTimeout, time: 'processing' }));
      if (isApproved && action !== 'wait') await ctx.tools.book({ action, flights, from, costUsd });
      const what = isApproved ? plan.why : `it waits: nobody has approved ${costUsd} dollars`;
      await ctx.tools.notify({
        text: `${shipment.units} units of ${shipment.sku} for ${shipment.warehouse}: ${what}`,
      });
      const approval = !isDear ? 'not needed' : isApproved ? 'given' : 'not given';
      return { shipment: shipment.id, ...plan, costUsd, approval };
    },
  });
}
