SELECT B.auction, B.bidder, B.price, B.channel, B.url, B.eventTime, B.extra,
  A.itemName, A.description, A.initialBid, A.reserve, A.eventTime, A.expires, A.seller, A.category, A.extra
FROM bid B JOIN auction A ON B.auction = A.id
WHERE A.category = 10
