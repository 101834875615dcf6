package millrace.peers;

import java.io.Serializable;
import java.math.BigDecimal;
import java.time.Duration;
import millrace.peers.Events.Auction;
import millrace.peers.Events.Bid;
import millrace.peers.Events.Event;
import millrace.peers.Events.Person;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/**
 * Nexmark's queries by hand on Flink's DataStream API, as one would write them for speed: between operators only what the next
 * one needs, as arrays of longs; one keyed input instead of two; windows in slices that are counted once.
 */
final class DataStreamPeer {
  static final TypeInformation<long[]> LONGS = PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO;

  private static final Duration OUT_OF_ORDER = Duration.ofSeconds(4);

  private interface Columns<T> extends Serializable {
    Object[] of(T record);
  }

  /** What comes out of a query; of {@code keyColumns} > 0 the newest row of each key counts alone. */
  private record Outcome<T>(DataStream<T> stream, int keyColumns, Columns<T> columns) {
    void into(boolean answers) {
      if (!answers) {
        stream.sinkTo(new DiscardingSink<>());
        return;
      }
      int keys = keyColumns;
      Columns<T> of = columns;
      stream.sinkTo(new AnswerSink<>((record, to) -> to.add(of.of(record), keys, false)));
    }
  }

  private record BidRow(long auction, long bidder, long price, long dateTime, String extra) {}

  private DataStreamPeer() {}

  static void run(String query, StreamExecutionEnvironment environment, Options options) throws Exception {
    outcome(query, environment, options).into(options.answers() != null);
    environment.execute();
  }

  private static Outcome<?> outcome(String query, StreamExecutionEnvironment environment, Options options) {
    if (query.startsWith("keyed-sum")) return keyedSum(query, environment, options);
    DataStream<Event> events =
        environment.fromSource(
            MakerSource.nexmark(
                options.events(), options.rate(), options.splits(), new Events.Factory(),
                TypeInformation.of(Event.class)),
            WatermarkStrategy.<Event>forBoundedOutOfOrderness(OUT_OF_ORDER)
                .withTimestampAssigner((event, before) -> event.dateTime),
            "events");
    return switch (query) {
      case "q0" -> new Outcome<>(bidRows(events, 1), 0, b -> columns(b, b.price()));
      case "q1" ->
          new Outcome<>(bidRows(events, 908), 0, b -> columns(b, BigDecimal.valueOf(b.price(), 3)));
      case "q4" -> q4(events);
      case "q5" -> q5(events);
      case "q8" -> q8(events);
      case "q11" -> q11(events);
      default -> throw new IllegalArgumentException("there is no query " + query);
    };
  }

  private static <T> SingleOutputStreamOperator<T> flatMap(
      DataStream<Event> events, TypeInformation<T> type, FlatMapFunction<Event, T> function) {
    return events.flatMap(function).returns(type);
  }

  /** q0, and q1 with prices in thousandths. */
  private static DataStream<BidRow> bidRows(DataStream<Event> events, long factor) {
    return flatMap(
        events,
        TypeInformation.of(BidRow.class),
        (event, out) -> {
          if (event instanceof Bid b)
            out.collect(new BidRow(b.auction, b.bidder, b.price * factor, b.dateTime, b.extra));
        });
  }

  private static Object[] columns(BidRow b, Object price) {
    return new Object[] {b.auction(), b.bidder(), price, b.dateTime(), b.extra()};
  }

  private static Object[] boxed(long[] columns) {
    return java.util.Arrays.stream(columns).boxed().toArray();
  }

  private static Outcome<long[]> q4(DataStream<Event> events) {
    DataStream<long[]> averages =
        flatMap(
                events,
                LONGS,
                (event, out) -> {
                  if (event instanceof Bid b) out.collect(HighestBid.bid(b));
                  else if (event instanceof Auction a) out.collect(HighestBid.auction(a));
                })
            .keyBy(record -> record[0], Types.LONG)
            .process(new HighestBid(), LONGS)
            .keyBy(change -> change[0], Types.LONG)
            .process(new AverageOfHighest(), LONGS);
    return new Outcome<>(averages, 1, DataStreamPeer::boxed);
  }

  private static Outcome<long[]> q5(DataStream<Event> events) {
    DataStream<long[]> most =
        flatMap(
                events,
                Types.LONG,
                (event, out) -> {
                  if (event instanceof Bid b) out.collect(b.auction);
                })
            .keyBy(auction -> auction, Types.LONG)
            .process(new SlidingCount(), LONGS)
            .keyBy(count -> count[2], Types.LONG)
            .process(new MostOfWindow(), LONGS);
    return new Outcome<>(most, 0, DataStreamPeer::boxed);
  }

  private static Outcome<NewSellers.Row> q8(DataStream<Event> events) {
    DataStream<NewSellers.Row> sellers =
        flatMap(
                events,
                NewSellers.INPUT,
                (event, out) -> {
                  if (event instanceof Person p) out.collect(NewSellers.person(p));
                  else if (event instanceof Auction a) out.collect(NewSellers.seller(a));
                })
            .keyBy(record -> record.f0, Types.LONG)
            .process(new NewSellers(), TypeInformation.of(NewSellers.Row.class));
    return new Outcome<>(sellers, 0, row -> new Object[] {row.id(), row.name(), row.start()});
  }

  private static Outcome<long[]> q11(DataStream<Event> events) {
    DataStream<long[]> sessions =
        flatMap(
                events,
                Types.LONG,
                (event, out) -> {
                  if (event instanceof Bid b) out.collect(b.bidder);
                })
            .keyBy(bidder -> bidder, Types.LONG)
            .process(new Sessions(), LONGS);
    return new Outcome<>(sessions, 0, DataStreamPeer::boxed);
  }

  private static Outcome<long[]> keyedSum(
      String query, StreamExecutionEnvironment environment, Options options) {
    MakerSource<long[]> pairs =
        new MakerSource<>(options.events(), options.splits(), from -> KeyedSum.maker(query, from), LONGS);
    DataStream<long[]> sums =
        environment
            .fromSource(pairs, WatermarkStrategy.noWatermarks(), "pairs")
            .keyBy(pair -> pair[0], Types.LONG)
            .process(new KeyedSum(), LONGS);
    return new Outcome<>(sums, 1, DataStreamPeer::boxed);
  }
}
