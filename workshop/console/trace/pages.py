"""The page of one trace, and what it asks for or gives beside it.

GET /trace/ID               the page
GET /trace/ID/receivers     who received what it sent, as JSON
GET /trace/ID/neighbours    who held what it waited for, as JSON; 429 while others are being looked for
GET /trace/ID/otlp.json     the trace as a file; jaeger.json: in Jaeger's own format
"""

import time
from typing import Any

from flask import Flask, Response, jsonify, render_template, request

from workshop.console import failures
from workshop.console.settings import Settings
from workshop.console.trace.banners import banners
from workshop.console.trace.data import receipts, trace_data
from workshop.console.trace.elsewhere import Elsewhere
from workshop.console.trace.neighbours import Busy, NeighboursOfTraces
from workshop.console.trace.plans import Plans
from workshop.console.trace.span_logs import by_span
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.model import error_words
from workshop.traces.model.trace import Trace
from workshop.traces.showing.waterfall import clocks
from workshop.traces.sources import fetching, ids, summaries
from workshop.traces.sources.jaeger import JaegerClient


def register(app: Flask, jaeger: JaegerClient, settings: Settings) -> None:
    """Adds the pages of traces that Jaeger keeps."""
    plans, elsewhere = _plans(settings.database_url), Elsewhere(jaeger)
    beside = NeighboursOfTraces(jaeger)

    @app.get("/trace/<trace_id>")
    def trace(trace_id: str) -> str:
        found = _as_asked(jaeger.get_trace(trace_id))
        arriving = not fetching.settled(found) and time.time() - found.end / 1e9 < summaries.SETTLED
        return _page(
            found,
            stored=True,
            logs=by_span(settings.logs_folder, found),
            tries_left=failures.tries_left(failures.TRIES) if arriving else 0,
            diagnosis=diagnose(found, explain=plans.of(found) if plans else None, related=elsewhere.of(found)),
        )

    @app.get("/trace/<trace_id>/receivers")
    def received(trace_id: str) -> Response:
        # Asked for by the trace's page, which need not wait for it.
        return jsonify(receipts(jaeger, jaeger.get_trace(trace_id), time.time()))

    @app.get("/trace/<trace_id>/neighbours")
    def neighbours(trace_id: str) -> Response:
        # Asked for where somebody opens it: it reads a hundred traces.
        try:
            return jsonify(beside.of(ids.trace_id(trace_id)))
        except Busy:
            return Response(status=429, headers={"Retry-After": "1"})

    @app.get("/trace/<trace_id>/<any(otlp, jaeger):form>.json")
    def download(trace_id: str, form: str) -> Response:
        document = jaeger.otlp(trace_id) if form == "otlp" else jaeger.jaeger_json(trace_id)
        answer = jsonify(document)
        answer.headers["Content-Disposition"] = f'attachment; filename="{ids.trace_id(trace_id)}.{form}.json"'
        return answer


def page_of_file(found: Trace) -> str:
    """The page of a trace that was opened from a file: no database of ours has its plans, no log of ours its lines."""
    found = _as_asked(found)
    return _page(found, stored=False, logs={}, tries_left=0, diagnosis=diagnose(found))


def _as_asked(found: Trace) -> Trace:
    """The trace, with its clocks as they were recorded where the address says `clocks=raw`."""
    return found.with_raw_clocks() if request.args.get("clocks") == "raw" else found


def _page(found: Trace, *, stored: bool, logs: dict[str, list[dict[str, Any]]], tries_left: int, diagnosis: Any) -> str:
    data = trace_data(found, logs)
    return render_template(
        "trace.html",
        trace=found,
        diagnosis=diagnosis,
        banners=banners(found, diagnosis, data["leg"]),
        failures=error_words.failures(found),
        data=data,
        moved=clocks(found),
        raw_clocks=request.args.get("clocks") == "raw",
        stored=stored,
        tries_left=tries_left,
    )


def _plans(database_url: str) -> Plans | None:
    """What plans slow statements; None without a database."""
    if not database_url:
        return None
    # The driver is some megabytes that a console without a database does not need.
    from workshop.traces.sources.explain import postgres

    return Plans(postgres(database_url))
