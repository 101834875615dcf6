/**
 * Every error a user can meet, in one table: an unlisted code cannot be thrown.
 */
import { redact } from './secrets.js';

/**
 * The kind says what to do: `fix-code` and `fix-data` are the user's to mend, `retry` may pass by
 * itself, `restart-job` is handled by the restart strategy, `fenced` means that another process owns
 * what this one wanted, `bug` is ours.
 */
export type ErrorKind = 'fix-code' | 'fix-data' | 'retry' | 'restart-job' | 'fenced' | 'bug';

interface ErrorEntry {
  readonly kind: ErrorKind;
  /** What to do next: one sentence, shown under every message. */
  readonly hint: string;
}

const entry = (kind: ErrorKind, hint: string): ErrorEntry => ({ kind, hint });

/** The table. A code's page in docs/errors.md has the same name; a test compares the two. */
export const ERRORS = {
  // Building a job
  MILL_NAME_INVALID: entry(
    'fix-code',
    'Use 1 to 128 letters, digits, dots, dashes or underscores, not starting with a dot.',
  ),
  MILL_NAME_TAKEN: entry('fix-code', 'Give each source, sink and stateful operator a name of its own.'),
  MILL_OPTION_INVALID: entry('fix-code', 'Correct the option named in the message.'),
  MILL_PLAN_INVALID: entry('fix-code', 'Correct the job definition.'),
  MILL_PATTERN_INVALID: entry('fix-code', 'Correct the step named in the message.'),
  MILL_JOB_NOT_IN_MODULE: entry(
    'fix-code',
    'Export the job from the module whose import.meta is given to run(), or call run() at its top level.',
  ),
  MILL_JOB_DIFFERS: entry(
    'fix-code',
    'Build the job from its params only: no clock, randomness, environment or condition that differs between threads.',
  ),
  MILL_JOB_MODULE_FAILED: entry('fix-code', 'Make sure that the job module can be imported by itself.'),
  MILL_PARAMS_INVALID: entry('fix-code', 'Pass params that structuredClone accepts: plain data, no functions.'),
  MILL_PACKAGE_MISSING: entry('fix-code', 'Install the package named in the message.'),
  // Records, keys and time
  MILL_KEY_INVALID: entry(
    'fix-data',
    'Return a string, number, bigint, boolean, null, or an array of these from keyBy; undefined is not a key.',
  ),
  MILL_TIMESTAMP_INVALID: entry('fix-data', 'Return epoch milliseconds, a number up to 8.64e15, from eventTime.'),
  MILL_TIMESTAMP_MISSING: entry('fix-code', 'Call eventTime on the stream before an event-time window or timer.'),
  MILL_RECORD_NOT_PLAIN: entry(
    'fix-code',
    'Emit plain data: objects, arrays, strings, numbers, bigints, booleans, null, Date, Map, Set, typed arrays.',
  ),
  MILL_RECORD_TOO_LARGE: entry('fix-data', 'Make the record smaller, or raise the limit named in the message.'),
  MILL_RECORD_MALFORMED: entry(
    'fix-data',
    "Mend the record, or set the source's onError to 'skip' or a dead-letter sink.",
  ),
  MILL_RECORD_REJECTED: entry(
    'fix-data',
    "Mend the record or its schema, or set the source's onError to 'skip' or a dead-letter sink.",
  ),
  // User code
  MILL_FUNCTION_FAILED: entry('fix-code', "Mend the function, or set the operator's onError."),
  MILL_ASYNC_TIMEOUT: entry(
    'retry',
    'Give it more time (timeout), attempts (retry), or a result in its place (onTimeout).',
  ),
  MILL_PATTERN_SKIP_MISSED: entry(
    'fix-code',
    'Skip to a step that every match has, and does not begin with; or leave throwOnMiss out, to skip nothing then.',
  ),
  MILL_AGENT_FAILED: entry('fix-code', "Mend the agent's function; the failure has the whole run, and its input."),
  MILL_AGENT_LIMIT: entry('fix-data', "Raise the agent's budget, or find out from the run's steps what used it up."),
  MILL_AGENT_OUTPUT_INVALID: entry(
    'fix-data',
    'See the answers, in the steps of the run or the dead letter; mend the instructions or the schema.',
  ),
  MILL_AGENT_INPUT_ENDED: entry('fix-data', 'Give the wait a timeout, or run the job on an input that goes on.'),
  MILL_AGENT_DIVERGED: entry(
    'fix-code',
    "Change an agent's version with what it does, keep the old one in previous, and reach outside by ctx only.",
  ),
  MILL_AGENT_VERSION_MISSING: entry(
    'fix-code',
    'Give the agent of that version in previous until its runs have ended.',
  ),
  MILL_MODEL_FAILED: entry(
    'retry',
    "See the provider's message; where it may pass, the agent has tried again as often as it does.",
  ),
  MILL_EFFECT_IN_DOUBT: entry(
    'fix-data',
    'Find out whether the receiver has it; give the tool a reconcile that asks, or the agent a stream of decisions.',
  ),
  MILL_TOOL_UNKNOWN: entry('fix-code', 'Give the agent the tool, or take its name from the instructions.'),
  MILL_TOOL_DENIED: entry('fix-data', 'Nothing, if that is what the guard is for.'),
  MILL_SECRET_MISSING: entry(
    'fix-code',
    'Set the environment variable of that name, or give secret() a resolver that knows it.',
  ),
  MILL_SECRET_EXPOSED: entry('fix-code', 'Take the secret in the function of the tool that needs it.'),
  MILL_HOST_REFUSED: entry('fix-code', 'Nothing, if that is what hosts is for; else add the host to it.'),
  MILL_MCP_FAILED: entry('retry', 'Check that the server runs, and see what it says.'),
  MILL_SINK_FAILED: entry('restart-job', 'See the cause; the job restarts as its restart strategy says.'),
  MILL_SOURCE_FAILED: entry('restart-job', 'See the cause; the job restarts as its restart strategy says.'),
  // Files
  MILL_FILE_MISSING: entry('fix-data', 'Check the path; it is relative to the working directory.'),
  MILL_FILE_UNREADABLE: entry('fix-data', 'Check the permissions and the format of the file.'),
  MILL_FILE_UNWRITABLE: entry(
    'fix-data',
    'Check that the directory exists or can be made, and that it may be written.',
  ),
  MILL_DISK_FULL: entry('restart-job', 'Free some space, then run the job again.'),
  // Checkpoints
  MILL_CHECKPOINT_DAMAGED: entry('fix-data', 'Restore the file from a copy, or start over with fresh: true (--fresh).'),
  MILL_CHECKPOINT_UNREADABLE: entry('fix-code', 'Use the version of millrace that wrote it, or a newer one.'),
  MILL_CHECKPOINT_FAILED: entry('restart-job', 'Check that the state directory exists and may be written.'),
  MILL_CHECKPOINT_MISSING: entry('fix-code', 'Check the path, and that the job has taken a checkpoint there.'),
  MILL_SAVEPOINT_EXISTS: entry('fix-code', 'Name a directory that does not exist yet, or an empty one.'),
  MILL_OUTPUT_AHEAD: entry(
    'fix-code',
    'Leave out from (--from) to go on with the newest checkpoint, or add withdraw: true (--withdraw) to take back what came later.',
  ),
  MILL_FRESH_UNCONFIRMED: entry('fix-code', 'Add --yes to start over without being asked.'),
  MILL_STATE_MISMATCH: entry('fix-code', 'Use the state directory of this job, or start over with --fresh.'),
  MILL_STATE_LOCKED: entry('fenced', 'Stop the other process, or give this job a state directory of its own.'),
  MILL_STATE_BASE_DAMAGED: entry(
    'restart-job',
    'Nothing: the job goes on from its last checkpoint, with a new base. If it happens again, check the disk.',
  ),
  // The life of a job
  MILL_WORKER_FAILED: entry(
    'restart-job',
    'See the cause: an error that no operator caught, such as an unhandled rejection.',
  ),
  MILL_WORKER_EXITED: entry('fix-code', 'Do not call process.exit in a job module; throw an error instead.'),
  MILL_WORKER_OUT_OF_MEMORY: entry('restart-job', 'Keep less in memory per worker, or raise workerMemoryMb.'),
  MILL_RESULTS_OVERFLOW: entry(
    'fix-code',
    'Iterate over the handle instead of awaiting all results at once, or use a file sink.',
  ),
  MILL_STALLED: entry('bug', 'Please report it with the job and, under simulation, the seed.'),
  MILL_BUG: entry('bug', 'Please report it with the job that shows it.'),
} as const satisfies Record<string, ErrorEntry>;

