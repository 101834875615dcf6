SELECT auction, bidder, price, eventTime, extra FROM bid
