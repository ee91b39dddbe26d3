-- Somebody's monthly report, run on the database that sells: it reads the whole ledger, and locks nothing but its schema.
SELECT date_trunc('month', created_at), reason, count(*), sum(quantity), count(DISTINCT sku),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY abs(quantity))
FROM stock_movement GROUP BY 1, 2 ORDER BY 1, 2;
SELECT product.sku, product.name, count(*), sum(stock_movement.quantity)
FROM product JOIN stock_movement USING (sku) GROUP BY 1, 2 ORDER BY 4 DESC;
