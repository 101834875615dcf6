SELECT id, itemName, description, initialBid, reserve, eventTime, expires, seller, category, extra,
  auction, bidder, price, bidTime, bidExtra
FROM (
  SELECT A.id, A.itemName, A.description, A.initialBid, A.reserve, A.eventTime, A.expires, A.seller, A.category, A.extra,
    B.auction, B.bidder, B.price, B.eventTime AS bidTime, B.extra AS bidExtra,
    ROW_NUMBER() OVER (PARTITION BY A.id ORDER BY B.price DESC, B.eventTime ASC) AS place
  FROM auction A JOIN bid B ON A.id = B.auction
  WHERE B.eventTime BETWEEN A.eventTime AND A.expires
)
WHERE place <= 1
