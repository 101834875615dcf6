/**
 * Calls a user's function for each record, without keys: as process.ts does with them. What it returns is pulled as there is
 * room.
 */
import type { Batch, Inbox } from '../../core/batch.js';
import { TIME_MIN } from '../../core/time.js';
import { LazyOutput, type Results } from '../lazy-output.js';
import type { Operator, OperatorContext } from '../operator.js';

/** What the functions get. Typed for users in api/broadcast.ts. */
export interface RecordContext {
  readonly timestamp: number | undefined;
  readonly watermark: number;
  readonly side: Readonly<Record<string, (record: unknown) => void>>;
  readonly broadcast: Readonly<Record<string, object>>;
  now(): number;
  random(): number;
}

export interface RecordFunctionSpec {
  readonly onRecord: (record: never, context: never) => Results<unknown>;
  readonly sides: readonly string[];
  readonly broadcast: Readonly<Record<string, object>>;
}

export class RecordFunctions implements Operator {
  readonly #onRecord: (record: unknown, context: RecordContext) => Results<unknown>;
  readonly #context: OperatorContext;
  readonly #user: UserContext;
  readonly #lazy = new LazyOutput();

  constructor({ onRecord, sides, broadcast }: RecordFunctionSpec, context: OperatorContext) {
    this.#onRecord = onRecord as (record: unknown, context: RecordContext) => Results<unknown>;
    this.#context = context;
    this.#user = new UserContext(sides, broadcast, context);
  }

  process(inbox: Inbox): void {
    const { output } = this.#context;
    const lazy = this.#lazy;
    const user = this.#user;
    if (lazy.pending) {
      if (!lazy.resume(output)) return;
      inbox.cursor += 1;
    }
    const { records, timestamps, count } = inbox.batch;
    for (; inbox.cursor < count && !output.full && !user.sideFull; inbox.cursor += 1) {
      user.time = timestamps[inbox.cursor] as number;
      const results = this.#onRecord(records[inbox.cursor], user);
      if (results !== undefined && !lazy.put(results, user.time, output)) return;
    }
  }

  close(): void {
    this.#lazy.close();
  }
}

class UserContext implements RecordContext {
  readonly side: Readonly<Record<string, (record: unknown) => void>>;
  readonly broadcast: Readonly<Record<string, object>>;
  time = TIME_MIN;
  readonly #context: OperatorContext;
  readonly #sides: readonly Batch[];

  constructor(sides: readonly string[], broadcast: Readonly<Record<string, object>>, context: OperatorContext) {
    this.#context = context;
    this.broadcast = broadcast;
    this.#sides = sides.map((name) => context.side(name));
    this.side = Object.fromEntries(
      sides.map((name, at) => [name, (record) => (this.#sides[at] as Batch).push(record, this.time)]),
    );
  }

  get timestamp(): number | undefined {
    return this.time === TIME_MIN ? undefined : this.time;
  }

  get watermark(): number {
    return this.#context.watermark;
  }

  get sideFull(): boolean {
    for (const side of this.#sides) if (side.full) return true;
    return false;
  }

  now(): number {
    return this.#context.host.now();
  }

  random(): number {
    return this.#context.random();
  }
}
