package millrace.peers;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What the command line asks for.
 *
 * @param state {@code heap} or {@code rocksdb}
 * @param checkpointMs 0 for none
 * @param answers where answers are to be written; null to measure
 */
record Options(
    List<String> queries,
    long events,
    double rate,
    int splits,
    int parallelism,
    String state,
    boolean miniBatch,
    long checkpointMs,
    Path answers) {

  static Options of(List<String> arguments) {
    List<String> queries = new ArrayList<>();
    long events = 1_000_000;
    double rate = 10_000;
    int splits = 1;
    int parallelism = 1;
    String state = "heap";
    boolean miniBatch = false;
    long checkpointMs = 0;
    Path answers = null;
    var left = arguments.iterator();
    while (left.hasNext()) {
      String argument = left.next();
      switch (argument) {
        case "--events" -> events = Long.parseLong(left.next());
        case "--rate" -> rate = Double.parseDouble(left.next());
        case "--splits" -> splits = Integer.parseInt(left.next());
        case "--parallelism" -> parallelism = Integer.parseInt(left.next());
        case "--state" -> state = left.next();
        case "--mini-batch" -> miniBatch = true;
        case "--checkpoint-ms" -> checkpointMs = Long.parseLong(left.next());
        case "--answers" -> answers = Path.of(left.next());
        default -> {
          if (argument.startsWith("--")) throw new IllegalArgumentException("there is no option " + argument);
          queries.add(argument);
        }
      }
    }
    return new Options(queries, events, rate, splits, parallelism, state, miniBatch, checkpointMs, answers);
  }
}
