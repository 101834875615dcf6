package millrace.peers;

import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** A running sum of each key, an output for each input: the same numbers as bench/jobs/keyed-sum.ts. */
final class KeyedSum extends KeyedProcessFunction<Long, long[], long[]> {
  private transient ValueState<Long> sum;

  /** {@code keyed-sum} is over 100,000 keys, {@code keyed-sum-1m} over a million. */
  static long keysOf(String query) {
    return query.equals("keyed-sum") ? 100_000 : 1_000_000;
  }

  static Maker<long[]> maker(String query) {
    return maker(query, new SplitPosition(1, Long.MAX_VALUE, 0, 0));
  }

  /** Pairs of key and value. */
  static Maker<long[]> maker(String query, SplitPosition from) {
    long keys = keysOf(query);
    return new Maker<>() {
      private long number = from.first() - 1 + from.made();

      @Override
      public long[] next() {
        long hash = Integer.toUnsignedLong((int) number * 0x9E3779B1);
        return new long[] {hash % keys, number++ & 1_023};
      }

      @Override
      public long state() {
        return 0;
      }
    };
  }

  @Override
  public void open(OpenContext context) {
    sum = getRuntimeContext().getState(new ValueStateDescriptor<>("sum", Long.class));
  }

  @Override
  public void processElement(long[] pair, Context context, Collector<long[]> out) throws Exception {
    Long before = sum.value();
    long after = (before == null ? 0 : before) + pair[1];
    sum.update(after);
    out.collect(new long[] {pair[0], after});
  }
}
