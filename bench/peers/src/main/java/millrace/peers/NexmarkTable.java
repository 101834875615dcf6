package millrace.peers;

import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.SourceProvider;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;

/** The table of all events: connector {@code nexmark}. */
public final class NexmarkTable implements DynamicTableSourceFactory {
  private static final ConfigOption<Long> EVENTS = ConfigOptions.key("events").longType().noDefaultValue();
  private static final ConfigOption<Double> RATE = ConfigOptions.key("rate").doubleType().noDefaultValue();
  private static final ConfigOption<Integer> SPLITS = ConfigOptions.key("splits").intType().noDefaultValue();

  @Override
  public String factoryIdentifier() {
    return "nexmark";
  }

  @Override
  public Set<ConfigOption<?>> requiredOptions() {
    return Set.of(EVENTS, RATE, SPLITS);
  }

  @Override
  public Set<ConfigOption<?>> optionalOptions() {
    return Set.of();
  }

  @Override
  public DynamicTableSource createDynamicTableSource(Context context) {
    ReadableConfig options = FactoryUtil.createTableFactoryHelper(this, context).getOptions();
    InternalTypeInfo<RowData> type = InternalTypeInfo.of(context.getPhysicalRowDataType().getLogicalType());
    return new Scan(
        MakerSource.nexmark(options.get(EVENTS), options.get(RATE), options.get(SPLITS), new EventRows(), type));
  }

  private record Scan(MakerSource<RowData> source) implements ScanTableSource {
    @Override
    public ChangelogMode getChangelogMode() {
      return ChangelogMode.insertOnly();
    }

    @Override
    public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
      return SourceProvider.of(source);
    }

    @Override
    public DynamicTableSource copy() {
      return this;
    }

    @Override
    public String asSummaryString() {
      return "Nexmark";
    }
  }
}
