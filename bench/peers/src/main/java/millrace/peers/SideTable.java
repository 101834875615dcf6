package millrace.peers;

import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.LookupTableSource;
import org.apache.flink.table.connector.source.lookup.LookupFunctionProvider;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.functions.LookupFunction;

/** q13's table of 10,000 keys and their texts, looked up in memory: connector {@code nexmark-side}. */
public final class SideTable implements DynamicTableSourceFactory {
  private static final int ROWS = 10_000;

  @Override
  public String factoryIdentifier() {
    return "nexmark-side";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of();
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of();
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    return new Side();
  }

  private record Side() implements LookupTableSource {
    @Override
    public LookupRuntimeProvider getLookupRuntimeProvider(LookupContext context) {
      return LookupFunctionProvider.of(new Lookup());
    }

    @Override
    public DynamicTableSource copy() {
      return this;
    }

    @Override
    public String asSummaryString() {
      return "side";
    }
  }

  /** Not private: generated code calls it. */
  public static final class Lookup extends LookupFunction {
    private transient List<Collection<RowData>> rows;

    @Override
    public Collection<RowData> lookup(RowData key) {
      if (rows == null)
        rows =
            java.util.stream.LongStream.range(0, ROWS)
                .<Collection<RowData>>mapToObj(
                    id -> List.of(GenericRowData.of(id, StringData.fromString(Long.toString(id)))))
                .toList();
      long id = key.getLong(0);
      return id >= 0 && id < ROWS ? rows.get((int) id) : List.of();
    }
  }
}
