/**
 * What a scripted model answers: the first rule that fits a request says what, when and how it goes wrong.
 *
 * Deterministic: chance comes from the seed, and the n-th call is the n-th that comes.
 */
import { MillraceError } from '../../core/errors.js';
import { Random } from '../../core/random.js';

/** When a rule fits. All that is given must hold; texts are regular expressions. */
export interface RuleCondition {
  /** The last message of the user. */
  readonly user?: string;
  readonly system?: string;
  /** The last result of a tool; `''` matches any. A rule without it does not mind. */
  readonly tool?: string;
  /** No tool has answered since the last message of the user. */
  readonly noTool?: boolean;
  readonly model?: string;
  /** Default `'chat'`. Of requests for embeddings only faults and latencies count, and `user` is the texts, one a line. */
  readonly of?: 'chat' | 'embeddings';
  /** Only the so many-th request that fits otherwise; 1 is the first. */
  readonly nth?: number;
  /** Only up to that one. */
  readonly upTo?: number;
  /** Only so often, by chance: 0 to 1. */
  readonly probability?: number;
}

/** What is answered. Texts may have `{{name}}`: the named groups of the condition's expressions. */
export interface RuleAnswer {
  readonly text?: string;
  /** Answered as JSON text. */
  readonly json?: unknown;
  readonly calls?: readonly { readonly tool: string; readonly input: unknown }[];
  readonly finish?: 'length' | 'content_filter';
}

/** What goes wrong. */
export type RuleFault =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly retryAfter?: number | string;
      readonly message?: string;
    }
  /** The body is no JSON; is cut off, a stream in its middle; the connection is closed before any of it; or nothing ever comes. */
  | { readonly kind: 'malformed' | 'truncated' | 'disconnect' | 'stall' };

/** Milliseconds: always as many, any of a range, or log-normal around a median. */
export type Latency =
  | number
  | { readonly from: number; readonly to: number }
  | { readonly median: number; readonly sigma: number };

/** One rule. */
export interface ModelRule {
  readonly when?: RuleCondition;
  readonly answer?: RuleAnswer;
  readonly fault?: RuleFault;
  readonly latency?: Latency;
  /** Between the pieces of a stream, in milliseconds. */
  readonly chunkMs?: number;
}

/** A scripted model. */
export interface ModelScript {
  readonly rules: readonly ModelRule[];
  /** Default 1. */
  readonly seed?: number;
  /** Of answers whose rule says none; default 0. */
  readonly latency?: Latency;
}

/** A request as rules see it. */
export interface ModelRequest {
  readonly of?: 'chat' | 'embeddings';
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
}

/** What is to be done about a request. */
export interface Decided {
  /** Of the rule in its script; -1: none fits. */
  readonly rule: number;
  readonly answer: RuleAnswer;
  readonly fault: RuleFault | undefined;
  readonly latencyMs: number;
  readonly chunkMs: number;
}

export class RuleBook {
  readonly #script: ModelScript;
  readonly #random: Random;
  readonly #fits: number[];

  /** Throws `MILL_OPTION_INVALID` for what is no script. */
  constructor(script: ModelScript) {
    if (!Array.isArray(script?.rules)) throw invalid('a script has no rules');
    for (const [at, rule] of script.rules.entries()) checkRule(rule, at);
    this.#script = script;
    this.#random = new Random(script.seed ?? 1);
    this.#fits = script.rules.map(() => 0);
  }

  decide(request: ModelRequest): Decided {
    for (const [at, rule] of this.#script.rules.entries()) {
      const groups = this.#matched(rule.when ?? {}, request, at);
      if (groups) return this.#decided(rule, at, groups);
    }
    const fault = { kind: 'status', status: 404, message: 'no rule fits this request' } as const;
    return { rule: -1, answer: {}, fault, latencyMs: 0, chunkMs: 0 };
  }

