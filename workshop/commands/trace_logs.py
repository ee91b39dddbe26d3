"""What `spans logs ID` and `spans hunt --answer` show: log lines beside the trace that they belong to."""

from typing import Any

import typer

from workshop.commands.traces import complaining, connect, explainer, put, put_json
from workshop.logs.reading import lines_of_trace
from workshop.logs.timeline import Timeline
from workshop.shop import hunt, recent
from workshop.stack.screen import complain, say
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.showing.waterfall import Waterfall
from workshop.traces.sources import fetching, ids
from workshop.traces.sources.jaeger import JaegerError


def logs_of_trace(text: str, *, as_json: bool) -> None:
    """Every service's log lines of a trace on one timeline with its spans; without spans when Jaeger has none."""
    trace_id = ids.trace_id(text)
    trace, missing = None, ""
    try:
        trace = fetching.fetch(connect(""), trace_id, recent.just_bought)
    except JaegerError as error:
        missing = str(error)
    lines = lines_of_trace(trace_id, since=trace.start / 1e9 - 60 if trace else None)
    if not lines and not trace:
        complain(f"error: no log line has the trace id {trace_id}, and {missing}; make checkout prints new ids")
        raise typer.Exit(1)
    if missing:
        complain(f"only the log lines: {missing}")
    if not lines:
        complain("no log line has this trace id: the logs are younger than the trace, or of another system")
    timeline = Timeline(trace_id, trace, lines)
    if as_json:
        put_json(timeline.as_json())
    else:
        put(timeline)


def answer_of_hunt() -> None:
    """The solution of the last `spans hunt`: the lines meant, then what the trace says."""
    answer: dict[str, Any] = hunt.read_answer()
    hunt.show_lines(answer)
    with complaining():
        trace = fetching.fetch(connect(""), answer["trace_id"], recent.just_bought)
    say("\nThe same checkout's trace:\n", "bold")
    put(Waterfall(trace))
    say("\nIn words:\n", "bold")
    put(diagnose(trace, explain=explainer("", plan=True, own=True)).verdict)
    say(f"\nIts lines in all logs, found by the id: make logs ID={trace.trace_id}")
