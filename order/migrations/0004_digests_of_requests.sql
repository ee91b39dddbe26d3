-- A repetition is compared with the whole of the first request, its card included. Orders from before have none.

ALTER TABLE orders ADD COLUMN request_digest text;  -- keyed (common/digests.py); no card's number is kept
