SELECT category, AVG(highest)
FROM (
  SELECT MAX(B.price) AS highest, A.category
  FROM auction A JOIN bid B ON A.id = B.auction
  WHERE B.eventTime BETWEEN A.eventTime AND A.expires
  GROUP BY A.id, A.category
)
GROUP BY category
