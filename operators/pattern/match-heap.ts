/**
 * Complete matches that wait, in a binary heap: the one that began first is at its root. Which of several that began with
 * the same record comes first decides, where a match rules out others, which of them is found; so the heap is sifted
 * exactly as the priority queue that Flink uses.
 */
import { type KeyMatches, MATCH, release } from './key-matches.js';

/** Rows from `from` on have been added behind a heap; they become part of it, one after another. */
export function joinHeap(rows: number[], from: number): void {
  for (let at = from / MATCH.length; at * MATCH.length < rows.length; at += 1) siftUp(rows, at);
}

/** Takes the root out. */
export function popHeap(rows: number[]): void {
  const last = rows.splice(rows.length - MATCH.length, MATCH.length);
  if (rows.length > 0) siftDown(rows, 0, last);
}

/** Drops the matches that began before the record of that number. */
export function pruneHeap(matches: KeyMatches, number: number): void {
  const rows = matches.complete;
  let to = 0;
  for (let at = 0; at < rows.length; at += MATCH.length) {
    if ((rows[at + MATCH.first] as number) < number) release(matches, rows[at + MATCH.node] as number);
    else {
      rows.copyWithin(to, at, at + MATCH.length);
      to += MATCH.length;
    }
  }
  if (to === rows.length) return;
  rows.length = to;
  for (let at = ((to / MATCH.length) >>> 1) - 1; at >= 0; at -= 1) siftDown(rows, at, rowAt(rows, at));
}

function siftUp(rows: number[], from: number): void {
  const row = rowAt(rows, from);
  let at = from;
  while (at > 0) {
    const parent = (at - 1) >>> 1;
    if ((row[MATCH.first] as number) >= firstAt(rows, parent)) break;
    move(rows, parent, at);
    at = parent;
  }
  put(rows, at, row);
}

function siftDown(rows: number[], from: number, row: readonly number[]): void {
  const count = rows.length / MATCH.length;
  let at = from;
  while (at < count >>> 1) {
    let child = 2 * at + 1;
    if (child + 1 < count && firstAt(rows, child) > firstAt(rows, child + 1)) child += 1;
    if ((row[MATCH.first] as number) <= firstAt(rows, child)) break;
    move(rows, child, at);
    at = child;
  }
  put(rows, at, row);
}

function rowAt(rows: readonly number[], at: number): number[] {
  return rows.slice(at * MATCH.length, (at + 1) * MATCH.length);
}

function firstAt(rows: readonly number[], at: number): number {
  return rows[at * MATCH.length + MATCH.first] as number;
}

function move(rows: number[], from: number, to: number): void {
  rows.copyWithin(to * MATCH.length, from * MATCH.length, (from + 1) * MATCH.length);
}

function put(rows: number[], at: number, row: readonly number[]): void {
  for (let field = 0; field < MATCH.length; field += 1) rows[at * MATCH.length + field] = row[field] as number;
}
