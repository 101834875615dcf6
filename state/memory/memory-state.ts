/**
 * The `memory` backend: all keyed state of one operator in one subtask, on the heap. Checkpoints get what changed, from
 * the tables' journals (docs/design/sealing.md); dumps read `rows` between two calls of the operator.
 *
 * Invariants: a table's name has one kind for ever; a slot is reused only at the start of `prepare`, and only when no
 * table holds anything for its key, or is yet to write that it no longer does. Timers are tables of their own: their
 * two names take no name from the user. `sealed` holds the tables that have rows to drain.
 */
import type { Inbox } from '../../core/batch.js';
import { assert } from '../../core/errors.js';
import { TIME_MAX } from '../../core/time.js';
import type {
  KeyedState,
  ListTable,
  MapTable,
  PaneTable,
  RowWriter,
  StateRow,
  TimerKind,
  TimerTable,
  ValueTable,
} from '../backend.js';
import { KeyIndex } from '../key-index.js';
import { ArrayListTable } from '../tables/list-table.js';
import { SortedMapTable } from '../tables/map-table.js';
import { DensePaneTable } from '../tables/pane-table.js';
import type { StateTable, TableContext } from '../tables/state-table.js';
import { TableJournal } from '../tables/table-journal.js';
import { HeapTimerTable } from '../tables/timer-table.js';
import { ColumnValueTable } from '../tables/value-table.js';

export class MemoryState implements KeyedState {
  slot = 0;
  protected readonly index: KeyIndex;
  private readonly journaled: boolean;
  private readonly tables = new Map<string, StateTable>();
  protected readonly timerTables = new Map<string, HeapTimerTable>();
  private readonly sealed: StateTable[] = [];

  /** `journal`: notes which rows change, so that `seal` works. */
  constructor(options: { readonly maxParallelism: number; readonly journal?: boolean }) {
    this.index = new KeyIndex(options.maxParallelism);
    this.journaled = options.journal === true;
  }

  get keyCount(): number {
    return this.index.keyCount;
  }

  prepare(inbox: Inbox): boolean {
    this.index.resolve(inbox.batch, inbox.cursor);
    return true;
  }

  keyOf(slot: number): unknown {
    return this.index.keyAt(slot);
  }

  prepareSlots(_slots: readonly number[], _ready: () => void): boolean {
    return true;
  }

  pin(_slot: number): void {}

  unpin(_slot: number): void {}

  value<T>(name: string): ValueTable<T> {
    return this.table(name, 'value') as unknown as ColumnValueTable<T>;
  }

  list<T>(name: string): ListTable<T> {
    return this.table(name, 'list') as unknown as ArrayListTable<T>;
  }

  map<K, V>(name: string): MapTable<K, V> {
    return this.table(name, 'map') as unknown as SortedMapTable<K, V>;
  }

  panes<T>(name: string): PaneTable<T> {
    return this.table(name, 'pane') as unknown as DensePaneTable<T>;
  }

  timers(name: TimerKind): TimerTable {
    return this.table(name, 'timer') as HeapTimerTable;
  }

  nextTimer(name: TimerKind): number {
    return this.timerTables.get(name)?.earliest ?? TIME_MAX;
  }

  prepareTimers(_name: TimerKind, _until: number): boolean {
    return true;
  }

  *rows(): Iterable<StateRow> {
    for (const [name, table] of this.tables) yield* this.rowsOf(name, table);
    for (const [name, table] of this.timerTables) yield* this.rowsOf(name, table);
  }

  restore(row: StateRow): void {
    const slot = this.index.slotOf(row.key);
    this.table(row.table, row.kind).restore(slot, row.subkey, row.value);
  }

  seal(writer: RowWriter): void {
    assert(this.journaled, 'this state keeps no journal');
    assert(this.sealed.length === 0, 'the epoch before has not been drained');
    for (const table of this.allTables()) {
      table.seal(writer);
      this.sealed.push(table);
    }
  }

  drainSealed(rows: number): boolean {
    let left = rows;
    for (let table = this.sealed.at(-1); table !== undefined && left > 0; table = this.sealed.at(-1)) {
      left -= table.drain(left);
      if (table.journal?.draining) return false;
      this.sealed.pop();
    }
    return this.sealed.length === 0;
  }

  get dirtyCount(): number {
    let rows = 0;
    for (const { journal } of this.allTables()) rows += journal?.dirty ?? 0;
    return rows;
  }

  private *allTables(): Iterable<StateTable> {
    yield* this.tables.values();
    yield* this.timerTables.values();
  }

  private *rowsOf(table: string, from: StateTable): Iterable<StateRow> {
    for (const { slot, subkey, value } of from.rows()) {
      const row = { keyGroup: this.index.keyGroupAt(slot), table, kind: from.kind, key: this.index.keyAt(slot), value };
      yield subkey === undefined ? row : { ...row, subkey };
    }
  }

  protected table(name: string, kind: StateRow['kind']): StateTable {
    const tables: Map<string, StateTable> = kind === 'timer' ? this.timerTables : this.tables;
    const table = tables.get(name) ?? this.make(name, kind, tables);
    assert(table.kind === kind, `state '${name}' is a ${table.kind}, not a ${kind}`);
    return table;
  }

  private make(name: string, kind: StateRow['kind'], tables: Map<string, StateTable>): StateTable {
    const table = newTable(kind, this.contextOf(name, kind));
    tables.set(name, table);
    this.made(table);
    return table;
  }

  /** A table has been made: for backends with something to add to it. */
  protected made(_table: StateTable): void {}

  private contextOf(name: string, kind: StateRow['kind']): TableContext {
    const { index } = this;
    return { index, journal: this.journaled ? new TableJournal(index, name, kind) : null };
  }
}

function newTable(kind: StateRow['kind'], context: TableContext): StateTable {
  switch (kind) {
    case 'value':
      return new ColumnValueTable(context);
    case 'list':
      return new ArrayListTable(context);
    case 'map':
      return new SortedMapTable(context);
    case 'pane':
      return new DensePaneTable(context);
    case 'timer':
      return new HeapTimerTable(context);
  }
}
