package millrace.peers;

import java.util.Arrays;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Of each window, all keys that have its highest count: (key, count). */
final class MostOfWindow extends KeyedProcessFunction<Long, long[], long[]> {
  /** The count, and the keys that have it. */
  private transient ValueState<long[]> most;

  @Override
  public void open(OpenContext context) {
    most = getRuntimeContext().getState(new ValueStateDescriptor<>("most", DataStreamPeer.LONGS));
  }

  @Override
  public void processElement(long[] counted, Context context, Collector<long[]> out) throws Exception {
    long[] before = most.value();
    if (before == null) context.timerService().registerEventTimeTimer(counted[2] - 1);
    if (before == null || counted[1] > before[0]) most.update(new long[] {counted[1], counted[0]});
    else if (counted[1] == before[0]) {
      long[] tied = Arrays.copyOf(before, before.length + 1);
      tied[before.length] = counted[0];
      most.update(tied);
    }
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<long[]> out) throws Exception {
    long[] all = most.value();
    for (int at = 1; at < all.length; at += 1) out.collect(new long[] {all[at], all[0]});
    most.clear();
  }
}
