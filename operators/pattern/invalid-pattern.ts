/** The error for a pattern that can't be: it names the step and says what is wrong there. */
import { MillraceError } from '../../core/errors.js';

export function invalidPattern(step: string | undefined, what: string): MillraceError {
  const where = step === undefined ? 'the pattern' : step === '' ? 'a group' : `step ${step}`;
  return new MillraceError('MILL_PATTERN_INVALID', `${where} ${what}`);
}
