/**
 * Where a stream has ended: the name of a sink and, as a type, what it gets.
 */
export class Output<T> {
  readonly name: string;
  /** Phantom: the type of its records. */
  declare readonly record?: T;

  /** @internal */
  constructor(name: string) {
    this.name = name;
  }
}
