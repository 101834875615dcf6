/**
 * Chooses the operator for a kind of window: the fast ones for windows that fire at their end, and that for windows with
 * triggers for the rest.
 */
import { describeValue, MillraceError } from '../../core/errors.js';
import type { OperatorFactory } from '../operator.js';
import type { WindowAssigner } from './assigners.js';
import { ClockWindowOperator } from './clock-window-operator.js';
import { CountOperator } from './count-operator.js';
import type { Evictor } from './evictors.js';
import { SessionOperator } from './session-operator.js';
import type { Trigger } from './trigger.js';
import { TriggeredOperator } from './triggered-operator.js';
import { trigger as triggers } from './triggers.js';
import type { WindowFold } from './window-fold.js';
import { WindowOperator } from './window-operator.js';

/** The side output of records that came too late for all of their windows. */
export const LATE = 'late';

// biome-ignore lint/suspicious/noExplicitAny: folds of every record, accumulator and result
export type AnyWindowFold = WindowFold<any, any, any>;

/** Windows, and when they fire. */
export interface WindowsSpec {
  readonly assigner: WindowAssigner<never>;
  readonly latenessMs: number;
  /** Default: event time. */
  readonly time?: 'event' | 'processing' | undefined;
  readonly trigger?: Trigger<never> | undefined;
  readonly evictor?: Evictor<never> | undefined;
}

export interface WindowSpec extends WindowsSpec {
  readonly fold: AnyWindowFold;
}

const TIME_KINDS: readonly string[] = [
  'tumbling',
  'sliding',
  'cumulate',
  'calendar',
  'session',
] satisfies WindowAssigner['kind'][];
const KINDS: readonly string[] = [...TIME_KINDS, 'count', 'global'];

/** Throws `MILL_OPTION_INVALID` for what does not go together. */
export function checkWindows({ assigner, latenessMs, time, trigger, evictor }: WindowsSpec): void {
  checkKind(assigner, KINDS);
  if (trigger && typeof trigger.onRecord !== 'function')
    throw invalid(`trigger is ${describeValue(trigger)}, expected trigger.count(100) or the like`);
  if (time !== undefined && time !== 'event' && time !== 'processing') throw invalid(`time is ${JSON.stringify(time)}`);
  if (assigner.kind === 'count' && (trigger || evictor || time || latenessMs > 0))
    throw invalid('windows of so many records take neither a trigger nor an evictor, time or lateness');
  if (time === 'processing' && latenessMs > 0) throw invalid('windows of processing time have no lateness');
  if (assigner.kind === 'session' && trigger && !trigger.onMerge)
    throw invalid(`trigger '${trigger.name}' has no onMerge, which sessions need`);
}

/** Likewise, of windows over two inputs. */
export function checkTimeWindows({ assigner }: Pick<WindowsSpec, 'assigner'>): void {
  checkKind(assigner, TIME_KINDS);
}

function checkKind(assigner: WindowAssigner<never> | undefined, kinds: readonly string[]): void {
  if (!kinds.includes(assigner?.kind as string))
    throw invalid(`windows are ${describeValue(assigner)}, expected those of ${kinds.join(', ')}`);
}

export function windowFactory({ assigner, latenessMs, fold, ...when }: WindowSpec): OperatorFactory {
  const { time = 'event', evictor } = when;
  if (assigner.kind === 'count') return (context) => new CountOperator({ context, assigner, latenessMs, fold });
  const isPlain = !when.trigger && !evictor;
  if (isPlain && time === 'processing' && (assigner.kind === 'tumbling' || assigner.kind === 'calendar'))
    return (context) => new ClockWindowOperator({ context, assigner, latenessMs, fold });
  if (!isPlain || time === 'processing' || assigner.kind === 'global') {
    const trigger = when.trigger ?? triggers[time === 'event' ? 'eventTime' : 'processingTime']();
    return (context) => new TriggeredOperator({ context, assigner, latenessMs, fold, time, trigger, evictor });
  }
  return assigner.kind === 'session'
    ? (context) => new SessionOperator({ context, assigner, latenessMs, fold })
    : (context) => new WindowOperator({ context, assigner, latenessMs, fold });
}

function invalid(message: string): MillraceError {
  return new MillraceError('MILL_OPTION_INVALID', message);
}
