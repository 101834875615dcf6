/**
 * The physical plan: operators joined by forward edges fuse into chains; the edges that remain are links between
 * chains. Every worker hosts one subtask of each chain.
 *
 * Invariants: each node is in exactly one chain, after the node it is chained to; a chain's head is its first node;
 * a link ends at a head.
 */
import { MillraceError } from '../../core/errors.js';
import type { EventTime, EventTimeNode, LogicalNode, LogicalPlan, Partition, SourceNode } from './nodes.js';

export interface Chain {
  readonly id: number;
  readonly nodes: readonly ChainedNode[];
  /** Links that arrive at the head, in order of its input edges. */
  readonly inputs: readonly Link[];
}

export interface ChainedNode {
  readonly node: LogicalNode;
  /** Event time that a source assigns per split, when an event-time node follows it directly. */
  readonly eventTime: SourceEventTime | undefined;
  readonly outputs: readonly ChainOutput[];
}

/** Event time as its source assigns it. */
export interface SourceEventTime extends EventTime {
  /** The user's line that declared it. */
  readonly declaredAt: string | undefined;
}

/** One output batch of a node and who reads it. */
export interface ChainOutput {
  readonly side: string | undefined;
  /** Chained consumers, by node id. */
  readonly chained: readonly number[];
  readonly links: readonly Link[];
}

export interface Link {
  readonly id: number;
  readonly from: { readonly chain: number; readonly node: number; readonly side: string | undefined };
  readonly to: { readonly chain: number; readonly node: number; readonly port: number };
  readonly partition: Partition;
}

export interface PhysicalPlan {
  readonly logical: LogicalPlan;
  readonly chains: readonly Chain[];
  readonly links: readonly Link[];
}

export function physicalPlan(logical: LogicalPlan): PhysicalPlan {
  const absorbed = absorbEventTime(logical.nodes);
  const nodes = logical.nodes.filter((node) => !absorbed.has(node.id));
  checkAlignments(nodes);
  const originOf = (id: number): number => absorbed.get(id)?.source.id ?? id;
  const chainOf = assignChains(nodes, originOf);
  const links = makeLinks(nodes, chainOf, originOf);
  const chains = [...new Set(chainOf.values())].map((id) => ({
    id,
    inputs: links.filter((link) => link.to.chain === id),
    nodes: nodes
      .filter((node) => chainOf.get(node.id) === id)
      .map((node) => ({
        node,
        eventTime: [...absorbed.values()].find(({ source }) => source === node)?.eventTime,
        outputs: outputsOf(node, nodes, links, chainOf, originOf),
      })),
  }));
  return { logical, chains, links };
}

interface Absorbed {
  readonly source: SourceNode;
  readonly eventTime: SourceEventTime;
}

/** Event-time nodes that are their source's only reader: the source does their work, split by split. */
function absorbEventTime(nodes: readonly LogicalNode[]): Map<number, Absorbed> {
  const readers = (id: number): number =>
    nodes.reduce((n, node) => n + node.inputs.filter((edge) => edge.from === id).length, 0);
  const absorbed = new Map<number, Absorbed>();
  for (const node of nodes) {
    if (node.kind !== 'event-time' || node.inputs.length !== 1) continue;
    const source = nodes.find((other) => other.id === node.inputs[0]?.from);
    if (source?.kind !== 'source' || readers(source.id) !== 1 || !mayAbsorb(node)) continue;
    absorbed.set(node.id, { source, eventTime: { ...node.eventTime, declaredAt: node.declaredAt } });
  }
  return absorbed;
}

/** Its records must fail the same way as the source's, and a side output of the node needs the node. */
function mayAbsorb(node: EventTimeNode): boolean {
  const edge = node.inputs[0];
  return (
    edge?.side === undefined && edge?.partition.kind === 'forward' && node.sides.length === 0 && node.onError === 'fail'
  );
}

/** Of event time that no source has taken over. */
function checkAlignments(nodes: readonly LogicalNode[]): void {
  const node = nodes.find((each) => each.kind === 'event-time' && each.eventTime.align);
  if (!node) return;
  throw new MillraceError('MILL_OPTION_INVALID', 'only the splits of a source can be aligned', {
    operator: node.uid,
    declaredAt: node.declaredAt,
    hint: 'Call eventTime directly after j.from, as the only reader of the source, without an onError of its own.',
  });
}

function assignChains(nodes: readonly LogicalNode[], originOf: (id: number) => number): Map<number, number> {
  const chainOf = new Map<number, number>();
  let chains = 0;
  for (const node of nodes) {
    const before = chainedTo(node);
    chainOf.set(node.id, before === undefined ? chains : (chainOf.get(originOf(before)) as number));
    if (before === undefined) chains += 1;
  }
  return chainOf;
}

/** The node whose chain it goes on with. */
function chainedTo({ inputs, unchained }: LogicalNode): number | undefined {
  const [only, ...more] = inputs;
  return more.length === 0 && only?.partition.kind === 'forward' && !unchained ? only.from : undefined;
}

function makeLinks(
  nodes: readonly LogicalNode[],
  chainOf: Map<number, number>,
  originOf: (id: number) => number,
): Link[] {
  const links: Link[] = [];
  for (const node of nodes) {
    if (chainedTo(node) !== undefined) continue;
    for (const edge of node.inputs) {
      const from = originOf(edge.from);
      links.push({
        id: links.length,
        from: { chain: chainOf.get(from) as number, node: from, side: edge.side },
        to: { chain: chainOf.get(node.id) as number, node: node.id, port: edge.port },
        partition: edge.partition,
      });
    }
  }
  return links;
}

function outputsOf(
  node: LogicalNode,
  nodes: readonly LogicalNode[],
  links: readonly Link[],
  chainOf: Map<number, number>,
  originOf: (id: number) => number,
): ChainOutput[] {
  return [undefined, ...node.sides].map((side) => ({
    side,
    chained: nodes
      .filter(
        (other) =>
          chainOf.get(other.id) === chainOf.get(node.id) &&
          other.inputs.some(
            (edge) => originOf(edge.from) === node.id && edge.side === side && edge.partition.kind === 'forward',
          ) &&
          other.inputs.length === 1,
      )
      .map((other) => other.id),
    links: links.filter((link) => link.from.node === node.id && link.from.side === side),
  }));
}
