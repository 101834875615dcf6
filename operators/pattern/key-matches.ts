/**
 * The matches under way of one key: plain data, and what may be done to them. Records that belong to any of them are
 * kept once; nodes say which step took which record after which other node, so that matches share their beginnings.
 *
 * Flink's shared buffer joins nodes of equal step and record, and tells the paths through them apart by version numbers
 * (SASE's Dewey numbers). Here a node has one way back, so that there is nothing to be told apart: a node costs no more
 * than the edge that Flink would add.
 *
 * Invariants: a node's count is the number of matches that end at it, and of nodes that come after it; a record's is the
 * number of its nodes. What is counted no more is free, and free places are chained. Partial matches stand in order of
 * their first record, then as they came.
 */
import { TIME_MAX } from '../../core/time.js';

/** Numbers stand in flat arrays, several a row: they are packed at every checkpoint. */
export interface KeyMatches {
  /** Signature of the automaton whose states these are. */
  readonly pattern: number;
  /** Number of the next record: records are numbered as they are taken up. */
  next: number;
  /** For when a timer is set; TIME_MAX: there is none. */
  alarm: number;
  /** Matches that wait for records. */
  partial: number[];
  /** Matches that are complete, and have not been put out yet. */
  complete: number[];
  nodes: number[];
  freeNode: number;
  freeNodes: number;
  records: unknown[];
  /** Beside each record. */
  counts: number[];
  freeRecord: number;
}

/** A row of `partial` and `complete`. */
export const MATCH = {
  /** Index of the automaton's state. */
  state: 0,
  /** Its last record. */
  node: 1,
  /** Number of its first record. */
  first: 2,
  firstTime: 3,
  lastTime: 4,
  length: 5,
} as const;

/** A row of `nodes`. */
export const NODE = { record: 0, step: 1, before: 2, count: 3, length: 4 } as const;
/** A row of `counts`. */
export const RECORD = { number: 0, count: 1, length: 2 } as const;

/** No node, no record, none free. */
export const NONE = -1;

export function noMatches(pattern: number): KeyMatches {
  return {
    pattern,
    next: 0,
    alarm: TIME_MAX,
    partial: [],
    complete: [],
    nodes: [],
    freeNode: NONE,
    freeNodes: 0,
    records: [],
    counts: [],
    freeRecord: NONE,
  };
}

/** Keeps a record, until the last of its nodes goes. */
export function keepRecord(matches: KeyMatches, record: unknown, number: number): number {
  const { counts, records, freeRecord } = matches;
  const at = freeRecord === NONE ? records.length : freeRecord;
  if (freeRecord !== NONE) matches.freeRecord = counts[at * RECORD.length] as number;
  records[at] = record;
  counts[at * RECORD.length + RECORD.number] = number;
  counts[at * RECORD.length + RECORD.count] = 0;
  return at;
}

/** A node for a record that is kept, after another one or none. It is to be held at once. */
export function addNode(matches: KeyMatches, record: number, step: number, before: number): number {
  const { nodes, freeNode } = matches;
  const at = freeNode === NONE ? nodes.length : freeNode;
  if (freeNode !== NONE) {
    matches.freeNode = nodes[at] as number;
    matches.freeNodes -= 1;
  }
  nodes[at + NODE.record] = record;
  nodes[at + NODE.step] = step;
  nodes[at + NODE.before] = before;
  nodes[at + NODE.count] = 0;
  matches.counts[record * RECORD.length + RECORD.count] =
    (matches.counts[record * RECORD.length + RECORD.count] as number) + 1;
  if (before !== NONE) hold(matches, before);
  return at;
}

export function hold({ nodes }: KeyMatches, node: number): void {
  nodes[node + NODE.count] = (nodes[node + NODE.count] as number) + 1;
}

/** Undoes a `hold`. Nodes, and records, that nothing needs any more go. */
export function release(matches: KeyMatches, node: number): void {
  const { nodes } = matches;
  for (let at = node; at !== NONE; ) {
    const count = (nodes[at + NODE.count] as number) - 1;
    nodes[at + NODE.count] = count;
    if (count > 0) return;
    const before = nodes[at + NODE.before] as number;
    releaseRecord(matches, nodes[at + NODE.record] as number);
    nodes[at] = matches.freeNode;
    matches.freeNode = at;
    matches.freeNodes += 1;
    at = before;
  }
}

function releaseRecord(matches: KeyMatches, at: number): void {
  const { counts } = matches;
  const count = (counts[at * RECORD.length + RECORD.count] as number) - 1;
  counts[at * RECORD.length + RECORD.count] = count;
  if (count > 0) return;
  matches.records[at] = null;
  counts[at * RECORD.length] = matches.freeRecord;
  matches.freeRecord = at;
}

export function recordOf({ nodes, records }: KeyMatches, node: number): unknown {
  return records[nodes[node + NODE.record] as number];
}

/** Number of the node's record. */
export function numberOf({ nodes, counts }: KeyMatches, node: number): number {
  return counts[(nodes[node + NODE.record] as number) * RECORD.length + RECORD.number] as number;
}

export function stepOf({ nodes }: KeyMatches, node: number): number {
  return nodes[node + NODE.step] as number;
}

export function before({ nodes }: KeyMatches, node: number): number {
  return nodes[node + NODE.before] as number;
}

/** Copies a row of matches. */
export function addRow(rows: number[], from: readonly number[], at: number): void {
  for (let field = 0; field < MATCH.length; field += 1) rows.push(from[at + field] as number);
}

/** Takes out the partial matches that began before the record of that number. */
export function dropEarlier(matches: KeyMatches, number: number): void {
  const { partial } = matches;
  let to = 0;
  for (; to < partial.length && (partial[to + MATCH.first] as number) < number; to += MATCH.length) {
    release(matches, partial[to + MATCH.node] as number);
  }
  if (to > 0) partial.splice(0, to);
}

export function isEmpty({ partial, complete }: KeyMatches): boolean {
  return partial.length === 0 && complete.length === 0;
}
