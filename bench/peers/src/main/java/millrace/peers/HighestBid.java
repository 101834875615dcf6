package millrace.peers;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * The highest bid of each auction while it was open, as it changes: (category, change of the price, auctions more). Bids of an
 * auction that has not come wait for it. Times of its records are their timestamps.
 */
final class HighestBid extends KeyedProcessFunction<Long, long[], long[]> {
  private static final int CATEGORY = 0;
  private static final int OPENS = 1;
  private static final int EXPIRES = 2;
  private static final int HIGHEST = 3;

  private transient ValueState<long[]> lot;
  private transient ListState<long[]> early;

  static long[] bid(Events.Bid bid) {
    return new long[] {bid.auction, bid.price};
  }

  /** Longer than that of a bid: so they are told apart. */
  static long[] auction(Events.Auction auction) {
    return new long[] {auction.id, auction.category, auction.expires};
  }

  @Override
  public void open(OpenContext context) {
    lot = getRuntimeContext().getState(new ValueStateDescriptor<>("lot", DataStreamPeer.LONGS));
    early = getRuntimeContext().getListState(new ListStateDescriptor<>("early", DataStreamPeer.LONGS));
  }

  @Override
  public void processElement(long[] record, Context context, Collector<long[]> out) throws Exception {
    long time = context.timestamp();
    if (record.length == 2) offer(lot.value(), record[1], time, out);
    else begin(new long[] {record[1], time, record[2], 0}, out);
  }

  private void begin(long[] begun, Collector<long[]> out) throws Exception {
    lot.update(begun);
    for (long[] bid : early.get()) offer(begun, bid[0], bid[1], out);
    early.clear();
  }

  private void offer(long[] open, long price, long time, Collector<long[]> out) throws Exception {
    if (open == null) {
      early.add(new long[] {price, time});
      return;
    }
    if (time < open[OPENS] || time > open[EXPIRES] || price <= open[HIGHEST]) return;
    out.collect(new long[] {open[CATEGORY], price - open[HIGHEST], open[HIGHEST] == 0 ? 1 : 0});
    open[HIGHEST] = price;
    lot.update(open);
  }
}
