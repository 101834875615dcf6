package millrace.peers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The final rows of a query in the canonical form of bench/nexmark/answers.ts: one JSON array a line, sorted. Sinks of the
 * same process add to it, from any thread.
 */
final class Answer {
  /** The one that is being collected. */
  static volatile Answer current;

  private final Map<String, String> byKey = new HashMap<>();
  private final Map<String, Integer> counts = new HashMap<>();

  /** One row more, or one less; of {@code keyColumns} > 0 columns the newest row counts alone. */
  synchronized void add(Object[] columns, int keyColumns, boolean removed) {
    String text = text(columns, columns.length);
    if (keyColumns > 0) {
      if (removed) byKey.remove(text(columns, keyColumns));
      else byKey.put(text(columns, keyColumns), text);
      return;
    }
    counts.merge(text, removed ? -1 : 1, (had, more) -> had + more == 0 ? null : had + more);
  }

  /** Writes the rows, and gives their number and checksum. */
  synchronized String write(Path file) throws IOException {
    List<String> rows = new ArrayList<>(byKey.values());
    counts.forEach(
        (text, count) -> {
          if (count < 0) throw new IllegalStateException("more removed than added: " + text);
          for (int n = 0; n < count; n += 1) rows.add(text);
        });
    rows.sort(null);
    Files.createDirectories(file.getParent());
    try (var out = Files.newBufferedWriter(file)) {
      for (String row : rows) out.append(row).append('\n');
    }
    long sum = 0;
    for (String row : rows) sum += ByteBuffer.wrap(sha256(row)).getLong() >>> 11;
    return "\"rows\":%d,\"checksum\":\"%016x\"".formatted(rows.size(), sum);
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8));
    } catch (NoSuchAlgorithmException error) {
      throw new IllegalStateException(error);
    }
  }

  private static String text(Object[] columns, int count) {
    StringBuilder out = new StringBuilder("[");
    for (int at = 0; at < count; at += 1) {
      if (at > 0) out.append(',');
      Object value = columns[at];
      if (value == null || value instanceof Number && !(value instanceof BigDecimal)) out.append(value);
      else if (value instanceof LocalDateTime time) out.append(time.toInstant(ZoneOffset.UTC).toEpochMilli());
      else out.append(quoted(value instanceof BigDecimal decimal ? decimal.toPlainString() : (String) value));
    }
    return out.append(']').toString();
  }

  static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
