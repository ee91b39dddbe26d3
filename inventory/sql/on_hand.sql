SELECT sku, sum(quantity) AS on_hand
FROM stock_movement
WHERE sku = ANY(%(skus)s)
GROUP BY sku
