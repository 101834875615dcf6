SELECT B.auction, B.bidder, B.price, B.eventTime, S.`value`
FROM (SELECT *, MOD(auction, 10000) AS side_id, PROCTIME() AS arrived FROM bid) B
JOIN side FOR SYSTEM_TIME AS OF B.arrived AS S ON B.side_id = S.id
