package millrace.peers;

/** Nexmark's events as plain objects, for jobs written by hand. */
final class Events {
  abstract static class Event {
    long dateTime;
  }

  static final class Person extends Event {
    long id;
    String name, emailAddress, creditCard, city, state, extra;
  }

  static final class Auction extends Event {
    long id, initialBid, reserve, expires, seller, category;
    String itemName, description, extra;
  }

  static final class Bid extends Event {
    long auction, bidder, price;
    String channel, url, extra;
  }

  /** Makes them. */
  static final class Factory implements EventFactory<Event> {
    @Override
    public Event person(
        long id, String name, String emailAddress, String creditCard, String city, String state, long dateTime,
        int extraFrom, int extraLength) {
      Person made = new Person();
      made.id = id;
      made.name = name;
      made.emailAddress = emailAddress;
      made.creditCard = creditCard;
      made.city = city;
      made.state = state;
      made.dateTime = dateTime;
      made.extra = extra(extraFrom, extraLength);
      return made;
    }

    @Override
    public Event auction(
        long id, String itemName, String description, long initialBid, long reserve, long dateTime, long expires,
        long seller, long category, int extraFrom, int extraLength) {
      Auction made = new Auction();
      made.id = id;
      made.itemName = itemName;
      made.description = description;
      made.initialBid = initialBid;
      made.reserve = reserve;
      made.dateTime = dateTime;
      made.expires = expires;
      made.seller = seller;
      made.category = category;
      made.extra = extra(extraFrom, extraLength);
      return made;
    }

    @Override
    public Event bid(
        long auction, long bidder, long price, boolean hotChannel, int channel, long dateTime, int extraFrom,
        int extraLength) {
      Bid made = new Bid();
      made.auction = auction;
      made.bidder = bidder;
      made.price = price;
      made.channel = (hotChannel ? NexmarkTables.HOT_CHANNELS : NexmarkTables.CHANNEL_NAMES)[channel];
      made.url = (hotChannel ? NexmarkTables.HOT_URLS : NexmarkTables.URLS)[channel];
      made.dateTime = dateTime;
      made.extra = extra(extraFrom, extraLength);
      return made;
    }

    private static String extra(int from, int length) {
      return NexmarkTables.POOL.substring(from, from + length);
    }
  }

  private Events() {}
}
