package millrace.peers;

import org.apache.flink.api.connector.source.SourceSplit;

/**
 * A part of the input and how far it has been read.
 *
 * @param first id of its first event
 * @param events how many it has
 * @param made how many of them are made
 * @param state of the maker, once an event is made
 */
record SplitPosition(long first, long events, long made, long state) implements SourceSplit {
  @Override
  public String splitId() {
    return Long.toString(first);
  }
}
