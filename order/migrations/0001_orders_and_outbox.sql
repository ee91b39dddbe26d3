-- The order service's database. One from before the table of migrations has these tables already.

CREATE TABLE IF NOT EXISTS orders (
    id            text PRIMARY KEY,
    customer_id   text        NOT NULL,
    items         jsonb       NOT NULL,  -- [{"sku", "quantity"}]
    status        text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'confirmed', 'failed')),
    reason        text,                  -- why it failed
    total_cents   bigint,
    currency      text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    announced_at  timestamptz            -- when its order.confirmed message was delivered
);

-- Messages to be delivered, written in the transaction that makes them true.
CREATE TABLE IF NOT EXISTS outbox (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic         text        NOT NULL,
    order_id      text        NOT NULL,
    headers       jsonb       NOT NULL,  -- the trace context of the sender
    created_at    timestamptz NOT NULL DEFAULT now()
);

-- Wakes the worker, at commit, without a statement of its own in every checkout.
CREATE OR REPLACE FUNCTION notify_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY outbox;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER outbox_notify AFTER INSERT ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION notify_outbox();
