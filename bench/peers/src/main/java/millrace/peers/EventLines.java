package millrace.peers;

import static millrace.peers.Answer.quoted;

/** Events as lines of JSON, so that the generator can be compared with others. */
final class EventLines {
  private EventLines() {}

  static String of(long n, Events.Event event) {
    String start = "{\"n\":" + n + ",\"type\":";
    if (event instanceof Events.Person p)
      return start + "0,\"id\":" + p.id + texts("name", p.name, "emailAddress", p.emailAddress)
          + texts("creditCard", p.creditCard, "city", p.city) + texts("state", p.state)
          + ",\"dateTime\":" + p.dateTime + texts("extra", p.extra) + "}";
    if (event instanceof Events.Auction a)
      return start + "1,\"id\":" + a.id + texts("itemName", a.itemName, "description", a.description)
          + ",\"initialBid\":" + a.initialBid + ",\"reserve\":" + a.reserve + ",\"dateTime\":" + a.dateTime
          + ",\"expires\":" + a.expires + ",\"seller\":" + a.seller + ",\"category\":" + a.category
          + texts("extra", a.extra) + "}";
    Events.Bid b = (Events.Bid) event;
    return start + "2,\"auction\":" + b.auction + ",\"bidder\":" + b.bidder + ",\"price\":" + b.price
        + texts("channel", b.channel, "url", b.url) + ",\"dateTime\":" + b.dateTime + texts("extra", b.extra) + "}";
  }

  private static String texts(String... namesAndTexts) {
    StringBuilder out = new StringBuilder();
    for (int at = 0; at < namesAndTexts.length; at += 2)
      out.append(",\"").append(namesAndTexts[at]).append("\":").append(quoted(namesAndTexts[at + 1]));
    return out.toString();
  }
}
