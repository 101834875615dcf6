/**
 * When a failed job is started again, and after what delay. The three strategies are Flink's.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import { type Duration, durationMs } from '../../core/time.js';

/** When a failed job is started again, and after what delay. */
export type RestartPolicy =
  /** A failure ends the job. */
  | { readonly kind: 'none' }
  /** At most `attempts` restarts, `delay` apart. */
  | { readonly kind: 'fixed-delay'; readonly attempts: number; readonly delay: Duration }
  /** The delay grows by `factor` up to `max`, and falls back to `initial` after `resetAfter` without a failure. */
  | {
      readonly kind: 'exponential';
      readonly initial: Duration;
      readonly max: Duration;
      readonly factor: number;
      readonly resetAfter: Duration;
      /** Restarts since the last reset; unbounded when absent. */
      readonly attempts?: number;
    }
  /** At most `failures` within any `per`. */
  | { readonly kind: 'failure-rate'; readonly failures: number; readonly per: Duration; readonly delay: Duration };

/** Decides after each failure: the delay until the restart in ms, or undefined to give up. */
export type RestartStrategy = (nowMs: number) => number | undefined;

export function restartStrategy(policy: RestartPolicy): RestartStrategy {
  switch (policy.kind) {
    case 'none':
      return () => undefined;
    case 'fixed-delay':
      return fixedDelay(checkCount(policy.attempts, 'attempts'), durationMs(policy.delay, 'restart.delay'));
    case 'exponential':
      return exponential(policy);
    case 'failure-rate':
      return failureRate(
        checkCount(policy.failures, 'failures'),
        durationMs(policy.per, 'restart.per'),
        durationMs(policy.delay, 'restart.delay'),
      );
    default:
      throw invalid(
        'kind',
        (policy as { readonly kind?: unknown }).kind,
        'none, fixed-delay, exponential or failure-rate',
      );
  }
}

function checkCount(count: number, option: string): number {
  if (Number.isInteger(count) && count >= 0) return count;
  throw invalid(option, count, 'a whole number from 0');
}

function invalid(option: string, value: unknown, expected: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', `restart.${option} is ${describeValue(value)}, expected ${expected}`);
}

function fixedDelay(attempts: number, delayMs: number): RestartStrategy {
  let left = attempts;
  return () => {
    left -= 1;
    return left >= 0 ? delayMs : undefined;
  };
}

function exponential(policy: Extract<RestartPolicy, { kind: 'exponential' }>): RestartStrategy {
  const initialMs = durationMs(policy.initial, 'restart.initial');
  const maxMs = durationMs(policy.max, 'restart.max');
  const resetMs = durationMs(policy.resetAfter, 'restart.resetAfter');
  if (policy.attempts !== undefined) checkCount(policy.attempts, 'attempts');
  if (!(policy.factor >= 1)) throw invalid('factor', policy.factor, 'a number from 1');
  let delayMs = initialMs;
  let restarts = 0;
  let restartedAt = Number.NEGATIVE_INFINITY;
  return (nowMs) => {
    if (nowMs - restartedAt >= resetMs) {
      delayMs = initialMs;
      restarts = 0;
    }
    restarts += 1;
    if (policy.attempts !== undefined && restarts > policy.attempts) return undefined;
    const current = delayMs;
    delayMs = Math.min(maxMs, delayMs * policy.factor);
    restartedAt = nowMs + current;
    return current;
  };
}

function failureRate(failures: number, perMs: number, delayMs: number): RestartStrategy {
  const recent: number[] = [];
  return (nowMs) => {
    while (recent.length > 0 && nowMs - (recent[0] as number) > perMs) recent.shift();
    recent.push(nowMs);
    return recent.length > failures ? undefined : delayMs;
  };
}
