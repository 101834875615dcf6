package millrace.peers;

import java.util.Arrays;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Sessions of each key that end after 10 s without a record: (key, count, start, end). A key has one timer, which is moved when
 * it fires, not at each record.
 */
final class Sessions extends KeyedProcessFunction<Long, Long, long[]> {
  private static final long GAP_MS = 10_000;

  /** Triples of start, last record and count; no two of them touch. */
  private transient ValueState<long[]> sessions;

  @Override
  public void open(OpenContext context) {
    sessions = getRuntimeContext().getState(new ValueStateDescriptor<>("sessions", DataStreamPeer.LONGS));
  }

  @Override
  public void processElement(Long key, Context context, Collector<long[]> out) throws Exception {
    long time = context.timestamp();
    long[] all = sessions.value();
    if (all == null) {
      sessions.update(new long[] {time, time, 1});
      context.timerService().registerEventTimeTimer(time + GAP_MS);
    } else if (all.length == 3 && time >= all[0] - GAP_MS && time <= all[1] + GAP_MS) {
      all[0] = Math.min(all[0], time);
      all[1] = Math.max(all[1], time);
      all[2] += 1;
      sessions.update(all);
    } else sessions.update(merged(all, time));
  }

  /** With a record more, which may bring sessions together. */
  private static long[] merged(long[] all, long time) {
    long[] one = {time, time, 1};
    long[] kept = new long[all.length + 3];
    int length = 0;
    for (int at = 0; at < all.length; at += 3) {
      if (all[at] <= time + GAP_MS && all[at + 1] >= time - GAP_MS) {
        one[0] = Math.min(one[0], all[at]);
        one[1] = Math.max(one[1], all[at + 1]);
        one[2] += all[at + 2];
      } else {
        System.arraycopy(all, at, kept, length, 3);
        length += 3;
      }
    }
    System.arraycopy(one, 0, kept, length, 3);
    return Arrays.copyOf(kept, length + 3);
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<long[]> out) throws Exception {
    long[] all = sessions.value();
    int left = 0;
    long next = Long.MAX_VALUE;
    for (int at = 0; at < all.length; at += 3) {
      long end = all[at + 1] + GAP_MS;
      if (end <= time) {
        out.collect(new long[] {context.getCurrentKey(), all[at + 2], all[at], end});
        continue;
      }
      next = Math.min(next, end);
      System.arraycopy(all, at, all, left, 3);
      left += 3;
    }
    if (left == 0) {
      sessions.clear();
      return;
    }
    sessions.update(left == all.length ? all : Arrays.copyOf(all, left));
    context.timerService().registerEventTimeTimer(next);
  }
}
