/**
 * The base of one worker's keyed state: what completed checkpoints hold for its key groups, in an ordered store. A cache:
 * all of it is in the checkpoints' files as well, and whatever looks wrong throws `BaseDamage`, after which it is made anew.
 *
 * Invariants: rows of a checkpoint are written only once it is complete, oldest checkpoint first; each write carries a
 * mark (base-marks.ts) that says which checkpoint it belongs to and which is there in whole. One write at a time.
 */
import { ByteReader } from '../../core/byte-sink.js';
import { unpackPlain } from '../../core/codec.js';
import { assert } from '../../core/errors.js';
import type { OrderedStore, StoreChange, StoreRow } from '../../core/host.js';
import { decodeKey } from '../../core/key-codec.js';
import type { StateRow } from '../backend.js';
import {
  AREA_KEYS,
  AREA_MARKS,
  AREA_MEMORY,
  KeyRows,
  openedValue,
  placeOfRow,
  type RawRow,
  rawRowKey,
  sealedValue,
  type TableName,
} from './base-codec.js';
import {
  type BaseIdentity,
  floorChange,
  identityChange,
  type Mark,
  type MarksRead,
  markChange,
  nameChange,
  noMark,
  readMarks,
} from './base-marks.js';
import { BaseNames } from './base-names.js';
import { type BaseRow, mayLeave, type WantedKey } from './row-base.js';

/** Marks kept before those that are flushed are dropped: they are read when the base is opened. */
const MARKS_MAX = 4_096;

const areaOf = (area: number): readonly [Uint8Array, Uint8Array] => [Uint8Array.of(area), Uint8Array.of(area + 1)];

export class LevelBase {
  readonly #store: OrderedStore;
  readonly #names = new BaseNames();
  #mark: Mark;
  #floor: number;
  #next: number;
  /** Goes into the first write. */
  #identity: BaseIdentity | undefined;

  /** Makes one of an empty store, or of one that holds a base of this identity; throws `BaseDamage` for any other. */
  static async open(store: OrderedStore, identity: BaseIdentity): Promise<LevelBase> {
    const marks: StoreRow[] = [];
    for await (const page of store.range(...areaOf(AREA_MARKS))) marks.push(...page);
    if (marks.length > 0 || (await holdsRows(store)))
      return new LevelBase(store, readMarks(marks, identity), undefined);
    const nothing = { mark: { applied: undefined, begun: undefined }, floor: 0, next: 0, names: [] };
    return new LevelBase(store, nothing, identity);
  }

  private constructor(store: OrderedStore, read: MarksRead, identity: BaseIdentity | undefined) {
    this.#store = store;
    this.#mark = read.mark;
    this.#floor = read.floor;
    this.#next = read.next;
    this.#identity = identity;
    for (const name of read.names) this.#names.numbersOf(name);
  }

  get mark(): Mark {
    return this.#mark;
  }

  /** Whether there may be rows of values, lists or maps of this operator. */
  holds(operator: string): boolean {
    return this.#names.all.some((name) => name.operator === operator && mayLeave(name.kind));
  }

