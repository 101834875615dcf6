package millrace.peers;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.FileUtils;

/** Runs queries in a cluster inside this process, and prints a line of JSON for each. */
record Jobs(String peer, Options options, Runner runner) {
  /** For RocksDB's cache and write buffers, a task manager. The default inside a process is an eighth of it. */
  private static final MemorySize MANAGED_MEMORY = MemorySize.ofMebiBytes(1_024);

  interface Runner {
    /** Runs a query until its input has ended. */
    void run(String query, StreamExecutionEnvironment environment, Options options) throws Exception;
  }

  void run() throws Exception {
    if (options.answers() == null && options.queries().size() != 1)
      throw new IllegalArgumentException("one query a process can be measured");
    for (String query : options.queries()) {
      Path directory = Files.createTempDirectory("millrace-peer-");
      try {
        Answer.current = new Answer();
        Measurement.start(options.events());
        runner.run(query, environment(directory), options);
        String result =
            options.answers() == null
                ? Measurement.end()
                : Answer.current.write(options.answers().resolve(query + ".ndjson"));
        System.out.printf(
            "{\"peer\":\"%s\",\"query\":\"%s\",\"state\":\"%s\",\"parallelism\":%d,\"miniBatch\":%b,\"checkpointMs\":%d,%s}%n",
            peer, query, options.state(), options.parallelism(), options.miniBatch(), options.checkpointMs(), result);
      } finally {
        FileUtils.deleteDirectoryQuietly(directory.toFile());
      }
    }
  }

  private StreamExecutionEnvironment environment(Path directory) {
    Configuration settings = new Configuration();
    settings.set(CoreOptions.DEFAULT_PARALLELISM, options.parallelism());
    settings.set(CoreOptions.TMP_DIRS, directory.toString());
    settings.set(PipelineOptions.OBJECT_REUSE, true);
    settings.set(StateBackendOptions.STATE_BACKEND, options.state().equals("heap") ? "hashmap" : options.state());
    settings.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MANAGED_MEMORY);
    if (options.checkpointMs() > 0) {
      settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(options.checkpointMs()));
      settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, directory.resolve("checkpoints").toUri().toString());
      settings.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
    }
    return StreamExecutionEnvironment.createLocalEnvironment(options.parallelism(), settings);
  }
}
