package millrace.peers;

import java.io.Serializable;

/**
 * Makes an event of what the generator has drawn, in the representation that its job works on. Of padding it is told where in
 * the pool it lies, of channels their number, so that texts known beforehand need not be made again.
 */
interface EventFactory<T> extends Serializable {
  T person(
      long id,
      String name,
      String emailAddress,
      String creditCard,
      String city,
      String state,
      long dateTime,
      int extraFrom,
      int extraLength);

  T auction(
      long id,
      String itemName,
      String description,
      long initialBid,
      long reserve,
      long dateTime,
      long expires,
      long seller,
      long category,
      int extraFrom,
      int extraLength);

  T bid(
      long auction,
      long bidder,
      long price,
      boolean hotChannel,
      int channel,
      long dateTime,
      int extraFrom,
      int extraLength);
}
