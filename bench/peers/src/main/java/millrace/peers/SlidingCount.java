package millrace.peers;

import java.util.Arrays;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Counts records of each key in windows of 10 s that begin every 2 s: each record once, in its slice of 2 s; a window adds five
 * slices when it ends. Gives (key, count, end).
 */
final class SlidingCount extends KeyedProcessFunction<Long, Long, long[]> {
  private static final long SLIDE_MS = 2_000;
  private static final long SIZE_MS = 10_000;

  /** Pairs of a slice's start and its count. */
  private transient ValueState<long[]> slices;

  @Override
  public void open(OpenContext context) {
    slices = getRuntimeContext().getState(new ValueStateDescriptor<>("slices", DataStreamPeer.LONGS));
  }

  @Override
  public void processElement(Long key, Context context, Collector<long[]> out) throws Exception {
    long start = context.timestamp() / SLIDE_MS * SLIDE_MS;
    long[] all = slices.value();
    if (all != null)
      for (int at = all.length - 2; at >= 0; at -= 2)
        if (all[at] == start) {
          all[at + 1] += 1;
          slices.update(all);
          return;
        }
    long[] more = all == null ? new long[2] : Arrays.copyOf(all, all.length + 2);
    more[more.length - 2] = start;
    more[more.length - 1] = 1;
    slices.update(more);
    // The first window that has it; each window that ends asks for the next one.
    context.timerService().registerEventTimeTimer(start + SLIDE_MS - 1);
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<long[]> out) throws Exception {
    long end = time + 1;
    long[] all = slices.value();
    if (all == null) return;
    long count = 0;
    int left = 0;
    for (int at = 0; at < all.length; at += 2) {
      if (all[at] < end && all[at] >= end - SIZE_MS) count += all[at + 1];
      // The next window begins later by a slide.
      if (all[at] < end + SLIDE_MS - SIZE_MS) continue;
      all[left] = all[at];
      all[left + 1] = all[at + 1];
      left += 2;
    }
    if (left == 0) slices.clear();
    else {
      slices.update(left == all.length ? all : Arrays.copyOf(all, left));
      context.timerService().registerEventTimeTimer(time + SLIDE_MS);
    }
    if (count > 0) out.collect(new long[] {context.getCurrentKey(), count, end});
  }
}
