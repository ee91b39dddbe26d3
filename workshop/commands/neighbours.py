"""`spans neighbours`: who held what a trace waited for, and who blocks whom in PostgreSQL now."""

import time
from typing import TYPE_CHECKING

import typer

from workshop.commands.traces import complaining, connect, last_checkout, put, put_json, several
from workshop.stack.screen import complain, say
from workshop.traces import wording
from workshop.traces.model import statements

if TYPE_CHECKING:
    from workshop.traces.model.trace import Trace


def neighbours(which: str, among: list[str], jaeger: str, *, full: bool, as_json: bool) -> None:
    """Prints who held what a trace waited for; the last checkout's without an id."""
    from workshop.traces.neighbours.neighbours import neighbours as found_by_times
    from workshop.traces.showing.neighbours_view import NeighboursView

    with complaining():
        trace, others = _from_files(which, among, jaeger) if among else _from_jaeger(which, jaeger)
    found = found_by_times(trace, others)
    if as_json:
        put_json(found.as_json())
    else:
        put(NeighboursView(found, full=full))


def blocked_now(database: str, *, as_json: bool) -> None:
    """Prints who waits for a lock in PostgreSQL at this moment, and for whom."""
    from workshop.stack.settings import current
    from workshop.traces.sources import blocking

    try:
        found = blocking.blocked_now(database or current().database_url("postgres", "postgres"))
    except blocking.DatabaseAway as error:
        complain(f"error: {error}")
        raise typer.Exit(1) from None
    if as_json:
        put_json([each.as_json() for each in found])
        return
    if not found:
        say("nobody waits for a lock in PostgreSQL now; what is over it no longer knows")
    for each in found:
        say(f"pid {each.pid} ({_name(each.application)}) has waited {wording.duration(each.waited_ms)}", "bold")
        say(f"  {wording.clean(statements.head(each.query, 100))}")
        say(
            f"  for pid {each.holder_pid} ({_name(each.holder_application)}), {wording.clean(each.holder_state)}, "
            f"its transaction open for {wording.duration(each.open_ms)}"
        )
        say(f"  {wording.clean(statements.head(each.holder_query, 100))}")


def _name(application: str) -> str:
    return wording.clean(application) or "without a name"


def _from_jaeger(which: str, jaeger: str) -> "tuple[Trace, list[Trace]]":
    from workshop.traces.sources.beside import beside

    (trace,) = several([which], jaeger)[:1] if which else [last_checkout(jaeger)]
    return trace, beside(connect(jaeger), trace, time.time())


def _from_files(which: str, among: list[str], jaeger: str) -> "tuple[Trace, list[Trace]]":
    """The trace meant, of those given; the one that took longest where none is named."""
    from workshop.traces.sources.fetching import NoTraces

    others = several(among, jaeger)
    if not which:
        return max(others, key=lambda trace: trace.root.duration), others
    fitting = [trace for trace in others if trace.trace_id.startswith(which.strip().lower())]
    if len(fitting) > 1:
        raise NoTraces(f"{len(fitting)} of the traces given begin with {which}: give more of the id")
    return (fitting or several([which], jaeger))[0], others
