-- A key that is free again is NULL: any other value may be a key that the customer uses.
ALTER TABLE orders ALTER COLUMN idempotency_key DROP NOT NULL;
UPDATE orders SET idempotency_key = NULL WHERE status = 'failed' AND idempotency_key = id;

-- What the worker notes while it settles a pending order. One that it cannot settle is set aside, with the reason.
ALTER TABLE orders
    ADD COLUMN headers          jsonb,        -- the checkout's trace context
    ADD COLUMN left_at          timestamptz,  -- when whoever had it in hand gave it up
    ADD COLUMN settle_attempts  integer NOT NULL DEFAULT 0,
    ADD COLUMN settle_error     text,
    ADD COLUMN set_aside_at     timestamptz;

-- What the worker looks for: orders that were left, and those that nobody has attended for long.
DROP INDEX orders_pending_idx;
CREATE INDEX orders_attended_idx ON orders (attended_at) WHERE status = 'pending' AND set_aside_at IS NULL;
CREATE INDEX orders_left_idx ON orders (left_at)
    WHERE status = 'pending' AND set_aside_at IS NULL AND left_at IS NOT NULL;

-- The clock, not the start of the transaction: the worker takes messages in this order.
ALTER TABLE outbox
    ADD COLUMN due_at        timestamptz NOT NULL DEFAULT clock_timestamp(),  -- not to be delivered before
    ADD COLUMN attempts      integer NOT NULL DEFAULT 0,
    ADD COLUMN error         text,                                            -- why the last attempt failed
    ADD COLUMN set_aside_at  timestamptz;                                     -- since when it is a dead letter
CREATE INDEX outbox_due_idx ON outbox (due_at) WHERE set_aside_at IS NULL;
