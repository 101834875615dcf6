package millrace.peers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.apache.flink.table.data.RowData;

/**
 * {@code sql q5 --events 6000000} runs a query and prints one line of JSON: how much CPU it took. With {@code --answers DIR}
 * the rows are collected instead, and any number of queries may be named. {@code generator rows|objects} only makes events;
 * {@code digest} gives the SHA-256 of the first events' canonical lines.
 */
public final class Main {
  private static volatile Object last;

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    String peer = arguments.length > 0 ? arguments[0] : "";
    Options options = Options.of(Arrays.asList(arguments).subList(Math.min(1, arguments.length), arguments.length));
    switch (peer) {
      case "sql" -> new Jobs("flink-sql", options, SqlPeer::run).run();
      case "datastream" -> new Jobs("flink-datastream", options, DataStreamPeer::run).run();
      case "generator" -> generator(options);
      case "digest" -> digest(options);
      default -> throw new IllegalArgumentException("sql, datastream, generator or digest, not " + peer);
    }
    // Threads of a cluster's that linger would keep the process.
    System.exit(0);
  }

  private static void generator(Options options) {
    String what = options.queries().get(0);
    Measurement.start(options.events());
    if (what.equals("rows")) makeAll(options, new EventRows());
    else if (what.equals("objects")) makeAll(options, new Events.Factory());
    else if (what.startsWith("keyed-sum")) makeAll(options, KeyedSum.maker(what));
    else throw new IllegalArgumentException("rows, objects or a keyed sum, not " + what);
    System.out.printf("{\"peer\":\"generator\",\"query\":\"%s\",%s}%n", what, Measurement.end());
  }

  private static <T> void makeAll(Options options, EventFactory<T> factory) {
    SplitPosition all = new SplitPosition(1, options.events(), 0, 0);
    makeAll(options, new NexmarkGenerator<>(factory, options.rate(), 1, all));
  }

  /** A ring keeps each event for a while, as a job would. */
  private static <T> void makeAll(Options options, Maker<T> maker) {
    Object[] ring = new Object[64];
    for (long left = options.events(); left > 0; ) {
      int now = (int) Math.min(ring.length, left);
      for (int at = 0; at < now; at += 1) ring[at] = maker.next();
      last = ring[0];
      left -= now;
      Measurement.made(now);
    }
  }

  private static void digest(Options options) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    var maker =
        new NexmarkGenerator<>(
            new Events.Factory(), options.rate(), 1, new SplitPosition(1, options.events(), 0, 0));
    for (long n = 0; n < options.events(); n += 1)
      digest.update((EventLines.of(n, maker.next()) + "\n").getBytes(UTF_8));
    System.out.println(HexFormat.of().formatHex(digest.digest()));
  }
}
