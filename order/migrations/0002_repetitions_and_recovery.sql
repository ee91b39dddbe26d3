-- Repetitions get the first one's answer, and an order that was left pending is settled. As in 0001: a database
-- from before the table of migrations may have all of this.

ALTER TABLE orders
    ADD COLUMN IF NOT EXISTS idempotency_key  text,   -- the client's, or one made by the gateway
    ADD COLUMN IF NOT EXISTS failure          jsonb,  -- how the client was told: {"status", "detail", "extra"}
    ADD COLUMN IF NOT EXISTS attended_at      timestamptz NOT NULL DEFAULT now(),  -- when it was last taken in hand
    DROP COLUMN IF EXISTS updated_at;

-- Nobody can repeat what had no key, nor be told more of its failure than its reason.
UPDATE orders SET idempotency_key = id WHERE idempotency_key IS NULL;
UPDATE orders
SET failure = jsonb_build_object('status', 503, 'detail', coalesce(reason, 'it failed'), 'extra', jsonb '{}')
WHERE status = 'failed' AND failure IS NULL;

ALTER TABLE orders ALTER COLUMN idempotency_key SET NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS orders_customer_id_idempotency_key_key ON orders (customer_id, idempotency_key);

-- What recovery looks for; an index of the few orders that are in hand, not of all.
CREATE INDEX IF NOT EXISTS orders_pending_idx ON orders (attended_at) WHERE status = 'pending';
