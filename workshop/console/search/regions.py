"""Two regions of the plot compared as populations: what changed from the one to the other, and whose doing it is."""

from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.exceptions import BadRequest

from workshop.console.search.form import SearchForm
from workshop.console.search.found import asked_of
from workshop.console.search.window import Windows, thinned
from workshop.traces.sources import fetching
from workshop.traces.sources.summaries import under_way
from workshop.traces.suspects.compare import Comparison, compare

MOST = 100  # traces of a region that are fetched whole: more tell no more, and take their time
SIDES = ("before", "after")


@dataclass(slots=True)
class Regions:
    """The comparison, with the searches that list each side's traces and how many each has."""

    result: Comparison
    forms: tuple[SearchForm, SearchForm]
    totals: tuple[int, int]


def compared(windows: Windows, query: Mapping[str, str], now: float) -> Regions:
    """Compares the regions that a page's address names. Raises BadRequest where it names none, JaegerError."""
    forms = tuple(_form(query, side) for side in SIDES)
    found = []
    for form, side in zip(forms, SIDES, strict=True):
        whole = [t for t in windows.traces(form, asked_of(windows, form), now) if not under_way(t, now)]
        if not whole:
            raise BadRequest(f"there is no trace in the region {side}: choose both regions in the plot again")
        found.append(whole)
    old, new = (
        fetching.fetch_existing(windows.client, [each.trace_id for each in thinned(side, MOST)][:MOST])
        for side in found
    )
    if not old or not new:
        raise BadRequest("Jaeger no longer has the traces of one of the regions: choose others in the plot")
    return Regions(compare(old, new), (forms[0], forms[1]), (len(found[0]), len(found[1])))


def _form(query: Mapping[str, str], side: str) -> SearchForm:
    """The search for one region: `before_from`, `before_to`, `before_min`, `before_max` and the page's own fields."""
    own = {key: query.get(f"{side}_{key}", "") for key in ("from", "to", "min", "max")}
    form = SearchForm.from_query({**query, **own})
    if not form.start or form.errors:
        what = form.errors[0] if form.errors else f"{side}_from and {side}_to are two Unix times in ms"
        raise BadRequest(f"two regions of the plot are compared, and the address does not name them: {what}")
    return form
