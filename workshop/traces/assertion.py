"""A test's expectation of a trace's shape.

    from workshop.traces.assertion import assert_trace
    from workshop.traces.client import JaegerClient

    def test_checkout_is_traced_end_to_end():
        trace = JaegerClient("http://127.0.0.1:16686").wait_for_trace(trace_id, until=lambda t: len(t) >= 8)
        assert_trace(
            trace,
            edges=[("gateway POST /checkout", "order POST /orders"), ("order POST /orders", "order ProcessOrder")],
            counts={"inventory SELECT stock_movement": 1},
            attributes={"order ProcessOrder": {"order.item_count": 3}},
        )

A span is named by its service, a blank, and its name, its label in the waterfall, or for SQL its verb and tables;
`*` and `?` stand for anything, as in file names. Between the two ends of an edge there may be the call itself:
`gateway → order` holds though gateway's own client span lies between.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from rich.console import Console

from workshop.traces.model import conventions, naming, statements
from workshop.traces.model.trace import Span, Trace
from workshop.traces.showing.waterfall import Waterfall

Count = int | tuple[int, int | None]


class TraceShapeError(AssertionError):
    """The trace is not shaped as declared; the message lists each difference and prints the tree with them marked."""


def assert_trace(
    trace: Trace,
    *,
    edges: Sequence[tuple[str, str]] = (),
    absent: Sequence[str] = (),
    counts: Mapping[str, Count] | None = None,
    attributes: Mapping[str, Mapping[str, Any]] | None = None,
    no_orphans: bool = True,
    no_errors: bool = True,
    one_root: bool = True,
) -> None:
    """Raises TraceShapeError unless the trace has the shape.

    `edges` are (caller, callee) pairs that must be there. `absent` spans must not be. `counts` maps a span to how
    often it occurs: a number, or (least, most) where most may be None. `attributes` maps a span to values that at
    least one such span must have; a callable value is asked for its opinion.
    """
    checks = _Checks(trace)
    if one_root and len(trace.roots) != 1:
        checks.fail(f"expected one root, found {len(trace.roots)}", trace.roots)
    if no_orphans and trace.orphans:
        checks.fail(f"expected no orphans, found {len(trace.orphans)}", trace.orphans)
    if no_errors and (failed := [span for span in trace.spans if span.is_error]):
        reasons = ", ".join(f"{_names(span)[0]}: {conventions.error_text(span) or 'error'}" for span in failed[:3])
        checks.fail(f"expected no errors, found {len(failed)} ({reasons})", failed)
    for caller, callee in edges:
        checks.edge(caller, callee)
    for name in absent:
        if found := checks.spans(name):
            checks.fail(f"expected no {name!r}, found {len(found)}", found)
    for name, count in (counts or {}).items():
        checks.count(name, count)
    for name, wanted in (attributes or {}).items():
        checks.attributes(name, wanted)
    checks.report()


class _Checks:
    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.differences: list[str] = []
        self.notes: dict[str, str] = {}

    def fail(self, message: str, spans: Sequence[Span] = ()) -> None:
        self.differences.append(message)
        for span in spans:
            before = self.notes.get(span.span_id)
            self.notes[span.span_id] = (
                f"{before}, {len(self.differences)}" if before else f"<== {len(self.differences)}"
            )

    def spans(self, name: str) -> list[Span]:
        return [span for span in self.trace.spans if _is(span, name)]

    def edge(self, caller: str, callee: str) -> None:
        callees = self.spans(callee)
        if any(_is(above, caller) for span in callees for above in self._callers(span)):
            return
        wanted = f"edge {caller!r} -> {callee!r}"
        callers = self.spans(caller)
        if not callees and not callers:
            self.fail(f"{wanted}: neither span is there{self._near(caller)}")
        elif not callees:
            self.fail(f"{wanted}: there is no {callee!r}{self._near(callee)}", callers)
        elif not callers:
            self.fail(f"{wanted}: there is no {caller!r}{self._near(caller)}", callees)
        else:
            above = next(iter(self.trace.ancestors(callees[0])), None)
            under = f"under {_names(above)[0]!r}" if above else "at the top, without a parent"
            self.fail(f"{wanted}: {callee!r} is {under}", callees)

    def _callers(self, span: Span) -> list[Span]:
        """The parent, and through the client span of the call also the span that made the call."""
        found = []
        for above in self.trace.ancestors(span):
            found.append(above)
            if above.kind != "client":
                break
        return found

    def count(self, name: str, count: Count) -> None:
        least, most = count if isinstance(count, tuple) else (count, count)
        found = self.spans(name)
        if len(found) < least or (most is not None and len(found) > most):
            wanted = f"{least}" if least == most else f"{least} to {'any number' if most is None else most}"
            self.fail(f"expected {wanted} of {name!r}, found {len(found)}", found)

    def attributes(self, name: str, wanted: Mapping[str, Any]) -> None:
        spans = self.spans(name)
        if not spans:
            self.fail(f"attributes of {name!r}: there is no such span{self._near(name)}")
            return
        if any(all(_agrees(span, key, value) for key, value in wanted.items()) for span in spans):
            return
        best = max(spans, key=lambda span: sum(_agrees(span, key, value) for key, value in wanted.items()))
        for key, value in wanted.items():
            if not _agrees(best, key, value):
                got = repr(best.attributes[key]) if key in best.attributes else "nothing"
                self.fail(f"attribute {key} of {name!r}: expected {_shown(value)}, got {got}", [best])

    def _near(self, name: str) -> str:
        service = name.split(" ", 1)[0]
        same = list(dict.fromkeys(_names(span)[0] for span in self.trace.spans if span.service == service))
        if same:
            return f" (of {service} there are: {', '.join(same[:6])})"
        return f" (no span of {service}; services: {', '.join(self.trace.services)})"

    def report(self) -> None:
        if not self.differences:
            return
        console = Console(width=160, no_color=True, force_terminal=False, highlight=False)
        with console.capture() as capture:
            console.print(Waterfall(self.trace, collapse=False, limit=400, notes=self.notes))
        listed = "\n".join(f"  {number}. {text}" for number, text in enumerate(self.differences, 1))
        raise TraceShapeError(
            f"trace {self.trace.trace_id} differs from what was declared:\n{listed}\n\n{capture.get()}"
        )


def _names(span: Span) -> list[str]:
    """What the span may be called, the plainest name first."""
    names = [span.name, naming.label(span)]
    if text := conventions.statement(span):
        names.append(statements.summary(text))
    return [f"{span.service} {name}" for name in names]


def _is(span: Span, name: str) -> bool:
    names = _names(span)
    pattern = name.replace("[", "[[]")
    return name in names or any(fnmatchcase(each, pattern) for each in names)


def _agrees(span: Span, key: str, value: Any) -> bool:
    if key not in span.attributes:
        return False
    held = span.attributes[key]
    return bool(value(held)) if callable(value) else held == value


def _shown(value: Any) -> str:
    return getattr(value, "__name__", "a value that fits") if callable(value) else repr(value)
