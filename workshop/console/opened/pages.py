"""Files that somebody opened in the console: read once, kept in memory only, listed until the console stops.

GET /open                       the form, and what is open
POST /open                      files to open, by the form or dropped on any page
GET /open/FILE                  a file's traces; of a file with one trace, that trace
GET /open/FILE/NUMBER           one trace, as the trace page shows it
POST /open/FILE/close           forget it
"""

from collections.abc import Callable
from io import BytesIO
from typing import IO, Any

from flask import Flask, Request, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from workshop.console import failures
from workshop.console.opened import store
from workshop.console.opened.store import Full, OpenFile, OpenFiles
from workshop.traces.model.trace import Trace
from workshop.traces.sources.files import UnknownFormat
from workshop.traces.sources.formats.odd import one_line

ENVELOPE = 2**16  # bytes that a form adds to its files
LISTED = 500  # traces of one file


class InMemory(Request):
    """A request whose files never touch the disk."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return BytesIO()


def register(app: Flask, show: Callable[[Trace], str]) -> None:
    """Adds the pages; `show` is the page of one trace."""
    app.request_class = InMemory
    opened = app.extensions["opened"] = OpenFiles()

    @app.post("/open")
    def open_file() -> BaseResponse | tuple[str, int]:
        request.max_content_length = store.LIMIT + ENVELOPE
        numbers = []
        for upload in request.files.getlist("file"):
            if not upload.filename:
                continue
            name = one_line(upload.filename)[-100:]
            try:
                numbers.append(opened.add(name, upload.read()))
            except UnknownFormat as error:
                return failures.page("This file could not be read", str(error), 422, _WHAT)
            except Full as error:
                return failures.page("There is no room for this file", str(error), 413)
        if not numbers:
            return failures.page("No file was chosen", "Choose one, or drop it on this page.", 400, _WHAT)
        return redirect(url_for("open_trace") if len(numbers) > 1 else url_for("opened_file", file=numbers[0]), 303)

    @app.get("/open/<int:file>")
    def opened_file(file: int) -> str | BaseResponse:
        found = _file(opened, file)
        if len(found.traces) == 1 and not found.reading.notes:
            return redirect(url_for("opened_trace", file=file, number=1))
        return render_template("open_file.html", number=file, file=found, traces=found.traces[:LISTED])

    @app.get("/open/<int:file>/<int:number>")
    def opened_trace(file: int, number: int) -> str:
        traces = _file(opened, file).traces
        if not 1 <= number <= len(traces):
            abort(404, f"This file has {len(traces)} traces.")
        return show(traces[number - 1])

    @app.post("/open/<int:file>/close")
    def close_file(file: int) -> BaseResponse:
        opened.close(file)
        return redirect(url_for("open_trace"), 303)


_WHAT = (
    "Jaeger's, Tempo's, Zipkin's and OTLP's JSON, OTLP's protobuf, and what a collector's file exporter wrote can be "
    f"opened, packed with gzip or zstd or not, up to {store.LIMIT // 2**20} MB."
)


def page(app: Flask) -> str:
    """The form, and what is open."""
    opened: OpenFiles = app.extensions["opened"]
    return render_template("open.html", files=list(reversed(opened.files.items())), what=_WHAT)


def _file(opened: OpenFiles, number: int) -> OpenFile:
    found = opened.files.get(number)
    if found is None:
        abort(404, "This file is not open: files are kept until the console stops, or until they are closed.")
    return found
