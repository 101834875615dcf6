SELECT auction, bidder, price, eventTime, extra, DATE_FORMAT(eventTime, 'yyyy-MM-dd'), DATE_FORMAT(eventTime, 'HH:mm')
FROM bid
