/**
 * Which timers have come and gone. A timer has no value, so one that was there, went and came again has not changed,
 * and what is sealed needs no care when timers change.
 *
 * Invariants: `newcomers` are registered now and were not when the epoch began, `leavers` the other way round. The index
 * retains a slot for each pair in either, sealed or not.
 */
import type { RowWriter } from '../backend.js';
import type { KeyIndex } from '../key-index.js';
import type { TableJournal } from './table-journal.js';
import { TimerSet } from './timer-set.js';

interface Change {
  readonly time: number;
  readonly slot: number;
  readonly added: boolean;
}

export class TimerChanges {
  private readonly journal: TableJournal;
  private readonly index: KeyIndex;
  private newcomers = new TimerSet();
  private leavers = new TimerSet();
  private sealed: Iterator<Change> | null = null;

  constructor(journal: TableJournal, index: KeyIndex) {
    this.journal = journal;
    this.index = index;
  }

  added(time: number, slot: number): void {
    this.note(time, slot, this.newcomers, this.leavers);
  }

  removed(time: number, slot: number): void {
    this.note(time, slot, this.leavers, this.newcomers);
  }

  seal(writer: RowWriter): void {
    this.journal.turn(writer);
    this.sealed = changesOf(this.newcomers, this.leavers);
    this.newcomers = new TimerSet();
    this.leavers = new TimerSet();
  }

  drain(rows: number): number {
    const sealed = this.sealed as Iterator<Change>;
    for (let written = 0; written < rows; written += 1) {
      const { done, value } = sealed.next();
      if (done) {
        this.journal.finish();
        return written;
      }
      if (value.added) this.journal.put(value.slot, value.time, null);
      else this.journal.remove(value.slot, value.time);
      this.index.release(value.slot);
    }
    return rows;
  }

  /** The pair is in `into` from now on, unless that only undoes its being in `from`. */
  private note(time: number, slot: number, into: TimerSet, from: TimerSet): void {
    if (from.remove(time, slot)) {
      this.index.release(slot);
      this.journal.dirty -= 1;
      return;
    }
    into.add(time, slot);
    this.index.retain(slot);
    this.journal.dirty += 1;
  }
}

function* changesOf(newcomers: TimerSet, leavers: TimerSet): Generator<Change> {
  for (const { time, slot } of newcomers.pairs()) yield { time, slot, added: true };
  for (const { time, slot } of leavers.pairs()) yield { time, slot, added: false };
}
