-- The stocktake: nothing may be sold while it is counted, so every product's row is locked until it is done.
SELECT sku FROM product ORDER BY sku FOR UPDATE;
-- What is on hand, product by product.
SELECT sku, sum(quantity) FROM stock_movement GROUP BY sku ORDER BY sku;
-- What was delivered, sold and given back on each day.
SELECT created_at::date, reason, sum(quantity) FROM stock_movement GROUP BY 1, 2 ORDER BY 1, 2;
-- The products that moved most.
SELECT sku, count(*), sum(abs(quantity)) FROM stock_movement GROUP BY sku ORDER BY 2 DESC;
