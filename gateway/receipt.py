"""A checkout's receipt: what was bought, and, where that was found out in time, what it is called and costs."""

from typing import Any

from common.schemas import Item
from gateway.answers import Product


def agrees(items: list[Item], products: dict[str, Product], order: dict[str, Any]) -> bool | None:
    """Whether the products' prices come to what the order did; None when not all of them are known."""
    if any(item.sku not in products for item in items):
        return None
    total = sum(item.quantity * products[item.sku].price_cents for item in items)
    currencies = {products[item.sku].currency for item in items}
    return total == order["total_cents"] and currencies == {order["currency"]}


def lines(items: list[Item], products: dict[str, Product], *, priced: bool) -> list[dict[str, Any]]:
    """A line for each item, with its name where that is known; with its price in cents a piece when `priced`."""
    found = []
    for item in items:
        line: dict[str, Any] = {"sku": item.sku, "quantity": item.quantity}
        if product := products.get(item.sku):
            line["name"] = product.name
            if priced:
                line["price_cents"] = product.price_cents
        found.append(line)
    return found
