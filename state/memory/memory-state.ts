/**
 * The `memory` backend: all keyed state of one operator in one subtask, on the heap. Whoever snapshots it reads
 * `rows` between two calls of the operator.
 *
 * Invariants: a table's name has one kind for ever; a slot is reused only at the start of `prepare`, and only when no
 * table holds anything for its key. Timers are tables of their own: their two names take no name from the user.
 */
import type { Inbox } from '../../core/batch.js';
import { assert, MillraceError } from '../../core/errors.js';
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
import { HeapTimerTable } from '../tables/timer-table.js';
import { ColumnValueTable } from '../tables/value-table.js';

export class MemoryState implements KeyedState {
  slot = 0;
  private readonly index: KeyIndex;
  private readonly context: TableContext;
  private readonly tables = new Map<string, StateTable>();
  private readonly timerTables = new Map<string, HeapTimerTable>();

  constructor(options: { maxParallelism: number }) {
    this.index = new KeyIndex(options.maxParallelism);
    this.context = { index: this.index, journal: null };
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

  *rows(): Iterable<StateRow> {
    for (const [name, table] of this.tables) yield* this.rowsOf(name, table);
    for (const [name, table] of this.timerTables) yield* this.rowsOf(name, table);
  }

  restore(row: StateRow): void {
    const slot = this.index.slotOf(row.key);
    this.table(row.table, row.kind).restore(slot, row.subkey, row.value);
  }

  seal(_writer: RowWriter): void {
    throw new MillraceError('MILL_BUG', 'this state keeps no journal');
  }

  drainSealed(_rows: number): boolean {
    return true;
  }

  get dirtyCount(): number {
    return 0;
  }

  private *rowsOf(table: string, from: StateTable): Iterable<StateRow> {
    for (const { slot, subkey, value } of from.rows()) {
      const row = { keyGroup: this.index.keyGroupAt(slot), table, kind: from.kind, key: this.index.keyAt(slot), value };
      yield subkey === undefined ? row : { ...row, subkey };
    }
  }

  private table(name: string, kind: StateRow['kind']): StateTable {
    const tables: Map<string, StateTable> = kind === 'timer' ? this.timerTables : this.tables;
    const table = tables.get(name) ?? newTable(kind, this.context);
    assert(table.kind === kind, `state '${name}' is a ${table.kind}, not a ${kind}`);
    tables.set(name, table);
    return table;
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
