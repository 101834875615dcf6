package millrace.peers;

import org.apache.flink.table.functions.ScalarFunction;

/** How often a letter is in a text: for q14. */
public final class CountLetter extends ScalarFunction {
  public Long eval(String text, String letter) {
    char wanted = letter.charAt(0);
    long count = 0;
    for (int at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) count += 1;
    return count;
  }
}
