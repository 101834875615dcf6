/**
 * Gives up the free places that a key's matches have, once there are many more of them than of others: a key that is
 * never without a match would otherwise keep, and put into every checkpoint, as many as it ever had.
 */
import { type KeyMatches, MATCH, NODE, NONE, RECORD } from './key-matches.js';

/** Below that there is little to gain. */
const NODES_MIN = 64;

/** Costs a pass over all places, after at least half as many have become free. */
export function compactMatches(matches: KeyMatches): void {
  const nodes = matches.nodes.length / NODE.length;
  if (nodes < NODES_MIN || matches.freeNodes * 2 < nodes) return;
  const recordAt = moveRecords(matches);
  const nodeAt = moveNodes(matches, recordAt);
  for (const rows of [matches.partial, matches.complete]) {
    for (let at = MATCH.node; at < rows.length; at += MATCH.length) rows[at] = nodeAt.get(rows[at] as number) as number;
  }
}

/** Where each record is now. */
function moveRecords(matches: KeyMatches): ReadonlyMap<number, number> {
  const { records, counts } = matches;
  const places = new Map<number, number>();
  matches.records = [];
  matches.counts = [];
  matches.freeRecord = NONE;
  for (const [at, record] of records.entries()) {
    const row = counts.slice(at * RECORD.length, (at + 1) * RECORD.length);
    if (row[RECORD.count] === 0) continue;
    places.set(at, matches.records.length);
    matches.records.push(record);
    matches.counts.push(...row);
  }
  return places;
}

function moveNodes(matches: KeyMatches, recordAt: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  const { nodes } = matches;
  const places = new Map([[NONE, NONE]]);
  const live: number[] = [];
  for (let at = 0; at < nodes.length; at += NODE.length) {
    if (nodes[at + NODE.count] === 0) continue;
    places.set(at, live.length);
    live.push(...nodes.slice(at, at + NODE.length));
  }
  for (let at = 0; at < live.length; at += NODE.length) {
    live[at + NODE.record] = recordAt.get(live[at + NODE.record] as number) as number;
    live[at + NODE.before] = places.get(live[at + NODE.before] as number) as number;
  }
  matches.nodes = live;
  matches.freeNode = NONE;
  matches.freeNodes = 0;
  return places;
}
