/**
 * Which rows without a match a join puts out, and how the two are combined.
 */

/** `left`: rows of the left input come out without a match too; `right`, `full` likewise. */
export type JoinType = 'inner' | 'left' | 'right' | 'full';

/** Makes a result of a pair; undefined stands for the side that has no match. */
export type Combine = (left: unknown, right: unknown) => unknown;

/** By input port: whether its rows come out without a match. */
export function padded(type: JoinType): readonly [boolean, boolean] {
  return [type === 'left' || type === 'full', type === 'right' || type === 'full'];
}

/** The side outputs of records that came too late, by input port. */
export const LATE_SIDES = ['late.left', 'late.right'] as const;
