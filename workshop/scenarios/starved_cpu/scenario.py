"""A quota of CPU time: the process is frozen for the rest of each period, wherever it is."""

from collections import Counter

from workshop.changes.kinds import Limit
from workshop.scenarios.model import Population, Proof, Scenario, Traffic
from workshop.scenarios.reading import is_statement, spans
from workshop.traces.model.trace import Span, Trace
from workshop.traces.time.self_time import gaps

# The kernel's period. Whoever is frozen in it goes on when the next begins: stretches are as long as whole periods.
PERIOD_MS = 100.0
NEAR_MS = 17.0
SHORTEST_MS = 60.0
LEAST = 15
# By chance a third of all stretches would be near a whole period.
SHARE = 0.7
# The share of the stretches in their commonest place, at most.
ONE_PLACE = 0.8


def signature(population: Population) -> Proof:
    """Inventory is silent for whole periods of 100 ms, in statements of several kinds and between them."""
    silent = [
        each
        for trace, server in spans(population, "inventory", "POST /reservations", "server")
        for each in stretches(trace, server)
        if each[0] >= SHORTEST_MS
    ]
    whole = [each for each in silent if abs(each[0] - PERIOD_MS * round(each[0] / PERIOD_MS)) <= NEAR_MS]
    places = Counter(place for _, place, _ in whole)
    told = f"{len(whole)} of {len(silent)} silent stretches of inventory are whole periods of {PERIOD_MS:.0f} ms"
    told += f", in {len(places)} places"
    few = len(whole) < LEAST or len(whole) < SHARE * len(silent) or len(places) < 3
    if few or max(places.values()) > ONE_PLACE * len(whole):
        return Proof(told)
    often = Counter(server.span_id for _, _, server in whole)
    servers = {server.span_id: server for _, _, server in whole}
    return Proof(told, sorted(servers.values(), key=lambda server: -often[server.span_id]))


def stretches(trace: Trace, server: Span) -> list[tuple[float, str, Span]]:
    """Within a span of inventory's: the length in ms and the place of each statement, and of each gap between them."""
    inside = [(child.ms, child.name, server) for child in trace.children(server) if is_statement(child)]
    between = [(gap.ms, f"before {gap.after.name if gap.after else 'the end'}", server) for gap in gaps(trace, server)]
    return inside + between


SCENARIO = Scenario(
    name="starved-cpu",
    title="Inventory may use a twentieth of a CPU",
    audience="customers",
    page="The checkout is slow, each time in another place. Nobody has deployed anything.",
    over="No service stands still for whole periods.",
    changes=lambda: [Limit(service="inventory", cpus=0.05)],
    cures=["a quota above what the service needs at its busiest, or none: a request for CPU shares is enough"],
    signature=signature,
    diagnosis="stands still for whole periods",
    diagnosis_of_one="inventory",
    traffic=Traffic(users=5, carts=(8, 14, 20), seconds=5.0),
    look_alikes={
        "own-code": "there the gaps are between the same two statements, here anywhere",
        "pool-too-small": "there the hole is before the first statement, here anywhere, within statements, too",
    },
)
