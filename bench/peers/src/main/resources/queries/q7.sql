SELECT B.auction, B.price, B.bidder, B.eventTime, B.extra
FROM bid B
JOIN (
  SELECT MAX(price) AS most, window_end AS ends
  FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(eventTime), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end
) M
ON B.price = M.most
WHERE B.eventTime BETWEEN M.ends - INTERVAL '10' SECOND AND M.ends
