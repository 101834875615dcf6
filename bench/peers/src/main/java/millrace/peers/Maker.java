package millrace.peers;

/** Makes the events of a split, one after another. */
interface Maker<T> {
  T next();

  /** What a maker needs, apart from how many events were made, to go on. */
  long state();
}
