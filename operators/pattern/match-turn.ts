/**
 * One key's turn: some time has come for it, and perhaps some records. Goes through them in order of time, puts out what
 * they give, and stops wherever there is no room.
 *
 * Invariants: between two turns all that there is stands in the state; within one, `matches` is put back whenever the
 * turn stops. For every key with a deadline there is a timer at `alarm`, at or before it; for one without matches there
 * is none.
 */
import { asMillraceError, ERRORS, MillraceError } from '../../core/errors.js';
import { TIME_MAX } from '../../core/time.js';
import type { TimerTable, ValueTable } from '../../state/backend.js';
import type { OperatorContext } from '../operator.js';
import { compactMatches } from './compact-matches.js';
import { isEmpty, type KeyMatches } from './key-matches.js';
import type { MatchOutput } from './match-output.js';
import type { Matcher } from './matcher.js';

export interface MatchTurnOptions {
  readonly context: OperatorContext;
  readonly matcher: Matcher;
  readonly output: MatchOutput;
  readonly rows: ValueTable<KeyMatches>;
  readonly timers: TimerTable;
  /** Whether a timer is needed by others than the matches. */
  readonly isNeeded: (slot: number, time: number) => boolean;
  /** A record whose condition throws: throws too, or lets it pass. */
  readonly onError: (error: unknown, record: unknown, timestamp: number) => void;
}

export class MatchTurn {
  /** A turn is under way. */
  pending = false;
  private readonly options: MatchTurnOptions;
  private slot = 0;
  private time = 0;
  private timestamp = 0;
  private records: readonly unknown[] = [];
  private at = 0;
  private matches: KeyMatches | undefined;
  /** The deadline that has been seen to last. */
  private deadline = 0;

  constructor(options: MatchTurnOptions) {
    this.options = options;
  }

  /** It is `time`; results get that timestamp. `fired`: the time of the timer that has been taken for it, if any. */
  begin(slot: number, time: number, records: readonly unknown[], timestamp: number, fired: number): void {
    this.pending = true;
    this.slot = slot;
    this.time = time;
    this.timestamp = timestamp;
    this.records = records;
    this.at = 0;
    this.matches = this.options.rows.get(slot);
    if (this.matches === undefined) return;
    if (!this.options.matcher.knows(this.matches)) throw changed(this.options.context.uid);
    if (this.matches.alarm === fired) this.matches.alarm = TIME_MAX;
  }

  /** Goes on; false: an output is full. */
  work(): boolean {
    const key = this.options.context.state.keyOf(this.slot);
    do {
      if (!this.drain(key)) return this.stop();
    } while (this.next(key));
    this.end();
    return true;
  }

  private drain(key: unknown): boolean {
    const { matches, timestamp, deadline } = this;
    return matches === undefined || this.options.output.drain(matches, key, timestamp, deadline);
  }

  /** The next deadline or record; false: there is none. */
  private next(key: unknown): boolean {
    const { matcher } = this.options;
    const { matches, time } = this;
    if (matches !== undefined) {
      const deadline = matcher.deadline(matches);
      if (deadline <= time) {
        this.deadline = deadline;
        matcher.expire(matches, deadline);
        return true;
      }
    }
    if (this.at === this.records.length) return false;
    this.accept(this.records[this.at], key);
    return true;
  }

  private accept(record: unknown, key: unknown): void {
    const { matcher } = this.options;
    this.at += 1;
    try {
      this.matches = matcher.accept(this.matches, record, this.time);
    } catch (error) {
      const failure = asMillraceError(error, 'MILL_FUNCTION_FAILED', { key });
      this.give(hinted(failure, matcher.asked), record);
    }
  }

  /** What is not let pass ends the turn. */
  private give(failure: MillraceError, record: unknown): void {
    try {
      this.options.onError(failure, record, this.timestamp);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** There is more to do; the state is as it is now. */
  private stop(): false {
    if (this.matches !== undefined) this.options.rows.set(this.slot, this.matches);
    return false;
  }

  /** Puts the matches back, and forgets them. */
  private end(): void {
    const { matches, slot } = this;
    this.pending = false;
    this.matches = undefined;
    this.records = [];
    if (matches === undefined) return;
    if (isEmpty(matches)) {
      this.disarm(matches);
      this.options.rows.remove(slot);
      return;
    }
    compactMatches(matches);
    this.arm(matches);
    this.options.rows.set(slot, matches);
  }

  private arm(matches: KeyMatches): void {
    const deadline = this.options.matcher.deadline(matches);
    if (deadline >= matches.alarm) return;
    this.disarm(matches);
    matches.alarm = deadline;
    this.options.timers.add(this.slot, deadline);
  }

  private disarm({ alarm }: KeyMatches): void {
    const { timers, isNeeded } = this.options;
    if (alarm < TIME_MAX && !isNeeded(this.slot, alarm)) timers.remove(this.slot, alarm);
  }
}

function changed(uid: string): MillraceError {
  const text = `the state of ${uid} has matches of a pattern with other steps`;
  const hint = `Give the new pattern a new name, and run once with allowDroppedState: true (--allow-dropped-state).`;
  return new MillraceError('MILL_STATE_MISMATCH', text, { hint });
}

/** A plain failure is told to be that of the step's condition. */
function hinted(failure: MillraceError, step: string): MillraceError {
  if (failure.hint !== ERRORS[failure.code].hint) return failure;
  const { code, message, cause, place, stack } = failure;
  const hint = `Mend the condition of step ${step}, or set the operator's onError.`;
  const told = new MillraceError(code, message, { ...place, cause, hint });
  if (stack !== undefined) told.stack = stack;
  return told;
}
