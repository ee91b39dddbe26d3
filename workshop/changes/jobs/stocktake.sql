-- The stocktake: nothing may be sold while it is counted, so every product's row is locked until it is done.
SELECT sku FROM product ORDER BY sku FOR UPDATE;
-- What is on hand, product by product.
SELECT sku, sum(quantity) FROM stock_movement GROUP BY sku ORDER BY sku;
-- What was sold and delivered each day.
SELECT created_at::date, reason, sum(quantity), count(DISTINCT sku) FROM stock_movement GROUP BY 1, 2 ORDER BY 1, 2;
-- The products that moved most.
SELECT sku, count(*), sum(abs(quantity)), percentile_cont(0.5) WITHIN GROUP (ORDER BY quantity)
FROM stock_movement GROUP BY sku ORDER BY 2 DESC;
