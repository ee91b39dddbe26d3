-- The inventory service's database. A database from before the table of migrations has these tables already.

CREATE TABLE IF NOT EXISTS product (
    sku          text PRIMARY KEY,
    name         text    NOT NULL,
    price_cents  integer NOT NULL CHECK (price_cents > 0),
    currency     text    NOT NULL
);

-- What is on hand is the sum of a product's movements: a row for each delivery, each sale, each return.
--
-- The bug of this workshop is the line that is not here:
--     CREATE INDEX stock_movement_sku_idx ON stock_movement (sku);
-- It comes about as it does in real systems: on the day the table was made it held a hundred rows, every
-- query was fast, and nothing failed in review or in tests. The ledger has been growing ever since.
CREATE TABLE IF NOT EXISTS stock_movement (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku         text        NOT NULL,
    quantity    integer     NOT NULL,
    reason      text        NOT NULL CHECK (reason IN ('delivery', 'sale', 'return')),
    order_id    text,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- What makes a reservation idempotent: an order has at most one.
CREATE TABLE IF NOT EXISTS reservation (
    order_id     text PRIMARY KEY,
    items        jsonb       NOT NULL,  -- [{"sku", "quantity", "price_cents"}]
    currency     text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    released_at  timestamptz
);
