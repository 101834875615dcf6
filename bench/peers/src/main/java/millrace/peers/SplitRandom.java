package millrace.peers;

/**
 * SplittableRandom's numbers (SplitMix64), as bench/nexmark/split-random.ts draws them. Not the JDK's class, since that one
 * does not give away its state, which a split's position consists of.
 */
final class SplitRandom {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  long state;

  SplitRandom(long state) {
    this.state = state;
  }

  /** In [0, 1), 53 bits of it. */
  double real() {
    long z = state += GAMMA;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return ((z ^ (z >>> 31)) >>> 11) * 0x1.0p-53;
  }

  int int32() {
    long z = state += GAMMA;
    z = (z ^ (z >>> 33)) * 0x62A9D9ED799705F5L;
    return (int) (((z ^ (z >>> 28)) * 0xCB24D0A5C88C35B3L) >>> 32);
  }

  /** From 0 to below {@code bound}. */
  int below(int bound) {
    int drawn = int32();
    int most = bound - 1;
    if ((bound & most) == 0) return drawn & most;
    for (int bits = drawn >>> 1; ; bits = int32() >>> 1) {
      drawn = bits % bound;
      if (bits + most - drawn >= 0) return drawn;
    }
  }
}
