package millrace.peers;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

/** What all splits of a process draw from: padding, channels and their addresses. Seeded, as in bench/nexmark/generator.ts. */
final class NexmarkTables {
  static final int POOL_CHARS = 1 << 20;
  static final int CHANNELS = 10_000;
  static final String[] HOT_CHANNELS = {"Google", "Facebook", "Baidu", "Apple"};

  static final byte[] POOL_BYTES = pool();
  static final String POOL = new String(POOL_BYTES, ISO_8859_1);
  static final String[] HOT_URLS = new String[HOT_CHANNELS.length];
  static final String[] CHANNEL_NAMES = new String[CHANNELS];
  static final String[] URLS = new String[CHANNELS];

  static {
    SplitRandom random = new SplitRandom(1_002);
    for (int at = 0; at < HOT_URLS.length; at += 1) HOT_URLS[at] = url(random);
    for (int at = 0; at < CHANNELS; at += 1) {
      String plain = url(random);
      CHANNEL_NAMES[at] = "channel-" + at;
      URLS[at] = random.below(10) > 0 ? plain + "&channel_id=" + Math.abs(Integer.reverse(at)) : plain;
    }
  }

  private NexmarkTables() {}

  private static byte[] pool() {
    SplitRandom random = new SplitRandom(1_001);
    byte[] codes = new byte[POOL_CHARS];
    for (int at = 0; at < POOL_CHARS; ) {
      int drawn = random.int32();
      for (int of = 0; of < 6 && at < POOL_CHARS; of += 1, at += 1) {
        codes[at] = (byte) (97 + drawn % 26);
        drawn /= 26;
      }
    }
    return codes;
  }

  private static String url(SplitRandom random) {
    byte[] buffer = new byte[5];
    String made = "https://www.nexmark.com/";
    for (int of = 0; of < 3; of += 1) made += NexmarkGenerator.text(random, 5, '_', buffer) + "/";
    return made + "item.htm?query=1";
  }
}
