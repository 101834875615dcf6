package millrace.peers;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * What makers make, as a bounded source: in equal splits, the last of which takes the rest. Readers take one split after
 * another, and report to {@link Measurement} what they have put out.
 */
final class MakerSource<T>
    implements Source<T, SplitPosition, List<SplitPosition>>, ResultTypeQueryable<T> {
  /** Events put out at once: few enough for checkpoints and timers to come between. */
  private static final int EVENTS_AT_ONCE = 64;

  interface MakerOf<T> extends Serializable {
    Maker<T> make(SplitPosition from);
  }

  private final long events;
  private final int splits;
  private final MakerOf<T> makers;
  private final TypeInformation<T> type;

  MakerSource(long events, int splits, MakerOf<T> makers, TypeInformation<T> type) {
    this.events = events;
    this.splits = splits;
    this.makers = makers;
    this.type = type;
  }

  static <T> MakerSource<T> nexmark(
      long events, double rate, int splits, EventFactory<T> factory, TypeInformation<T> type) {
    return new MakerSource<>(events, splits, from -> new NexmarkGenerator<>(factory, rate, splits, from), type);
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.BOUNDED;
  }

  @Override
  public TypeInformation<T> getProducedType() {
    return type;
  }

  @Override
  public SplitEnumerator<SplitPosition, List<SplitPosition>> createEnumerator(
      SplitEnumeratorContext<SplitPosition> context) {
    List<SplitPosition> all = new ArrayList<>();
    long share = events / splits;
    for (int at = 0; at < splits; at += 1)
      all.add(new SplitPosition(1 + at * share, at == splits - 1 ? events - at * share : share, 0, 0));
    return new Enumerator(context, all);
  }

  @Override
  public SplitEnumerator<SplitPosition, List<SplitPosition>> restoreEnumerator(
      SplitEnumeratorContext<SplitPosition> context, List<SplitPosition> left) {
    return new Enumerator(context, left);
  }

  @Override
  public SourceReader<T, SplitPosition> createReader(SourceReaderContext context) {
    return new Reader<>(context, makers);
  }

  @Override
  public SimpleVersionedSerializer<SplitPosition> getSplitSerializer() {
    return new Positions<>() {
      @Override
      void write(SplitPosition position, DataOutputStream out) throws IOException {
        writeOne(position, out);
      }

      @Override
      SplitPosition read(DataInputStream in) throws IOException {
        return readOne(in);
      }
    };
  }

  @Override
  public SimpleVersionedSerializer<List<SplitPosition>> getEnumeratorCheckpointSerializer() {
    return new Positions<>() {
      @Override
      void write(List<SplitPosition> left, DataOutputStream out) throws IOException {
        out.writeInt(left.size());
        for (SplitPosition position : left) writeOne(position, out);
      }

      @Override
      List<SplitPosition> read(DataInputStream in) throws IOException {
        List<SplitPosition> left = new ArrayList<>();
        for (int size = in.readInt(); size > 0; size -= 1) left.add(readOne(in));
        return left;
      }
    };
  }

  /** Gives splits to readers that ask. */
  private static final class Enumerator implements SplitEnumerator<SplitPosition, List<SplitPosition>> {
    private final SplitEnumeratorContext<SplitPosition> context;
    private final ArrayDeque<SplitPosition> left;

    Enumerator(SplitEnumeratorContext<SplitPosition> context, Collection<SplitPosition> left) {
      this.context = context;
      this.left = new ArrayDeque<>(left);
    }

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, String host) {
      SplitPosition next = left.poll();
      if (next == null) context.signalNoMoreSplits(subtask);
      else context.assignSplit(next, subtask);
    }

    @Override
    public void addSplitsBack(List<SplitPosition> splits, int subtask) {
      left.addAll(splits);
    }

    @Override
    public void addReader(int subtask) {}

    @Override
    public List<SplitPosition> snapshotState(long checkpoint) {
      return new ArrayList<>(left);
    }

    @Override
    public void close() {}
  }

  private static final class Reader<T> implements SourceReader<T, SplitPosition> {
    private final SourceReaderContext context;
    private final MakerOf<T> makers;
    private final ArrayDeque<SplitPosition> waiting = new ArrayDeque<>();
    private CompletableFuture<Void> available = new CompletableFuture<>();
    private boolean isLast;
    private SplitPosition split;
    private Maker<T> maker;
    private long made;

    Reader(SourceReaderContext context, MakerOf<T> makers) {
      this.context = context;
      this.makers = makers;
    }

    @Override
    public void start() {
      if (waiting.isEmpty()) context.sendSplitRequest();
    }

    @Override
    public InputStatus pollNext(ReaderOutput<T> output) {
      if (split == null && !begin()) return isLast ? InputStatus.END_OF_INPUT : InputStatus.NOTHING_AVAILABLE;
      Maker<T> from = maker;
      int now = (int) Math.min(EVENTS_AT_ONCE, split.events() - made);
      for (int left = now; left > 0; left -= 1) output.collect(from.next());
      made += now;
      Measurement.made(now);
      if (made == split.events()) {
        split = null;
        context.sendSplitRequest();
      }
      return InputStatus.MORE_AVAILABLE;
    }

    private boolean begin() {
      split = waiting.poll();
      if (split == null) {
        if (!isLast && available.isDone()) available = new CompletableFuture<>();
        return false;
      }
      maker = makers.make(split);
      made = split.made();
      return true;
    }

    @Override
    public List<SplitPosition> snapshotState(long checkpoint) {
      List<SplitPosition> held = new ArrayList<>(waiting);
      if (split != null) held.add(new SplitPosition(split.first(), split.events(), made, maker.state()));
      return held;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return available;
    }

    @Override
    public void addSplits(List<SplitPosition> splits) {
      waiting.addAll(splits);
      available.complete(null);
    }

    @Override
    public void notifyNoMoreSplits() {
      isLast = true;
      available.complete(null);
    }

    @Override
    public void close() {}
  }

  private abstract static class Positions<V> implements SimpleVersionedSerializer<V> {
    abstract void write(V value, DataOutputStream out) throws IOException;

    abstract V read(DataInputStream in) throws IOException;

    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(V value) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      write(value, new DataOutputStream(bytes));
      return bytes.toByteArray();
    }

    @Override
    public V deserialize(int version, byte[] bytes) throws IOException {
      return read(new DataInputStream(new ByteArrayInputStream(bytes)));
    }

    static void writeOne(SplitPosition position, DataOutputStream out) throws IOException {
      out.writeLong(position.first());
      out.writeLong(position.events());
      out.writeLong(position.made());
      out.writeLong(position.state());
    }

    static SplitPosition readOne(DataInputStream in) throws IOException {
      return new SplitPosition(in.readLong(), in.readLong(), in.readLong(), in.readLong());
    }
  }
}
