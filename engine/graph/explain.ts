/**
 * A plan as people read it: which operators share a chain, and how records get from one chain to the next. Workers
 * do not matter here: each hosts one subtask of every chain.
 */
import type { Chain, ChainedNode, ChainOutput, PhysicalPlan } from './chain.js';
import type { ErrorPolicy, EventTime, LogicalNode, Partition } from './nodes.js';

/** A plan as plain data, for tools. */
export interface ExplainedPlan {
  readonly job: string;
  /** Equal for plans of equal structure. */
  readonly fingerprint: string;
  /** The most subtasks that state can be dealt to. */
  readonly keyGroups: number;
  /** Operators of a chain hand records on directly; between chains they travel. */
  readonly chains: readonly (readonly ExplainedOperator[])[];
}

/** One operator, source or sink of a plan. */
export interface ExplainedOperator {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly onError: ErrorPolicy;
  /** The line that declared it. */
  readonly declaredAt: string | undefined;
  readonly outputs: readonly ExplainedOutput[];
}

/** Where records of one output go. */
export interface ExplainedOutput {
  readonly to: string;
  /** The side output they leave by; undefined for the main one. */
  readonly side: string | undefined;
  /** `chained`: within the chain, without a queue. */
  readonly by: 'chained' | Partition['kind'];
}

/** A plan as plain data. */
export function explainPlan({ logical, chains }: PhysicalPlan): ExplainedPlan {
  const names = new Map(logical.nodes.map(({ id, uid }) => [id, uid]));
  const nameOf = (id: number): string => names.get(id) ?? String(id);
  return {
    job: logical.job,
    fingerprint: logical.fingerprint,
    keyGroups: logical.maxParallelism,
    chains: chains.map((chain: Chain) => chain.nodes.map((node) => explainNode(node, nameOf))),
  };
}

function explainNode({ node, eventTime, outputs }: ChainedNode, nameOf: (id: number) => string): ExplainedOperator {
  const time = eventTime && `event time ${eventTimeText(eventTime)}`;
  return {
    name: node.uid,
    type: typeOf(node),
    description: [node.description, time].filter(Boolean).join('; '),
    onError: node.onError,
    declaredAt: node.declaredAt,
    outputs: outputs.flatMap((output) => explainOutput(output, nameOf)),
  };
}

/** How watermarks come about. */
export function eventTimeText({ generator, outOfOrderMs, align }: EventTime): string {
  const watermarks = generator ? 'by watermarks of its own' : `out of order by ${outOfOrderMs} ms`;
  return align ? `${watermarks}, at most ${align.maxDriftMs} ms ahead of the slowest of ${align.group}` : watermarks;
}

function typeOf(node: LogicalNode): string {
  return node.kind === 'source' || node.kind === 'sink' ? `${node.kind}: ${node.type}` : node.type;
}

function explainOutput({ side, chained, links }: ChainOutput, nameOf: (id: number) => string): ExplainedOutput[] {
  return [
    ...chained.map((id): ExplainedOutput => ({ to: nameOf(id), side, by: 'chained' })),
    ...links.map(({ to, partition }): ExplainedOutput => ({ to: nameOf(to.node), side, by: partition.kind })),
  ];
}

const WAYS: Readonly<Record<ExplainedOutput['by'], string>> = {
  chained: 'directly',
  forward: 'from each worker to itself',
  hash: 'by key',
  rebalance: 'in turns',
  broadcast: 'to all workers',
  shuffle: 'to any worker',
  global: 'to the first worker',
  custom: 'as a function says',
};

/**
 * A plan as text:
 *
 *   job word-count: 2 chains, 128 key groups, fingerprint 0a4f…
 *
 *   chain 0
 *     book        source: files   book.txt
 *     flat-map-1  flat-map
 *       → counts by key
 *
 *   chain 1
 *     counts      aggregate
 *     out         sink: print     to standard output
 */
export function planText({ job, fingerprint, keyGroups, chains }: ExplainedPlan): string {
  const operators = chains.flat();
  const nameWidth = widest(operators.map(({ name }) => name));
  const typeWidth = widest(operators.map(({ type }) => type));
  const line = ({ name, type, description }: ExplainedOperator): string =>
    `  ${name.padEnd(nameWidth)}  ${type.padEnd(typeWidth)}  ${description}`.trimEnd();
  const chainTexts = chains.map((chain, id) =>
    [`chain ${id}`, ...chain.flatMap((each, at) => [line(each), ...outputLines(each, chain[at + 1])])].join('\n'),
  );
  const count = `${chains.length} chain${chains.length === 1 ? '' : 's'}`;
  return [`job ${job}: ${count}, ${keyGroups} key groups, fingerprint ${fingerprint}`, ...chainTexts].join('\n\n');
}

/** Ways other than straight on to the next operator of the chain. */
function outputLines({ outputs }: ExplainedOperator, next: ExplainedOperator | undefined): string[] {
  const [only, ...more] = outputs;
  if (only && more.length === 0 && only.by === 'chained' && only.to === next?.name && !only.side) return [];
  return outputs.map(({ to, side, by }) => `    ${side === undefined ? '' : `${side} `}→ ${to} ${WAYS[by]}`);
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}
