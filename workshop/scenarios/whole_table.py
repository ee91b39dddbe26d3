"""What a trace shows of a ledger that is read as a whole. Why it is, only the plan tells."""

from workshop.scenarios import plans
from workshop.scenarios.model import Population, Proof
from workshop.scenarios.reading import LEAST, checkouts, longest, median_ms, spans

# The sum takes so many times as long as the lock of the products, which goes by a key, one statement before.
TIMES = 8.0


def seen(population: Population) -> tuple[Proof, plans.Scan | None]:
    """The sum of the ledger takes many times as long as the statement next to it, and its plan reads the whole table.

    Gives what the trace shows, and the plan's scan; without a scan the first says what is missing.
    """
    if len(checkouts(population)) < LEAST:
        return Proof(f"too few checkouts: {len(checkouts(population))}"), None
    sums = [span for _, span in spans(population, "inventory", "SELECT stock_movement", "client")]
    locks = [span for _, span in spans(population, "inventory", "SELECT product", "client")]
    usual = max(median_ms(locks), 0.5)
    if not sums or median_ms(sums) < TIMES * usual:
        return Proof(f"SELECT stock_movement takes {median_ms(sums):.1f} ms, SELECT product {usual:.1f} ms"), None
    scan = plans.scan(population.plan)
    if scan is None or not scan.whole:
        return Proof("the plan does not read the whole table"), None
    told = f"SELECT stock_movement takes {median_ms(sums):.0f} ms, SELECT product {usual:.1f} ms"
    return Proof(told, longest(sums)), scan
