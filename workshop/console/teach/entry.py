"""Where the teacher's page is, before anything of it is imported.

GET  /teach/TOKEN    a cookie, and on to the page, so that the token is not in the address on the wall
GET  /teach          the page
GET  /teach/now      what runs now, as JSON
POST /teach/ACTION   break, fix, reset, load, stop, stop-load: each starts a command, or ends it
"""

from pathlib import Path

from flask import Flask
from werkzeug.wrappers import Response


def register(app: Flask, folder: str) -> None:
    """Adds the addresses; `folder` is where the page keeps its token and what runs, empty where it cannot be."""

    def teach(what: str = "") -> Response | tuple[str, int]:
        from workshop.console.teach import pages

        return pages.answer(app, folder, what)

    app.add_url_rule("/teach", "teach", teach)
    app.add_url_rule("/teach/<what>", "teach_more", teach, methods=["GET", "POST"])


def leave(folder: str) -> None:
    """The console ends: so does what the page started, whole or undone."""
    if folder and any(Path(folder).glob("*.json")):
        from workshop.console.teach import work

        work.interrupt_all(Path(folder))
