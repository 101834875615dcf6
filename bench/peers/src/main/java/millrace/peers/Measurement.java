package millrace.peers;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Reads the CPU clock of the process where a third of a run's events are made, and at the job's end: between them the JVM is
 * warm, and all it does in that time counts, on whichever thread. One run a process.
 */
final class Measurement {
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private static final AtomicLong made = new AtomicLong();
  private static long events;
  private static volatile Clock third;

  private record Clock(long events, double cpuSeconds, double wallSeconds) {
    static Clock at(long events) {
      return new Clock(events, SYSTEM.getProcessCpuTime() / 1e9, System.nanoTime() / 1e9);
    }
  }

  private Measurement() {}

  static void start(long total) {
    events = total;
    made.set(0);
    third = null;
  }

  /** Called by sources, with what they have made since the last time. */
  static void made(int now) {
    long all = made.addAndGet(now);
    if (all >= events / 3 && all - now < events / 3) third = Clock.at(all);
  }

  /** At the end of the job: the fields of its line of JSON. */
  static String end() {
    Clock from = third;
    Clock to = Clock.at(events);
    return "\"events\":%d,\"warm\":{\"events\":%d,\"cpuSeconds\":%.4f,\"wallSeconds\":%.4f},\"cold\":{\"events\":%d,\"cpuSeconds\":%.4f}"
        .formatted(
            events,
            to.events - from.events,
            to.cpuSeconds - from.cpuSeconds,
            to.wallSeconds - from.wallSeconds,
            to.events,
            to.cpuSeconds);
  }
}
