"""The cache cannot be reached, and every checkout waits for it first."""

from collections.abc import Iterator

from workshop.changes import edges
from workshop.changes.kinds import Release, Setting
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.scenarios.reading import LEAST, checkouts, longest
from workshop.traces.model.trace import Span, Trace

# A cache that takes longer than this is none.
WAIT_MS = 200.0
# How far waits that end with one timeout are apart, as a share of the shortest.
SPREAD = 0.25
# Of the checkouts, and of each one's time.
MOST, SHARE = 0.8, 0.4


def signature(population: Population) -> Proof:
    """Checkouts begin with a command to the cache that fails after equally long in all of them, and go on after it."""
    whole = checkouts(population)
    waits = [span for trace in whole for span in in_vain(trace)]
    if len(waits) < max(LEAST, MOST * len(whole)):
        return Proof(f"{len(waits)} of {len(whole)} checkouts wait first for a cache that does not answer")
    usual, shortest = longest(waits)[len(waits) // 2].ms, min(span.ms for span in waits)
    alike = [span for span in waits if span.ms <= (1 + SPREAD) * shortest]
    if len(alike) < MOST * len(waits):
        return Proof(f"{len(waits)} commands to the cache failed, and not after equally long")
    told = f"{len(waits)} of {len(whole)} checkouts wait first for the cache, each for {usual:.0f} ms in vain"
    return Proof(f"{told}, and then go on without it", longest(alike))


def in_vain(trace: Trace) -> Iterator[Span]:
    """The failed command to the cache that the rest of a checkout waited for: nothing else of it runs meanwhile."""
    root = trace.root
    below = trace.children(root)
    for span in below:
        slow = span.is_error and span.ms >= max(WAIT_MS, SHARE * root.ms)
        if slow and is_command(span) and all(other.start >= span.end for other in below if other is not span):
            yield span


def is_command(span: Span) -> bool:
    """Whether it is one to a cache."""
    return span.kind == "client" and str(span.attributes.get("db.system.name")) in ("redis", "valkey", "memcached")


SCENARIO = Scenario(
    name="cache-away",
    title="A firewall drops what goes to the cache, and every checkout looks there first",
    audience="customers",
    page="Every checkout takes a second more. What is bought arrives, and no service has an error rate.",
    over="A checkout with a cache that is away takes as long as one without.",
    changes=lambda: [
        edges.between("gateway", "valkey", "firewall"),
        Setting(service="gateway", values={"CACHE_CONNECT_MS": "1000"}),
        Release(service="gateway", name="cache-away", patch="workshop/scenarios/cache_away/gateway.patch"),
    ],
    cures=[
        "roll the release of gateway back: it looks up beside the order, and a circuit breaker gives a cache up",
        "a timeout that fits what a cache is for, some ten ms: it can then cost no more than it saves",
        "have the firewall let the gateway through",
    ],
    signature=signature,
    diagnosis="waited in vain: gateway MGET",
    diagnosis_of_one="waited in vain",
    look_alikes={
        "cold-cache": "there the cache answers at once, and knows nothing; the time goes to whoever is asked instead",
        "slow-provider": "there the long call is answered, and is the last of the checkout, not the first",
    },
)
