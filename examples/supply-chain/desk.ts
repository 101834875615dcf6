/**
 * The approval desk: where requests of agents lie until somebody decides, or nobody does. A service of its own; the job knows
 * it by `askAt` and `decisionsOf` alone.
 *
 * Decisions are a log: whoever reads it again from its beginning finds the same. So a job that starts over loses none.
 */
import type { Decision, HumanRequest } from 'millrace/agents';
import { HttpError, type HttpService, jsonOf, serve } from './http.js';
import { timeText } from './records.js';

/** What the dispatcher asks for. */
export interface ApprovalSubject {
  readonly shipment: string;
  readonly action: string;
  readonly costUsd: number;
  readonly at: number;
}

export interface DeskDecision extends Decision {
  /** Of the run that asked. */
  readonly key: string;
}

/** Who sits there: decides, or is not at the desk. */
export type DutyManager = (subject: ApprovalSubject) => boolean | undefined;

const MOST_USD = 4_500;

/** Pays up to 4,500 dollars, and is not there from seven in the evening to six in the morning, in New York. */
export const dutyManager: DutyManager = ({ costUsd, at }) => {
  const hour = Number(timeText(at).slice(11, 13));
  return hour < 11 ? undefined : costUsd <= MOST_USD;
};

interface Lying {
  readonly request: HumanRequest & { readonly subject: ApprovalSubject };
  approved?: boolean;
}

export class Desk {
  readonly #manager: DutyManager;
  readonly #requests = new Map<string, Lying>();
  readonly #decisions: DeskDecision[] = [];
  #open = true;
  #tell: () => void = () => undefined;
  #news = this.#nextNews();

  constructor(manager: DutyManager = dutyManager) {
    this.#manager = manager;
  }

  serve(): Promise<HttpService> {
    return serve({
      'GET /requests': () => [...this.#requests.values()],
      'PUT /requests/:run/:step': ({ body }) => this.#ask(body as Lying['request']),
      'POST /requests/:run/:step': ({ path, body }) =>
        this.decide(`${path.run}/${path.step}`, (body as { approved: boolean }).approved),
      'GET /decisions': ({ query }) => this.#after(Number(query.get('after'))),
      'POST /close': () => this.#close(),
    });
  }

  /** All that was asked, and what has become of it: undefined if nobody has decided. */
  get requests(): readonly Lying[] {
    return [...this.#requests.values()];
  }

  decide(id: string, approved: boolean): void {
    const lying = this.#requests.get(id);
    if (!lying) throw new HttpError(404, `nothing was asked as ${id}`);
    if (lying.approved !== undefined) throw new HttpError(409, `it was decided: ${lying.approved}`);
    lying.approved = approved;
    const { run, step, key } = lying.request;
    this.#decisions.push({ run, step, key: key as string, approved, by: 'duty manager' });
    this.#spread();
  }

  /** The job may ask again after a crash. */
  #ask(request: Lying['request']): void {
    const id = `${request.run}/${request.step}`;
    if (this.#requests.has(id)) return;
    this.#requests.set(id, { request });
    const decided = this.#manager(request.subject);
    if (decided !== undefined) this.decide(id, decided);
  }

  /** Waits until there is something. */
  async #after(count: number): Promise<{ decisions: readonly DeskDecision[]; open: boolean }> {
    while (this.#open && this.#decisions.length <= count) await this.#news;
    return { decisions: this.#decisions.slice(count), open: this.#open };
  }

  #close(): void {
    this.#open = false;
    this.#spread();
  }

  #spread(): void {
    this.#tell();
    this.#news = this.#nextNews();
  }

  #nextNews(): Promise<void> {
    return new Promise((resolve) => {
      this.#tell = resolve;
    });
  }
}

// The job's side

/** For a sink: lays a request on the desk. */
export function askAt(desk: string): (request: HumanRequest) => Promise<void> {
  return async (request) => {
    const url = `${desk}/requests/${encodeURIComponent(request.run)}/${request.step}`;
    await jsonOf(fetch(url, { method: 'PUT', body: JSON.stringify(request) }));
  };
}

/** For a source: decisions as they are made, until the desk closes. */
export function decisionsOf(desk: string): () => AsyncGenerator<DeskDecision> {
  return async function* () {
    for (let after = 0, open = true; open; ) {
      const news = await jsonOf<{ decisions: DeskDecision[]; open: boolean }>(
        fetch(`${desk}/decisions?after=${after}`),
      );
      yield* news.decisions;
      after += news.decisions.length;
      open = news.open;
    }
  };
}

/** For a sink: nobody is going to ask any more. */
export async function closeDesk(desk: string): Promise<void> {
  await jsonOf(fetch(`${desk}/close`, { method: 'POST' }));
}
