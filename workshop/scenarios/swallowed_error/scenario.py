"""Something failed, somebody caught it and told nobody: the answer is 201, and the trace green but for one span."""

from workshop.changes.kinds import Release
from workshop.scenarios.model import Population, Proof, Scenario
from workshop.scenarios.reading import LEAST, checkouts, is_statement
from workshop.traces.model.trace import Span, Trace


def signature(population: Population) -> Proof:
    """In checkouts that were answered well: a statement that failed, below spans that did not, never made up for."""
    found = [span for trace in checkouts(population) if not trace.root.is_error for span in lost(trace)]
    if len(found) < LEAST:
        return Proof(f"{len(found)} statements failed in checkouts that were answered well")
    code = found[0].attributes["db.response.status_code"]
    return Proof(f"{found[0].name} failed with {code} in {len(found)} checkouts that were answered well", found)


def lost(trace: Trace) -> list[Span]:
    """The statements that the database refused where nothing above failed, and that no later one made up for.

    A command to a cache is none of them: what that does not do is asked of somebody else.
    """
    return [
        span
        for span in trace.spans
        if is_statement(span) and span.is_error and "db.response.status_code" in span.attributes
        if not any(above.is_error for above in trace.ancestors(span))
        if not any(other.name == span.name and other.start > span.end and not other.is_error for other in trace.spans)
    ]


SCENARIO = Scenario(
    name="swallowed-error",
    title="A release came before its migration, and a broad except hides it",
    audience="on-call",
    page="No alert at all. Marketing asks why nothing has sold since Tuesday, and the shop is full.",
    over="No statement fails in a checkout that is answered well.",
    changes=lambda: [
        Release(service="inventory", name="swallowed-error", patch="workshop/scenarios/swallowed_error/inventory.patch")
    ],
    cures=["roll the release of inventory back", "run the migration first, and let what fails be seen"],
    signature=signature,
    diagnosis="hidden error",
    diagnosis_of_one="hidden error",
    look_alikes={"a declined card": "there the answer says so: 402, and the red CLIENT span is the provider's word"},
)
