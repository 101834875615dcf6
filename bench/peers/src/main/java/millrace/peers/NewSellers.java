package millrace.peers;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Persons who came and sold in the same window of 10 s, as soon as both are known. A window's state is the person's name, a
 * mark that somebody of this id has sold, or another one that the row is out.
 */
final class NewSellers extends KeyedProcessFunction<Long, Tuple2<Long, String>, NewSellers.Row> {
  private static final long SIZE_MS = 10_000;

  /** Names have a blank within, so these are none. */
  private static final String SOLD = "";
  private static final String DONE = "done";

  static final TypeInformation<Tuple2<Long, String>> INPUT = Types.TUPLE(Types.LONG, Types.STRING);

  record Row(long id, String name, long start) {}

  private transient MapState<Long, String> windows;

  static Tuple2<Long, String> person(Events.Person person) {
    return Tuple2.of(person.id, person.name);
  }

  static Tuple2<Long, String> seller(Events.Auction auction) {
    return Tuple2.of(auction.seller, SOLD);
  }

  @Override
  public void open(OpenContext context) {
    windows = getRuntimeContext().getMapState(new MapStateDescriptor<>("windows", Types.LONG, Types.STRING));
  }

  @Override
  public void processElement(Tuple2<Long, String> record, Context context, Collector<Row> out) throws Exception {
    long start = context.timestamp() / SIZE_MS * SIZE_MS;
    String known = windows.get(start);
    String now = record.f1;
    if (known == null) {
      windows.put(start, now);
      context.timerService().registerEventTimeTimer(start + SIZE_MS - 1);
    } else if (!known.equals(DONE) && known.isEmpty() != now.isEmpty()) {
      out.collect(new Row(record.f0, now.isEmpty() ? known : now, start));
      windows.put(start, DONE);
    }
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<Row> out) throws Exception {
    windows.remove(time + 1 - SIZE_MS);
  }
}
