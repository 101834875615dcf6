WITH arriving AS (SELECT bidder, PROCTIME() AS arrived FROM bid)
SELECT bidder, COUNT(*), window_start, window_end
FROM TABLE(TUMBLE(TABLE arriving, DESCRIPTOR(arrived), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end