  /** Puts and removes rows, a later one of the same key after an earlier one; `mark`: how far the base is with them. */
  write(rows: readonly RawRow[], mark: Mark): Promise<void> {
    const known = this.#names.all.length;
    const changes = rows.map((row) => this.#change(row));
    for (const [number, name] of this.#names.all.entries()) if (number >= known) changes.push(nameChange(number, name));
    return this.#write(changes, mark);
  }

  /** Everything but the writing itself happens at once, so that writes may be under way while others begin. */
  async #write(changes: StoreChange[], mark: Mark): Promise<void> {
    if (this.#identity) changes.push(identityChange(this.#identity), floorChange(0));
    changes.push(markChange(this.#next, mark));
    this.#identity = undefined;
    this.#next += 1;
    this.#mark = mark;
    if (this.#next - this.#floor > MARKS_MAX) await this.#dropMarks(changes);
    await this.#store.write(changes);
  }

  /** All rows of values, lists and maps of some keys of an operator, in the order of the keys. */
  async fetch(operator: string, keys: readonly WantedKey[]): Promise<readonly (readonly BaseRow[])[]> {
    const number = this.#names.operator(operator);
    const names = this.#names.all;
    const tables = names.flatMap((name, at) => (name.operator === operator && mayLeave(name.kind) ? [at] : []));
    if (number === undefined || tables.length === 0) return keys.map(() => []);
    const places = keys.map(({ keyGroup, key }) => new KeyRows(keyGroup, number, key));
    if (tables.every((table) => names[table]?.kind === 'value')) return this.#fetchValues(places, tables);
    return Promise.all(places.map((place) => this.#fetchRange(place)));
  }

  /** Timers and panes, of all operators. */
  async *memoryRows(): AsyncIterable<readonly (readonly [operator: string, row: StateRow])[]> {
    for await (const page of this.#store.range(...areaOf(AREA_MEMORY))) yield page.map((row) => this.#decode(row));
  }

  /** Values, lists and maps, of all operators, as of the last write. */
  async *keyRows(): AsyncIterable<readonly (readonly [operator: string, row: StateRow])[]> {
    for await (const page of this.#store.range(...areaOf(AREA_KEYS))) yield page.map((row) => this.#decode(row));
  }

  async #fetchValues(places: readonly KeyRows[], tables: readonly number[]): Promise<(readonly BaseRow[])[]> {
    const wanted = places.flatMap((place) => tables.map((table) => place.valueOf(table)));
    const found = await this.#store.getMany(wanted);
    return places.map((_, at) =>
      tables.flatMap((table, of) => {
        const index = at * tables.length + of;
        const value = found[index];
        if (value === undefined) return [];
        return [this.#row(table, undefined, openedValue(wanted[index] as Uint8Array, value))];
      }),
    );
  }

  async #fetchRange(place: KeyRows): Promise<readonly BaseRow[]> {
    const rows: BaseRow[] = [];
    const subkeyAt = place.prefix.length + 2;
    for await (const page of this.#store.range(place.prefix, place.end)) {
      for (const [key, value] of page) {
        const table = new ByteReader(key, place.prefix.length).u16();
        const subkey = key.length > subkeyAt ? decodeKey(new ByteReader(key, subkeyAt)) : undefined;
        rows.push(this.#row(table, subkey, openedValue(key, value)));
      }
    }
    return rows;
  }

  #row(table: number, subkey: unknown, packed: Uint8Array): BaseRow {
    const { table: name, kind } = this.#nameOf(table);
    return { table: name, kind, subkey, value: unpackPlain(packed) };
  }

  #decode([key, value]: StoreRow): readonly [string, StateRow] {
    const packed = openedValue(key, value);
    const place = placeOfRow(key);
    const { operator, table, kind } = this.#nameOf(place.table);
    const subkey = kind === 'value' ? {} : { subkey: decodeKey(new ByteReader(place.subkey)) };
    const row = { keyGroup: place.keyGroup, table, kind, key: decodeKey(new ByteReader(place.key)) };
    return [operator, { ...row, ...subkey, value: unpackPlain(packed) }];
  }

  #nameOf(table: number): TableName {
    const name = this.#names.all[table];
    assert(name !== undefined, `the base has no table ${table}`);
    return name;
  }

  #change(row: RawRow): StoreChange {
    const { operator, table } = this.#names.numbersOf(row.name);
    const key = rawRowKey(row, operator, table);
    return [key, row.value && sealedValue(key, row.value)];
  }

  /** What has been flushed can't be lost by itself any more. */
  #dropMarks(changes: StoreChange[]): Promise<void> {
    const last = this.#next - 1;
    for (let number = this.#floor; number < last; number += 1) changes.push(noMark(number));
    this.#floor = last;
    changes.push(floorChange(last));
    return this.#store.flush();
  }
}

async function holdsRows(store: OrderedStore): Promise<boolean> {
  for await (const page of store.range(Uint8Array.of(AREA_KEYS), Uint8Array.of(AREA_MEMORY + 1)))
    return page.length > 0;
  return false;
}
