SELECT auction, bidder, 0.908 * price,
  CASE
    WHEN HOUR(eventTime) >= 8 AND HOUR(eventTime) <= 18 THEN 'dayTime'
    WHEN HOUR(eventTime) <= 6 OR HOUR(eventTime) >= 20 THEN 'nightTime'
    ELSE 'otherTime'
  END,
  eventTime, extra, count_letter(extra, 'c')
FROM bid
WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000
