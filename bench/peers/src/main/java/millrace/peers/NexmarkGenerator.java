package millrace.peers;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

/**
 * Nexmark's generator with seeds, a port of bench/nexmark/generator.ts: the same events to the byte. A split's whole state is
 * how many events it has made, and the state of its random numbers.
 */
final class NexmarkGenerator<T> implements Maker<T> {
  private static final long BASE_TIME = 1_436_918_400_000L;
  private static final int PROPORTION = 50;
  private static final int AUCTIONS = 3;
  private static final int FIRST_ID = 1_000;
  private static final int FIRST_CATEGORY = 10;
  private static final int CATEGORIES = 5;
  private static final int IN_FLIGHT = 100;
  private static final int ACTIVE_PEOPLE = 1_000;
  private static final int LEAD = 10;
  private static final int HOT_GROUP = 100;
  private static final int PERSON_BYTES = 200;
  private static final int AUCTION_BYTES = 500;
  private static final int BID_BYTES = 100;

  private static final String[] FIRST_NAMES =
      "Peter Paul Luke John Saul Vicky Kate Julie Sarah Deiter Walter".split(" ");
  private static final String[] LAST_NAMES =
      "Shultz Abrams Spencer White Bartels Walton Smith Jones Noris".split(" ");
  private static final String[] CITIES =
      "Phoenix,Los Angeles,San Francisco,Boise,Portland,Bend,Redmond,Seattle,Kent,Cheyenne".split(",");
  private static final String[] STATES = "AZ CA ID OR WA WY".split(" ");

  private static final double LN_10 = Math.log(10);

  /** A hundred times the powers of a million, at even distances of the exponent. */
  private static final double[] POWERS = new double[1_024];

  static {
    for (int at = 0; at < POWERS.length; at += 1) POWERS[at] = exactPrice((double) at / POWERS.length);
  }

  private final EventFactory<T> factory;
  private final long firstEventId;
  private final double delayMicros;
  private final SplitRandom random;
  private final byte[] buffer = new byte[100];
  private long count;
  private int extraLength;

  NexmarkGenerator(EventFactory<T> factory, double rate, int splits, SplitPosition from) {
    this.factory = factory;
    this.firstEventId = from.first();
    this.delayMicros = 1e6 / rate * splits;
    this.count = from.made();
    this.random = new SplitRandom(from.made() == 0 ? 2_000 + firstEventId : from.state());
  }

  @Override
  public long state() {
    return random.state;
  }

  @Override
  public T next() {
    long number = 1 + count;
    count += 1;
    long id = firstEventId + number;
    long epoch = id / PROPORTION;
    int rest = (int) (id % PROPORTION);
    long dateTime = timeOf(number);
    if (rest > AUCTIONS) return bid(epoch, epoch * AUCTIONS + AUCTIONS - 1, dateTime);
    if (rest > 0) return auction(epoch, epoch * AUCTIONS + rest - 1, number, dateTime);
    return person(epoch, dateTime);
  }

  private long timeOf(long number) {
    return BASE_TIME + (long) (number * delayMicros) / 1_000;
  }

  private T person(long lastPerson, long dateTime) {
    String name = FIRST_NAMES[random.below(11)] + " " + LAST_NAMES[random.below(9)];
    String emailAddress = text(random, 7, ' ', buffer) + "@" + text(random, 5, ' ', buffer) + ".com";
    String creditCard = creditCard();
    String city = CITIES[random.below(10)];
    String state = STATES[random.below(6)];
    int length = 8 + name.length() + emailAddress.length() + creditCard.length() + city.length() + state.length();
    int from = extra(length, PERSON_BYTES);
    return factory.person(
        lastPerson + FIRST_ID, name, emailAddress, creditCard, city, state, dateTime, from, extraLength);
  }

