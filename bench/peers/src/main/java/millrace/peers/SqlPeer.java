package millrace.peers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.util.stream.IntStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.TableDescriptor;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.api.config.AggregatePhaseStrategy;
import org.apache.flink.table.api.config.ExecutionConfigOptions;
import org.apache.flink.table.api.config.OptimizerConfigOptions;
import org.apache.flink.table.api.config.TableConfigOptions;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;

/** Nexmark's queries in Flink SQL: src/main/resources/queries, over tables of our own. */
final class SqlPeer {
  /** Of its winning bids the planner of 2.3.0 takes back none, though the changelog has no key: the newest of an id counts. */
  private static final int Q9_KEY_COLUMNS = 1;

  private SqlPeer() {}

  static void run(String query, StreamExecutionEnvironment environment, Options options) throws Exception {
    StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
    tables.getConfig().set(TableConfigOptions.LOCAL_TIME_ZONE, "UTC");
    if (options.miniBatch()) {
      tables.getConfig().set(ExecutionConfigOptions.TABLE_EXEC_MINIBATCH_ENABLED, true);
      tables.getConfig().set(ExecutionConfigOptions.TABLE_EXEC_MINIBATCH_ALLOW_LATENCY, Duration.ofSeconds(2));
      tables.getConfig().set(ExecutionConfigOptions.TABLE_EXEC_MINIBATCH_SIZE, 50_000L);
      tables.getConfig().set(OptimizerConfigOptions.TABLE_OPTIMIZER_AGG_PHASE_STRATEGY, AggregatePhaseStrategy.AUTO);
      tables.getConfig().set(OptimizerConfigOptions.TABLE_OPTIMIZER_DISTINCT_AGG_SPLIT_ENABLED, true);
    }
    create(tables, options);
    Table answer = tables.sqlQuery(resource(query));
    if (options.answers() == null) {
      Schema columns =
          Schema.newBuilder().fromRowDataType(answer.getResolvedSchema().toPhysicalRowDataType()).build();
      tables.createTemporaryTable("nothing", TableDescriptor.forConnector("blackhole").schema(columns).build());
      answer.insertInto("nothing").execute().await();
      return;
    }
    int keyColumns = query.equals("q9") ? Q9_KEY_COLUMNS : 0;
    tables.toChangelogStream(answer).sinkTo(new AnswerSink<>((row, to) -> add(row, keyColumns, to)));
    environment.execute();
  }

  private static void add(Row row, int keyColumns, Answer to) {
    Object[] columns = IntStream.range(0, row.getArity()).mapToObj(row::getField).toArray();
    to.add(columns, keyColumns, row.getKind() == RowKind.DELETE || row.getKind() == RowKind.UPDATE_BEFORE);
  }

  private static void create(StreamTableEnvironment tables, Options options) throws Exception {
    tables.executeSql(
        """
        CREATE TEMPORARY TABLE events (%s,
          WATERMARK FOR eventTime AS eventTime - INTERVAL '4' SECOND)
        WITH ('connector' = 'nexmark', 'events' = '%d', 'rate' = '%s', 'splits' = '%d')
        """
            .formatted(EventRows.COLUMNS, options.events(), options.rate(), options.splits()));
    tables.executeSql("CREATE TEMPORARY TABLE side (id BIGINT, `value` STRING) WITH ('connector' = 'nexmark-side')");
    tables.createTemporarySystemFunction("count_letter", CountLetter.class);
    view(tables, "person", 0, "id, name, emailAddress, creditCard, city, state, extra");
    view(tables, "auction", 1, "id, itemName, description, initialBid, reserve, expires, seller, category, extra");
    view(tables, "bid", 2, "auction, bidder, price, channel, url, extra");
  }

  private static void view(StreamTableEnvironment tables, String name, int type, String columns) {
    String nested = columns.replaceAll("(\\w+)", name + ".$1");
    tables.executeSql(
        "CREATE TEMPORARY VIEW %s AS SELECT %s, eventTime FROM events WHERE `type` = %d"
            .formatted(name, nested, type));
  }

  private static String resource(String query) throws Exception {
    try (var in = SqlPeer.class.getResourceAsStream("/queries/" + query + ".sql")) {
      if (in == null) throw new IllegalArgumentException("there is no query " + query);
      return new String(in.readAllBytes(), UTF_8);
    }
  }
}