/** A code of the table; docs/errors.md has a section for each. */
export type ErrorCode = keyof typeof ERRORS;

/** Where an error happened; every part is filled in by whoever knows it. */
export interface ErrorPlace {
  readonly operator?: string | undefined;
  readonly subtask?: number | undefined;
  readonly key?: unknown;
  /** Position in the source, or a description of the record's place. */
  readonly position?: unknown;
  /** The user's own line that declared the operator: `file:line:column`. */
  readonly declaredAt?: string | undefined;
}

export interface ErrorDetails extends ErrorPlace {
  readonly cause?: unknown;
  /** What it was about: plain data, for dead letters. It may be large, and is in no report. */
  readonly about?: unknown;
  readonly hint?: string | undefined;
}

/** An error as plain data: what crosses threads and what `--json` prints. */
export interface ErrorData extends ErrorPlace {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly stack?: string | undefined;
  readonly cause?: { readonly name: string; readonly message: string; readonly stack?: string | undefined } | undefined;
}

const BRAND = Symbol.for('millrace.error');

/**
 * The one error class. `instanceof` works across copies of the package.
 *
 * @example
 * try { await run(job) } catch (error) {
 *   if (error instanceof MillraceError && error.kind === 'fix-data') console.error(error.position)
 * }
 */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  readonly hint: string;
  readonly place: ErrorPlace;
  /** What it was about: plain data, for dead letters. */
  declare readonly about: unknown;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const { cause, hint, about, ...place } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'MillraceError';
    this.code = code;
    this.kind = ERRORS[code].kind;
    this.hint = hint ?? ERRORS[code].hint;
    this.place = place;
    Object.defineProperty(this, BRAND, { value: true });
    // Not shown where errors are printed.
    Object.defineProperty(this, 'about', { value: about, enumerable: false });
  }

  get operator(): string | undefined {
    return this.place.operator;
  }

  get subtask(): number | undefined {
    return this.place.subtask;
  }

  get key(): unknown {
    return this.place.key;
  }

  get position(): unknown {
    return this.place.position;
  }

  /** The same error with what the caller knows of its place; what is known already stays. */
  at(place: ErrorPlace): MillraceError {
    const known = Object.fromEntries(Object.entries(this.place).filter(([, value]) => value !== undefined));
    const error = new MillraceError(this.code, this.message, {
      ...place,
      ...known,
      cause: this.cause,
      hint: this.hint,
      about: this.about,
    });
    if (this.stack !== undefined) error.stack = this.stack;
    return error;
  }

  /** The error as plain data, its cause included: what JSON.stringify and the command line print. */
  toJSON(): ErrorData {
    return redact({
      code: this.code,
      message: this.message,
      hint: this.hint,
      ...this.place,
      key: this.place.key === undefined ? undefined : describeValue(this.place.key),
      stack: this.stack,
      cause: this.cause === undefined ? undefined : causeData(this.cause),
    });
  }

  static fromJSON(data: ErrorData): MillraceError {
    const { code, message, stack, cause, hint, ...place } = data;
    const error = new MillraceError(code, message, {
      ...place,
      hint,
      cause: cause && Object.assign(new Error(cause.message), { name: cause.name, stack: cause.stack }),
    });
    if (stack !== undefined) error.stack = stack;
    return error;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

/** Any thrown value as a MillraceError; `throw null` and its kind included. A full disk is one, whoever meets it. */
export function asMillraceError(thrown: unknown, code: ErrorCode, place: ErrorPlace = {}): MillraceError {
  if (thrown instanceof MillraceError) return thrown.at(place);
  const full = /^(ENOSPC|EDQUOT)$/.test(systemCode(thrown));
  return new MillraceError(full ? 'MILL_DISK_FULL' : code, describeThrown(thrown), { ...place, cause: thrown });
}

/** What nobody else has given a code: a disk that refuses, where the system says so, or else a bug of ours. */
export function asFailure(thrown: unknown, place: ErrorPlace = {}): MillraceError {
  const refused = /^(E[A-Z0-9]+|LEVEL_[A-Z_]+)$/.test(systemCode(thrown));
  return asMillraceError(thrown, refused ? 'MILL_CHECKPOINT_FAILED' : 'MILL_BUG', place);
}

function systemCode(thrown: unknown): string {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** One line for any thrown value. Never throws. */
export function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.name === 'Error' ? thrown.message : `${thrown.name}: ${thrown.message}`;
  return `threw ${describeValue(thrown)}, which is not an Error`;
}

const DESCRIPTION_CHARS_MAX = 200;

/** A short text of any value for messages. Never throws, never long. */
export function describeValue(value: unknown): string {
  let text: string;
  try {
    text =
      typeof value === 'bigint'
        ? `${value}n`
        : typeof value === 'function'
          ? `function ${value.name || '(anonymous)'}`
          : typeof value === 'string'
            ? JSON.stringify(value)
            : typeof value === 'object' && value !== null
              ? (JSON.stringify(value, plainer) ?? String(value))
              : String(value);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  return text.length <= DESCRIPTION_CHARS_MAX ? text : `${text.slice(0, DESCRIPTION_CHARS_MAX - 1)}…`;
}

function plainer(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

function causeData(cause: unknown): NonNullable<ErrorData['cause']> {
  if (cause instanceof Error) return { name: cause.name, message: cause.message, stack: cause.stack };
  return { name: 'NonError', message: describeValue(cause), stack: undefined };
}

/** Crashes on our own mistakes; user data never reaches one. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new MillraceError('MILL_BUG', message);
}
