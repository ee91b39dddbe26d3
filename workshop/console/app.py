"""The console's pages."""

import time

from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from workshop.console import failures, filters
from workshop.console.compare import comparison
from workshop.console.opened import pages as opened
from workshop.console.quiet import quiet_since
from workshop.console.search.form import LIMITS, LOOKBACKS, SORTS, SearchForm
from workshop.console.search.found import search
from workshop.console.search.kinds import Kinds
from workshop.console.search.plot import plot_data
from workshop.console.search.regions import compared
from workshop.console.search.window import Windows
from workshop.console.security import protect
from workshop.console.service_map import map_data, service_map
from workshop.console.settings import Settings
from workshop.console.teach import entry
from workshop.console.trace import pages as trace_pages
from workshop.traces.sources import ids
from workshop.traces.sources.jaeger import JaegerClient


def create_app(settings: Settings | None = None, client: JaegerClient | None = None) -> Flask:
    """The application; `client` reads the traces, by default from the Jaeger that the settings name."""
    settings = settings or Settings.from_environment()
    jaeger = client or JaegerClient(settings.jaeger_url)
    app = Flask("workshop.console")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    protect(app, settings.allowed_hosts)
    filters.register(app)
    failures.register(app)
    windows, kinds = Windows(jaeger), Kinds(jaeger)
    app.context_processor(
        lambda: {
            "gateway_url": settings.gateway_url,
            "jaeger_url": settings.jaeger_url,
            "teach": quiet_since(settings.teaching),
            # Whether the page is for a visitor (workshop/share), to whom files are shut.
            "in_a_room": "X-Room" in request.headers,
        }
    )

    @app.get("/")
    def traces() -> str:
        now = time.time()
        found = search(windows, SearchForm.from_query(request.args), now)
        form = found.form
        operations = jaeger.operations(form.service) if form.service in found.services else []
        return render_template(
            "search.html",
            form=form,
            found=found,
            kinds=kinds.seen(found.services, now),
            operations=list(dict.fromkeys(operation.name for operation in operations)),
            plot=plot_data(found, settings.history, now),
            lookbacks=LOOKBACKS,
            limits=LIMITS,
            sorts=SORTS,
        )

    trace_pages.register(app, jaeger, settings)
    opened.register(app, trace_pages.page_of_file)
    entry.register(app, settings.teacher_folder)

    @app.get("/open")
    def open_trace() -> str | BaseResponse:
        """Where files are opened, and where the box for a trace id leads: any spelling of it, or two to compare."""
        if "id" not in request.args:
            return opened.page(app)
        wanted = [ids.trace_id(each) for text in request.args.getlist("id") for each in text.split()]
        if len(wanted) == 2:
            return redirect(url_for("compare", pair="...".join(wanted)))
        if len(wanted) != 1:
            raise ids.InvalidId("one trace id opens a trace, two compare them")
        return redirect(url_for("trace", trace_id=wanted[0]))

    @app.get("/compare/<pair>")
    def compare(pair: str) -> str:
        wanted = [ids.trace_id(each) for each in pair.split("...")]
        if len(wanted) != 2:
            raise ids.InvalidId("two trace ids with three dots between them are compared")
        before, after = (jaeger.get_trace(each) for each in wanted)
        pair_of_traces = comparison(before, after, everything="all" in request.args)
        return render_template("compare.html", compared=pair_of_traces)

    @app.get("/changes")
    def changes() -> str:
        """Two regions of the plot, compared as populations."""
        found = compared(windows, request.args, time.time())
        return render_template("changes.html", found=found, result=found.result)

    @app.get("/services")
    def services() -> str:
        form = SearchForm.from_query(request.args)
        found = service_map(windows, form, time.time(), settings.peers)
        data = map_data(found, form.lookback)
        return render_template("services.html", map=found, data=data, form=form, lookbacks=LOOKBACKS)

    # Ready without Jaeger, too: its pages say that it is away, and why.
    @app.get("/healthz")
    @app.get("/readyz")
    def healthz() -> Response:
        return jsonify(status="ok")

    return app
