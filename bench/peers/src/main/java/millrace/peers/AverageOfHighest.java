package millrace.peers;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** The average of each category, of changes as {@link HighestBid} makes them. */
final class AverageOfHighest extends KeyedProcessFunction<Long, long[], long[]> {
  private transient ValueState<long[]> sumAndCount;

  @Override
  public void open(OpenContext context) {
    sumAndCount =
        getRuntimeContext().getState(new ValueStateDescriptor<>("sum and count", DataStreamPeer.LONGS));
  }

  @Override
  public void processElement(long[] change, Context context, Collector<long[]> out) throws Exception {
    long[] all = sumAndCount.value();
    if (all == null) all = new long[2];
    all[0] += change[1];
    all[1] += change[2];
    sumAndCount.update(all);
    out.collect(new long[] {change[0], all[0] / all[1]});
  }
}
