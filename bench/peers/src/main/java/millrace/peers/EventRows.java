package millrace.peers;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.core.memory.MemorySegmentFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryStringData;

/**
 * Nexmark's events as rows of the SQL runtime: type, time, and one of three nested rows. Texts that are drawn from tables are
 * encoded once; padding is a part of the pool, not a copy.
 */
final class EventRows implements EventFactory<RowData> {
  /** The columns of such a row. */
  static final String COLUMNS =
      """
      `type` INT NOT NULL, eventTime TIMESTAMP(3) NOT NULL,
      person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING,
        extra STRING>,
      auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT,
        expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
      bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, extra STRING>
      """;

  private static final MemorySegment[] POOL = {MemorySegmentFactory.wrap(NexmarkTables.POOL_BYTES)};
  private static final StringData[] HOT_CHANNELS = encoded(NexmarkTables.HOT_CHANNELS);
  private static final StringData[] CHANNELS = encoded(NexmarkTables.CHANNEL_NAMES);
  private static final StringData[] HOT_URLS = encoded(NexmarkTables.HOT_URLS);
  private static final StringData[] URLS = encoded(NexmarkTables.URLS);

  @Override
  public RowData person(
      long id, String name, String emailAddress, String creditCard, String city, String state, long dateTime,
      int extraFrom, int extraLength) {
    GenericRowData person =
        GenericRowData.of(
            id,
            StringData.fromString(name),
            StringData.fromString(emailAddress),
            StringData.fromString(creditCard),
            StringData.fromString(city),
            StringData.fromString(state),
            extra(extraFrom, extraLength));
    return GenericRowData.of(0, TimestampData.fromEpochMillis(dateTime), person, null, null);
  }

  @Override
  public RowData auction(
      long id, String itemName, String description, long initialBid, long reserve, long dateTime, long expires,
      long seller, long category, int extraFrom, int extraLength) {
    GenericRowData auction =
        GenericRowData.of(
            id,
            StringData.fromString(itemName),
            StringData.fromString(description),
            initialBid,
            reserve,
            TimestampData.fromEpochMillis(expires),
            seller,
            category,
            extra(extraFrom, extraLength));
    return GenericRowData.of(1, TimestampData.fromEpochMillis(dateTime), null, auction, null);
  }

  @Override
  public RowData bid(
      long auction, long bidder, long price, boolean hotChannel, int channel, long dateTime, int extraFrom,
      int extraLength) {
    GenericRowData bid =
        GenericRowData.of(
            auction,
            bidder,
            price,
            (hotChannel ? HOT_CHANNELS : CHANNELS)[channel],
            (hotChannel ? HOT_URLS : URLS)[channel],
            extra(extraFrom, extraLength));
    return GenericRowData.of(2, TimestampData.fromEpochMillis(dateTime), null, null, bid);
  }

  private static StringData extra(int from, int length) {
    return BinaryStringData.fromAddress(POOL, from, length);
  }

  private static StringData[] encoded(String[] texts) {
    StringData[] made = new StringData[texts.length];
    for (int at = 0; at < texts.length; at += 1) made[at] = StringData.fromBytes(texts[at].getBytes(ISO_8859_1));
    return made;
  }
}
