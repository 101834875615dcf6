/**
 * Which subtask each record of a link goes to. Free functions over columns: the hot loops of the exchange.
 *
 * Each moves the inbox's cursor past the records it has placed and returns early when an outbox has no room.
 */
import type { Batch, Inbox } from '../../core/batch.js';
import { describeValue, MillraceError } from '../../core/errors.js';
import { hashKey, keyGroupOf, ownerOf } from '../../core/key.js';
import type { Outbox } from './outbox.js';

export type Selector = (record: never) => unknown;

/** Owner of each key group. */
export function ownersOf(parallelism: number, maxParallelism: number): Int32Array {
  return Int32Array.from({ length: maxParallelism }, (_, group) => ownerOf(group, parallelism, maxParallelism));
}

export function partitionByKey(
  inbox: Inbox,
  outboxes: readonly Outbox[],
  selector: Selector,
  owners: Int32Array,
): void {
  const select = selector as (record: unknown) => unknown;
  if (outboxes.length === 1) return keyAll(inbox, outboxes[0] as Outbox, select);
  const { records, timestamps, count } = inbox.batch;
  const groups = owners.length;
  let at = inbox.cursor;
  try {
    for (; at < count; at += 1) {
      const record = records[at];
      const key = canonical(select(record));
      const hash = hashKey(key);
      const outbox = outboxes[owners[keyGroupOf(hash, groups)] as number] as Outbox;
      if (!outbox.makeRoom()) return;
      outbox.batch.pushKeyed(record, timestamps[at] as number, key, hash);
    }
  } finally {
    inbox.cursor = at;
  }
}

/** With one consumer there is nothing to choose: columns are filled a batch at a time, 1.6 times as fast. */
function keyAll(inbox: Inbox, outbox: Outbox, select: (record: unknown) => unknown): void {
  while (!inbox.drained && outbox.makeRoom()) fillKeyed(inbox, outbox.batch, select);
}

function fillKeyed(inbox: Inbox, to: Batch, select: (record: unknown) => unknown): void {
  to.reserve(to.capacity);
  const { batch } = inbox;
  const { records, timestamps, keys, hashes } = to;
  let put = to.count;
  let at = inbox.cursor;
  const end = Math.min(batch.count, at + to.room);
  try {
    for (; at < end; at += 1) {
      const record = batch.records[at];
      const key = canonical(select(record));
      hashes[put] = hashKey(key);
      keys[put] = key;
      records[put] = record;
      timestamps[put] = batch.timestamps[at] as number;
      put += 1;
    }
  } finally {
    inbox.cursor = at;
    to.count = put;
  }
}

/** All records to one outbox: forward edges, and rebalancing by batch. */
export function passOn(inbox: Inbox, outbox: Outbox): void {
  const { records, timestamps, count } = inbox.batch;
  let at = inbox.cursor;
  for (; at < count && outbox.makeRoom(); at += 1) outbox.batch.push(records[at], timestamps[at] as number);
  inbox.cursor = at;
}

/** No outbox has been chosen for the record at the cursor. */
export const UNCHOSEN = -1;

/**
 * Each record to the outbox that `choose` says, which is asked once for each. Returns the choice for the record that has
 * found no room, `chosen` of the next call: asked again, chance would avoid the slow, and functions that count would skip.
 */
export function partitionBy(
  inbox: Inbox,
  outboxes: readonly Outbox[],
  choose: (record: unknown) => number,
  chosen: number,
): number {
  const { records, timestamps, count } = inbox.batch;
  let to = chosen;
  for (; inbox.cursor < count; inbox.cursor += 1) {
    const record = records[inbox.cursor];
    if (to === UNCHOSEN) to = choose(record);
    const outbox = outboxes[to] as Outbox;
    if (!outbox.makeRoom()) return to;
    outbox.batch.push(record, timestamps[inbox.cursor] as number);
    to = UNCHOSEN;
  }
  return UNCHOSEN;
}

/** What a function of the user chooses, checked. Throws `MILL_FUNCTION_FAILED`. */
export function chosenSubtask(
  choose: (record: never, subtasks: number) => unknown,
  record: unknown,
  subtasks: number,
): number {
  const chosen = choose(record as never, subtasks);
  if (Number.isInteger(chosen) && (chosen as number) >= 0 && (chosen as number) < subtasks) return chosen as number;
  const text = `a partitioner chose ${describeValue(chosen)} of ${subtasks} subtasks`;
  throw new MillraceError('MILL_FUNCTION_FAILED', text);
}

/** Each record to every outbox; all must have room before any gets it. */
export function broadcast(inbox: Inbox, outboxes: readonly Outbox[]): void {
  const { records, timestamps, count } = inbox.batch;
  let at = inbox.cursor;
  for (; at < count && makeRoomInAll(outboxes); at += 1) {
    for (const outbox of outboxes) outbox.batch.push(records[at], timestamps[at] as number);
  }
  inbox.cursor = at;
}

function makeRoomInAll(outboxes: readonly Outbox[]): boolean {
  let room = true;
  for (const outbox of outboxes) room = outbox.makeRoom() && room;
  return room;
}

/** Fills the key column of records that came with their hashes only. */
export function selectKeys(batch: Batch, selector: Selector): void {
  const select = selector as (record: unknown) => unknown;
  const { records, keys, count } = batch;
  batch.reserve(count);
  for (let at = 0; at < count; at += 1) keys[at] = canonical(select(records[at]));
}

/** -0 and 0 are one key. */
function canonical(key: unknown): unknown {
  return key === 0 ? 0 : key;
}
