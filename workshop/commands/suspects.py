"""`spans diagnose NEW --before OLD`, and the same on two windows of time of a Jaeger."""

import re
import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from workshop.traces.diagnosis.findings import Finding
    from workshop.traces.model.trace import Trace
    from workshop.traces.sources.jaeger import JaegerClient

MOST_DIAGNOSED = 500  # traces of an operation
MOST = 200  # traces of a window: each is fetched whole
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str, option: str) -> float:
    """`90s`, `10m`, `1h`, `2d` in seconds; BadParameter for anything else."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s*([smhd])", text.strip())
    if not match or not float(match[1]):
        raise typer.BadParameter(f"{option} {text!r} is no length of time: 90s, 10m, 1h, 2d")
    return float(match[1]) * _UNITS[match[2]]


def windows(
    client: "JaegerClient", service: str, operation: str, window: str, before_window: str
) -> "tuple[list[Trace], list[Trace]]":
    """The traces of a service in the time before the last `window`, and in it. Raises NoTraces when one is empty."""
    from workshop.traces.sources import fetching
    from workshop.traces.sources.summaries import under_way

    length, earlier = seconds(window, "--window"), seconds(before_window, "--before-window")
    now = time.time()
    sides = []
    for start, end, which in (
        (now - length - earlier, now - length, f"the {before_window} before the last {window}"),
        (now - length, now, f"the last {window}"),
    ):
        found = client.search(service, operation or None, start=start, end=end, limit=MOST)
        # Whoever is still being served has no root yet: that is no broken trace.
        traces = fetching.fetch_existing(client, [each.trace_id for each in found if not under_way(each, now)])
        if not traces:
            raise fetching.NoTraces(f"no trace of {f'{service} {operation}'.strip()} in {which}: choose other windows")
        sides.append(traces)
    return sides[0], sides[1]


def new_findings(old: "list[Trace]", new: "list[Trace]") -> "list[tuple[str, Finding]]":
    """What the new traces have to say by themselves and those from before had not, by operation, problems first.

    Hints are among them: what is too short to be a problem may still be what has changed.
    """
    known = {finding.key for _, finding in _findings(old)}
    found = [(root, finding) for root, finding in _findings(new) if finding.key not in known]
    return sorted(found, key=lambda each: each[1].severity != "problem")


def _findings(traces: "list[Trace]") -> "list[tuple[str, Finding]]":
    from workshop.commands.operations import by_root
    from workshop.traces.diagnosis.diagnose_many import diagnose_many

    return [
        (diagnosis.root, finding)
        for group in by_root(traces)
        for diagnosis in [diagnose_many(group[:MOST_DIAGNOSED], around=traces[: 4 * MOST_DIAGNOSED])]
        for finding in diagnosis.findings
    ]
