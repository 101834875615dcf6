SELECT bidder, COUNT(*), window_start, window_end
FROM TABLE(SESSION(TABLE bid PARTITION BY bidder, DESCRIPTOR(eventTime), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end
