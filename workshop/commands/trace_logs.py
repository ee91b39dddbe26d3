"""What `spans logs ID` and `spans hunt --answer` show: log lines beside the trace that they belong to."""

from typing import Any

import typer

from workshop.commands.traces import complaining, connect, put, put_json
from workshop.logs.reading import lines_of_trace
from workshop.logs.timeline import Timeline
from workshop.shop import hunt, recent
from workshop.stack.errors import StackError
from workshop.stack.screen import complain, say
from workshop.traces import wording
from workshop.traces.model import conventions, statements
from workshop.traces.showing.waterfall import Waterfall
from workshop.traces.sources import ids
from workshop.traces.sources.jaeger import JaegerError
from workshop.traces.time.critical_path import critical_path, on_path
from workshop.traces.time.legs import longest_leg


def logs_of_trace(text: str, *, as_json: bool) -> None:
    """Every service's log lines of a trace on one timeline with its spans; without spans when Jaeger has none."""
    trace_id = ids.trace_id(text)
    trace, missing = None, ""
    try:
        trace = recent.fetch(connect(""), trace_id)
    except (JaegerError, StackError) as error:
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
    """The solution of the last `spans hunt`: each question answered from the trace, and what no log could tell."""
    answer: dict[str, Any] = hunt.solve()
    with complaining():
        trace = recent.fetch(connect(""), answer["trace_id"])
    say("1. The lines of this checkout", "bold")
    for name, numbers in answer["lines"].items():
        many = answer["alike"].get(name, 0)
        which = f", or another of the {many} lines that read just the same" if many > 1 else ""
        say(f"     {name:21} {', '.join(map(str, numbers)) or unseen(name, answer['level'])}{which}")
    slowest = longest_leg(trace, critical_path(trace))
    service = wording.clean(slowest.span.service)
    inside = sum(ns for span_id, ns in on_path(critical_path(trace)).items() if trace.by_id[span_id].service == service)
    say("2. Who kept the customer waiting", "bold")
    say(f"     {service}, for {wording.duration(inside / 1e6)} of {wording.duration(trace.root.ms)}")
    say("3. What it did in that time", "bold")
    say(f"     {wording.clean(slowest.label)}, {wording.duration(slowest.ns / 1e6)}")
    if text := conventions.statement(slowest.span):
        say(f"     {wording.clean(statements.tidy(text))}")
    say("")
    say("What the logs could not tell", "bold")
    for line in hunt.UNKNOWABLE[answer["level"]]:
        say(f"  {line}")
    say("\nThe same checkout's trace:\n", "bold")
    put(Waterfall(trace))
    say("")
    say(f"make trace shows it again; its lines in all logs, found by the id: make logs ID={trace.trace_id}")


def unseen(name: str, level: int) -> str:
    """Why a log has no line that is known to be the checkout's."""
    if name == hunt.POSTGRES and level > 1:
        return "the statements with the products of this checkout"
    return "none" if name != hunt.POSTGRES else "none: a statement leaves no line in it"
