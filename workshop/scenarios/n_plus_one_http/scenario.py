"""A request for each product that the cache does not know, instead of one for all."""

from urllib.parse import parse_qs, urlsplit

from workshop.changes.kinds import Release
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import calls, checkouts, one_after_the_other
from workshop.traces.model.trace import Span

MANY = 4
LEAST = 3


def signature(population: Population) -> Proof:
    """Requests of the gateway's for one product each, one after the other, in numbers that differ with the cart."""
    mine = {trace.trace_id for trace in checkouts(population)}
    families: dict[str, list[Span]] = {}
    for trace, span in calls(population, "gateway", "/products"):
        if (
            trace.trace_id in mine
            and len(parse_qs(urlsplit(str(span.attributes["url.full"])).query).get("sku", [])) == 1
        ):
            families.setdefault(trace.trace_id, []).append(span)
    combs = [each for each in families.values() if len(each) >= MANY and one_after_the_other(each)]
    sizes = sorted({len(each) for each in combs})
    if len(combs) < LEAST or len(sizes) < 2:
        return Proof(f"{len(combs)} checkouts ask for their products one by one")
    told = f"{len(combs)} checkouts ask inventory for one product after the other: {sizes[0]} to {sizes[-1]} requests"
    return Proof(told, [span for each in sorted(combs, key=len, reverse=True) for span in each])


SCENARIO = Scenario(
    name="n-plus-one-http",
    title="The gateway asks for each product by itself",
    audience="on-call",
    page="Inventory has ten times the requests that it had, the shop has not one customer more. Receipts lack prices.",
    over="A checkout asks inventory for its products once.",
    changes=lambda: [
        Release(service="gateway", name="n-plus-one-http", patch="workshop/scenarios/n_plus_one_http/gateway.patch")
    ],
    cures=["roll the release of the gateway back: one request for all that the cache does not know"],
    signature=signature,
    diagnosis="(N+1): gateway GET",
    traffic=Traffic(carts=(3, 8, 14, 20), cold=True),
    look_alikes={"n-plus-one": "there the comb is of statements within one request, here of requests"},
)