  private T auction(long lastPerson, long lastAuction, long number, long dateTime) {
    long seller = random.below(4) > 0 ? hot(lastPerson) : anyPerson(lastPerson);
    long category = FIRST_CATEGORY + random.below(CATEGORIES);
    long initialBid = price();
    long horizon = timeOf(number + IN_FLIGHT * PROPORTION / AUCTIONS) - dateTime;
    long expires = dateTime + 1 + random.below((int) Math.max(2 * horizon, 1));
    String itemName = text(random, 20, ' ', buffer);
    String description = text(random, 100, ' ', buffer);
    long reserve = initialBid + price();
    int from = extra(48 + itemName.length() + description.length(), AUCTION_BYTES);
    return factory.auction(
        lastAuction + FIRST_ID,
        itemName,
        description,
        initialBid,
        reserve,
        dateTime,
        expires,
        seller + FIRST_ID,
        category,
        from,
        extraLength);
  }

  private T bid(long lastPerson, long lastAuction, long dateTime) {
    long auction = random.below(2) > 0 ? hot(lastAuction) : anyAuction(lastAuction);
    long bidder = random.below(4) > 0 ? hot(lastPerson) + 1 : anyPerson(lastPerson);
    long price = price();
    boolean hotChannel = random.below(2) > 0;
    int channel = random.below(hotChannel ? NexmarkTables.HOT_CHANNELS.length : NexmarkTables.CHANNELS);
    int from = extra(32, BID_BYTES);
    // The base is added twice to a bidder, there as here.
    return factory.bid(
        auction + FIRST_ID, bidder + 2 * FIRST_ID, price, hotChannel, channel, dateTime, from, extraLength);
  }

  private static long hot(long last) {
    return last / HOT_GROUP * HOT_GROUP;
  }

  private long anyPerson(long last) {
    int active = (int) Math.min(last + 1, ACTIVE_PEOPLE);
    return last + 1 - active + random.below(active + LEAD);
  }

  private long anyAuction(long last) {
    long first = Math.max(last - IN_FLIGHT, 0);
    return first + random.below((int) (last - first) + 1 + LEAD);
  }

  /** As ours: the nearest power that is known, times what is left by its series, unless that might be rounded otherwise. */
  private long price() {
    double exponent = random.real();
    int at = (int) (exponent * POWERS.length);
    double x = (exponent - (double) at / POWERS.length) * (6 * LN_10);
    double series = 1 + x * (1 + x * (1 / 2.0 + x * (1 / 6.0 + x * (1 / 24.0 + x / 120))));
    double near = POWERS[at] * series + 0.5;
    long rounded = (long) near;
    double rest = near - rounded;
    return rest > 1e-4 && rest < 1 - 1e-4 ? rounded : (long) Math.floor(exactPrice(exponent) + 0.5);
  }

  private static double exactPrice(double exponent) {
    return Math.pow(10, 6 * exponent) * 100;
  }

  /** Where in the pool; its length is left in {@link #extraLength}. */
  private int extra(int size, int average) {
    extraLength = 0;
    if (size > average) return 0;
    int wanted = average - size;
    int delta = (int) Math.floor(0.2 * wanted + 0.5);
    extraLength = wanted - delta + (delta == 0 ? 0 : random.below(2 * delta));
    return random.below(NexmarkTables.POOL_CHARS - extraLength);
  }

  private String creditCard() {
    byte[] card = buffer;
    for (int group = 0; group < 4; group += 1) {
      int digits = random.below(10_000);
      for (int at = 3; at >= 0; at -= 1, digits /= 10) card[group * 5 + at] = (byte) ('0' + digits % 10);
      card[group * 5 + 4] = ' ';
    }
    return new String(card, 0, 19, ISO_8859_1);
  }

  /** Letters with {@code special} among them, blanks at the ends left out. */
  static String text(SplitRandom random, int max, char special, byte[] buffer) {
    int to = 3 + random.below(max - 3);
    for (int at = 0; at < to; at += 1)
      buffer[at] = (byte) (random.below(13) == 0 ? special : 'a' + random.below(26));
    int from = 0;
    while (from < to && buffer[from] == ' ') from += 1;
    while (from < to && buffer[to - 1] == ' ') to -= 1;
    return new String(buffer, from, to - from, ISO_8859_1);
  }
}
