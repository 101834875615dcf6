/**
 * Tools: what an agent may do, and what becomes of it when the process dies in the middle.
 */

import { describeValue, MillraceError } from '../core/errors.js';
import type { InferOutput, StandardSchemaV1 } from '../core/schema.js';
import { type Duration, durationMs } from '../core/time.js';
import { hostsOf } from './allowed-hosts.js';

/**
 * What a call changes outside, and so what happens after a crash that leaves open whether it was made:
 *
 * - `read`: nothing. It is made again.
 * - `idempotent`: the receiver knows calls by `ctx.idempotencyKey`. It is made again, with the same key.
 * - `once`: something that must not happen twice. `reconcile` asks the receiver; where it can't tell, a person is asked. So
 *   they are when a call has taken too long, or its function throws `MILL_EFFECT_IN_DOUBT`.
 * - `outbox`: sent once the checkpoint is complete that holds it, and again until the receiver has it. The run does not wait.
 */
export type Effect = 'read' | 'idempotent' | 'once' | 'outbox';

/** What a tool's function may use. */
export interface ToolContext {
  /** The same for the same call, whenever and however often it is made. */
  readonly idempotencyKey: string;
  /** Aborted when the time is over, and when the job ends. */
  readonly signal: AbortSignal;
  /** Of the stream. */
  readonly key: unknown;
  /** The network, through the job's host, as far as `hosts` allows: replays and tests see what goes there. */
  readonly fetch: typeof globalThis.fetch;
}

/** What is known of a call that may have been made. */
export type Reconciled<R> =
  | { readonly outcome: 'done'; readonly result: R }
  | { readonly outcome: 'not-done' }
  | { readonly outcome: 'unknown' };

/** What a tool is made of. */
export interface ToolOptions<S extends StandardSchemaV1, R> {
  /** What it does, and when to use it: the model reads this. */
  readonly description: string;
  /** What it takes: a schema with a JSON Schema, or `jsonSchema({ … })`. What a model asks for is checked against it. */
  readonly input: S;
  readonly effect: Effect;
  /** What it gives; what does not fit is an error of the tool. */
  readonly output?: StandardSchemaV1<unknown, R>;
  /** How long one call may take; default 60 s. */
  readonly timeout?: Duration;
  /**
   * The only hosts that its `fetch` may reach, as `'api.bank.example'`, `'*.bank.example'` or `'localhost:8080'`; others are
   * `MILL_HOST_REFUSED`. Default: any that the agent's `hosts` allows.
   */
  readonly hosts?: readonly string[];
  /** Does it. What it throws is the call's answer, and the model's to deal with. Plain data comes back. */
  run(input: InferOutput<S>, context: ToolContext): R | Promise<R>;
  /**
   * Of a tool that acts: what a replay or dark launch answers in its place, where nothing was recorded. It must do nothing
   * outside. Default: undefined.
   */
  rehearse?(input: InferOutput<S>): R | Promise<R>;
  /** Of a `once` tool: asks the receiver whether the call of this key has been made. */
  reconcile?(input: InferOutput<S>, context: ToolContext): Reconciled<R> | Promise<Reconciled<R>>;
}

/** A tool, checked. */
export interface Tool<I = never, R = unknown> {
  readonly kind: 'tool';
  readonly description: string;
  readonly input: StandardSchemaV1;
  readonly output: StandardSchemaV1 | undefined;
  readonly effect: Effect;
  readonly timeoutMs: number;
  readonly hosts?: readonly string[] | undefined;
  /** One call. */
  run(input: I, context: ToolContext): R | Promise<R>;
  reconcile: ((input: I, context: ToolContext) => Reconciled<R> | Promise<Reconciled<R>>) | undefined;
  /** What is answered in place of an act that is not made. */
  readonly rehearse?: ((input: I) => R | Promise<R>) | undefined;
  /** An agent begins to use it; what is returned says that the agent is done. For what keeps connections. */
  readonly hold?: () => () => void | Promise<void>;
}

/** All of them. */
export const EFFECTS: readonly Effect[] = ['read', 'idempotent', 'once', 'outbox'];
const TIMEOUT_MS = 60_000;

/**
 * Declares a tool. Throws `MILL_OPTION_INVALID` for an unknown effect: there is no default, since a wrong one pays twice.
 *
 * @example
 * const refund = tool({
 *   description: 'Refunds an order.',
 *   input: z.object({ order: z.string(), cents: z.number() }),
 *   effect: 'idempotent',
 *   run: ({ order, cents }, { fetch, idempotencyKey }) =>
 *     fetch(`https://shop/refunds/${idempotencyKey}`, { method: 'PUT', body: JSON.stringify({ order, cents }) })
 *       .then((answer) => answer.json()),
 * })
 */
export function tool<S extends StandardSchemaV1, R>(
  options: ToolOptions<S, R> & { readonly effect: 'outbox' },
): Tool<InferOutput<S>, undefined>;
export function tool<S extends StandardSchemaV1, R>(options: ToolOptions<S, R>): Tool<InferOutput<S>, R>;
export function tool<S extends StandardSchemaV1, R>(options: ToolOptions<S, R>): Tool<InferOutput<S>, R> {
  const { description, input, output, effect, timeout } = options;
  if (!EFFECTS.includes(effect))
    throw new MillraceError('MILL_OPTION_INVALID', `a tool's effect is ${describeValue(effect)}`, {
      hint: `Say which of ${EFFECTS.join(', ')} it is.`,
    });
  return Object.freeze({
    kind: 'tool',
    description,
    input,
    output: output as StandardSchemaV1 | undefined,
    effect,
    timeoutMs: timeout === undefined ? TIMEOUT_MS : durationMs(timeout, 'timeout'),
    hosts: hostsOf(options.hosts),
    run: (value: InferOutput<S>, context: ToolContext) => options.run(value, context),
    rehearse: options.rehearse && ((value: InferOutput<S>) => options.rehearse?.(value) as R),
    reconcile:
      options.reconcile &&
      ((value: InferOutput<S>, context: ToolContext) => options.reconcile?.(value, context) as Reconciled<R>),
  });
}
