/** Compile-time assertions for the files beside this one: what does not hold does not compile. */
import type { Stream } from 'millrace';

type IsAny<T> = 0 extends 1 & T ? true : false;

/** Equal but for `readonly`; `any` is equal to nothing. */
export type Same<A, B> =
  IsAny<A> extends true
    ? false
    : IsAny<B> extends true
      ? false
      : [A] extends [B]
        ? [B] extends [A]
          ? true
          : false
        : false;

/** `recordsOf(stream).are<T>(true)` compiles if the records of the stream are `T`. */
export function recordsOf<T>(_stream: Stream<T>): { are<Expected>(same: Same<T, Expected>): void } {
  return { are: () => {} };
}
