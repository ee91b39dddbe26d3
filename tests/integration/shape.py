"""The shape of a checkout's trace: who calls whom. The tests of both runtimes read it."""

from workshop.traces.model.trace import Span, Trace

# Caller and callee of every edge in a healthy checkout whose products are in the cache: nothing else is in the trace.
EDGES = [
    ("gateway POST /checkout", "gateway MGET"),
    ("gateway POST /checkout", "gateway POST"),
    ("gateway POST", "order POST /orders"),
    ("order POST /orders", "order ProcessOrder"),
    ("order ProcessOrder", "order INSERT orders"),
    ("order ProcessOrder", "order POST"),
    ("order POST", "inventory POST /reservations"),
    ("inventory POST /reservations", "inventory SELECT product"),
    ("inventory POST /reservations", "inventory SELECT stock_movement"),
    ("inventory POST /reservations", "inventory INSERT reservation INSERT stock_movement"),
    ("order POST", "payment POST /charges"),
    ("payment POST /charges", "payment POST"),
    ("order ProcessOrder", "order send order.confirmed"),
    ("order send order.confirmed", "order UPDATE orders INSERT outbox"),
]
# `order POST` is there twice: once for the reservation, once for the charge.
SPANS = 16
# What comes to it where none of three products is in the cache.
MISS = [
    ("gateway POST /checkout", "gateway GET"),
    ("gateway GET", "inventory GET /products"),
    ("inventory GET /products", "inventory SELECT product"),
    ("gateway POST /checkout", "gateway SET SET SET"),
]
MISS_SPANS = SPANS + len(MISS)
LEDGER_SCAN = "inventory SELECT stock_movement"
PROVIDER_CALL = "payment POST"


def is_whole(trace: Trace, spans: int = SPANS) -> bool:
    """Whether all spans of a confirmed checkout have arrived: the root, which ends last, and what its lookup asked.

    `spans` is what it has with its products in the cache.
    """
    names = [title(span) for span in trace.spans]
    more = [name for name in names if name == "gateway GET" or name.startswith("gateway SET")]
    return "gateway POST /checkout" in names and len(names) >= spans + len(more) + 2 * ("gateway GET" in more)


def title(span: Span) -> str:
    """`order POST /orders`: the service and the span's own name."""
    return f"{span.service} {span.name}"


def edges(trace: Trace) -> list[tuple[str, str]]:
    """Every parent and child in the trace, sorted."""
    found = [(title(parent), title(span)) for span in trace.spans if (parent := trace.parent(span))]
    return sorted(found)


def longest_leaf(trace: Trace) -> str:
    """The span without children that took longest."""
    leaves = [span for span in trace.spans if not trace.children(span)]
    return title(max(leaves, key=lambda span: span.end - span.start))