  #decided(rule: ModelRule, at: number, groups: Groups): Decided {
    return {
      rule: at,
      answer: filled(rule.answer ?? {}, groups) as RuleAnswer,
      fault: rule.fault,
      latencyMs: this.#latency(rule.latency ?? this.#script.latency ?? 0),
      chunkMs: rule.chunkMs ?? 0,
    };
  }

  #matched(when: RuleCondition, { of = 'chat', model, messages }: ModelRequest, at: number): Groups | undefined {
    if ((when.of ?? 'chat') !== of) return undefined;
    const lastUser = messages.map(({ role }) => role).lastIndexOf('user');
    const tools = messages.slice(lastUser + 1).filter(({ role }) => role === 'tool');
    if (when.noTool && tools.length > 0) return undefined;
    const groups: Groups = {};
    const texts: [string | undefined, string | undefined][] = [
      [when.user, textOf(messages[lastUser])],
      [when.system, textOf(messages.find(({ role }) => role === 'system'))],
      [when.tool, tools.length > 0 ? textOf(tools.at(-1)) : undefined],
      [when.model, model],
    ];
    for (const [pattern, text] of texts) {
      if (pattern === undefined) continue;
      const match = text === undefined ? null : new RegExp(pattern, 's').exec(text);
      if (!match) return undefined;
      Object.assign(groups, match.groups);
    }
    if (when.probability !== undefined && this.#random.next() >= when.probability) return undefined;
    this.#fits[at] = (this.#fits[at] as number) + 1;
    const count = this.#fits[at] as number;
    if (when.nth !== undefined && count !== when.nth) return undefined;
    if (when.upTo !== undefined && count > when.upTo) return undefined;
    return groups;
  }

  #latency(latency: Latency): number {
    if (typeof latency === 'number') return latency;
    if ('from' in latency) return latency.from + this.#random.next() * (latency.to - latency.from);
    // Box and Muller, 1958.
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random.next())) * Math.cos(2 * Math.PI * this.#random.next());
    return latency.median * Math.exp(latency.sigma * normal);
  }
}

type Groups = { [name: string]: string };

function textOf(message: ModelRequest['messages'][0] | undefined): string | undefined {
  if (!message) return undefined;
  const { content } = message;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: { text?: string }) => part.text ?? '').join('');
}

function filled(value: unknown, groups: Groups): unknown {
  if (typeof value === 'string')
    return value.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => groups[name] ?? whole);
  if (Array.isArray(value)) return value.map((each) => filled(each, groups));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, filled(each, groups)]));
}

/** A misspelt name would fit everything, or nothing. */
const RULE: ReadonlySet<string> = new Set(['when', 'answer', 'fault', 'latency', 'chunkMs']);
const CONDITION: ReadonlySet<string> = new Set([
  'user',
  'system',
  'tool',
  'noTool',
  'model',
  'of',
  'nth',
  'upTo',
  'probability',
]);
const FAULTS: ReadonlySet<string> = new Set(['status', 'malformed', 'truncated', 'disconnect', 'stall']);

function checkRule(rule: ModelRule, at: number): void {
  const { when = {}, answer, fault } = rule;
  for (const name of Object.keys(rule)) if (!RULE.has(name)) throw invalid(`rule ${at} has an unknown ${name}`);
  for (const name of Object.keys(when))
    if (!CONDITION.has(name)) throw invalid(`rule ${at} has an unknown condition ${name}`);
  if (fault && !FAULTS.has(fault.kind)) throw invalid(`rule ${at} has an unknown fault ${String(fault.kind)}`);
  if (fault?.kind === 'status' && !(fault.status >= 400 && fault.status <= 599))
    throw invalid(`rule ${at} has status ${String(fault.status)}, expected 400 to 599`);
  if (!answer && !fault) throw invalid(`rule ${at} neither answers nor fails`);
  for (const pattern of [when.user, when.system, when.tool, when.model]) {
    try {
      if (pattern !== undefined) new RegExp(pattern, 's');
    } catch (cause) {
      throw new MillraceError('MILL_OPTION_INVALID', `rule ${at} has no regular expression in ${pattern}`, { cause });
    }
  }
}

function invalid(text: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', text);
}
