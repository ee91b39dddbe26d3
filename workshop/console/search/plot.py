"""The scatter plot as data for `static/search/plot.js`: one dot a trace, and the changes made meanwhile as marks."""

from typing import Any

from workshop.console.colours import colour
from workshop.console.marks import Mark, marks
from workshop.console.search.found import Found
from workshop.traces import wording

WELL, FAILED, UNDER_WAY = range(3)


def plot_data(found: Found, history: str, now: float) -> dict[str, Any]:
    """Dots as [start, duration, kind, state, id] in order of time; times are Unix ms, durations ms.

    `kinds` has the names and colours that the dots' third number means, `from` and `to` the time that is shown, and
    `query` what the search page must be asked for to list a part of the plot.
    """
    dots = sorted(found.plotted, key=lambda trace: trace.start)
    roots = list(dict.fromkeys((trace.root_service, trace.root_name) for trace in dots))
    number = {root: index for index, root in enumerate(roots)}
    first, last, shown = _time(found, history, now)
    return {
        "dots": [
            [
                round(trace.start / 1e6, 3),
                round(trace.ms, 3),
                number[trace.root_service, trace.root_name],
                UNDER_WAY if trace.trace_id in found.open_ones else FAILED if trace.error_count else WELL,
                trace.trace_id,
            ]
            for trace in dots
        ],
        "kinds": [
            {"name": wording.clean(f"{service} {name}".strip() or "(no root)"), "colour": colour(service)}
            for service, name in roots
        ],
        "marks": [{"at": round(mark.time * 1000), "text": mark.text, "answer": mark.answer} for mark in shown],
        "from": round(first * 1000),
        "to": round(last * 1000),
        "query": {key: value for key, value in found.form.query(lookback="1h").items() if key not in ("min", "max")},
    }


def _time(found: Found, history: str, now: float) -> tuple[float, float, list[Mark]]:
    """From when to when the plot goes, in Unix seconds, and the marks in it: from the first trace to the last.

    A change just after the last trace is shown, too; one long after it would press the traces together.
    """
    begun = [trace.start / 1e9 for trace in found.plotted] or [now]
    first, last = min(begun), max(begun)
    near = max(last - first, 5.0) * 0.3
    shown = marks(history, first - near, last + near)
    first, last = min([first, *(m.time for m in shown)]), max([last, *(m.time for m in shown)])
    margin = max((last - first) * 0.03, 0.5)
    return first - margin, last + margin, shown
