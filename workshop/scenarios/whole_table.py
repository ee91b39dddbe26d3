"""What a trace shows of a ledger that is read as a whole. Why it is, only the plan tells."""

from workshop.scenarios.model import Population, Proof
from workshop.scenarios.reading import LEAST, checkouts, longest, median_ms, spans

# The sum takes so many times as long as the lock of the products, which goes by a key, one statement before.
TIMES = 8.0


def seen(population: Population) -> Proof:
    """The sum of the ledger takes many times as long as the statement next to it; one sum in each reservation."""
    if len(checkouts(population)) < LEAST:
        return Proof(f"too few checkouts: {len(checkouts(population))}")
    sums = [span for _, span in spans(population, "inventory", "SELECT stock_movement", "client")]
    locks = [span for _, span in spans(population, "inventory", "SELECT product", "client")]
    usual = max(median_ms(locks), 0.5)
    if not sums or median_ms(sums) < TIMES * usual:
        return Proof(f"SELECT stock_movement takes {median_ms(sums):.1f} ms, SELECT product {usual:.1f} ms")
    return Proof(f"SELECT stock_movement takes {median_ms(sums):.0f} ms, SELECT product {usual:.1f} ms", longest(sums))
