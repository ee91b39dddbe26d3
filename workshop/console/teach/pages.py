"""What the teacher's page answers, and what it says of what runs without giving a name away."""

import re
from pathlib import Path
from typing import Any

from flask import Flask, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.exceptions import Conflict, Forbidden, HTTPException, NotFound, ServiceUnavailable
from werkzeug.wrappers import Response

from workshop.console import failures
from workshop.console.teach import door
from workshop.console.teach.listing import Asking, Listing, Silent
from workshop.console.teach.work import Busy, Note, Slot

MOST_BODY = 4096  # bytes of a form
MOST_USERS = 32
LOAD_SECONDS = 3600
AWAY = (
    "It runs the commands of this checkout, and here the console has none: it is in a container, or was started by "
    "itself. In a terminal make scenarios lists them, make break NAME=... switches one on, make fix NAME=... off, "
    "make load makes load, make changes and make reset do the rest."
)
# The waterfall's heading, which is one line where it fits and else has the id on its second.
TRACE = re.compile(r"^(?:.* spans?, .*)? *trace ([0-9a-f]{32})$", re.MULTILINE)
# What is said of each command: while it runs, when it came to its end, and when it did not.
SAID = {
    "break": ("is being switched on: customers buy until it shows", "is on, and proved", "was not switched on"),
    "fix": ("is being switched off: customers buy until it is gone", "is off, and gone", "is not off for certain"),
    "reset": ("The reset is under way", "All is as it should be, and looked at", "The reset did not come to its end"),
}


class Teacher:
    """What the page keeps: where commands run, and the listing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.change, self.load = Slot(folder, "change"), Slot(folder, "load")
        self.asking = Asking(folder)


def answer(app: Flask, folder: str, what: str) -> Response | tuple[str, int]:
    """The page, or whatever of it was asked for; refusals as a page for a person, as problem+json for a script."""
    try:
        if not folder:
            return failures.page("The teacher's page is not here", "This console cannot run commands.", 404, AWAY)
        teacher: Teacher = app.extensions.setdefault("teacher", Teacher(Path(folder)))
        return _answer(teacher, what)
    except HTTPException as error:
        if request.accept_mimetypes.best_match(["text/html", "application/json"]) != "application/json":
            raise
        body = {"type": "about:blank", "title": error.name, "status": error.code, "detail": error.description}
        response = jsonify(body)
        response.status_code, response.content_type = error.code or 500, "application/problem+json"
        return response


def _answer(teacher: Teacher, what: str) -> Response:
    token = door.token_in(teacher.folder)
    # Cookies know no ports: another system on this machine has another name.
    cookie = f"teach-{request.host.rpartition(':')[2]}"
    if problem := door.outside(request):
        raise Forbidden(problem)
    if request.method == "GET" and what not in ("", "now"):
        if not door.same(what, token):
            raise Forbidden("this is not the teacher's address, or no longer: make teach prints the one of today")
        entered = redirect(url_for("teach"), 303)
        entered.set_cookie(cookie, door.derived(token, "cookie"), path="/teach", httponly=True, samesite="Lax")
        return entered
    if not door.same(request.cookies.get(cookie, ""), door.derived(token, "cookie")):
        raise Forbidden("open the address that make up printed for the teacher: make teach prints it again")
    if request.method == "POST":
        request.max_content_length = MOST_BODY
        if not door.same(request.form.get("form", ""), door.derived(token, "form")):
            raise Forbidden("this form is of another start of the system: load the page anew")
        _act(teacher, what)
        return redirect(url_for("teach"), 303)
    if what == "now":
        return jsonify(_now(teacher))
    return Response(_page(teacher, door.derived(token, "form")), content_type="text/html; charset=utf-8")


def _act(teacher: Teacher, what: str) -> None:
    try:
        match what:
            case "break" | "fix":
                name = request.form.get("name", "")
                if _listing(teacher).number(name) is None:
                    abort(400, f"There is no scenario {name[:50]!r}: load the page anew.")
                teacher.change.start(what, name)
            case "reset":
                load = teacher.load.now()
                if load and load.runs:
                    raise Busy("load is on, and its traces would not be clean: switch it off first")
                teacher.change.start("reset")
            case "load":
                users = request.form.get("users", "")
                if not (users.isascii() and users.isdecimal() and len(users) < 9 and 1 <= int(users) <= MOST_USERS):
                    abort(400, f"Customers at once: a whole number, 1 to {MOST_USERS}, and not {users[:50]!r}.")
                teacher.load.start("load", "--users", str(int(users)), "--duration", str(LOAD_SECONDS))
            case "stop":
                teacher.change.end()
            case "stop-load":
                teacher.load.end()
            case _:
                raise NotFound("the teacher's page has no such button")
    except Busy as error:
        raise Conflict(str(error)) from None


def _listing(teacher: Teacher, *, fresh: bool = True) -> Listing:
    try:
        return teacher.asking.listing(fresh=fresh)
    except Silent as error:
        raise ServiceUnavailable(f"the commands do not answer: {error}") from None


def _page(teacher: Teacher, form: str) -> str:
    listing = _listing(teacher)
    numbered = list(enumerate(listing.scenarios, 1))
    groups = {
        "For the stage: each shows within half a minute": [each for each in numbered if each[1]["stage"]],
        "For later: these take their time": [each for each in numbered if not each[1]["stage"]],
    }
    on = [number for number, each in numbered if each["on"]]
    now = _now(teacher)
    return render_template("teach.html", form=form, groups=groups, on=on, listing=listing, now=now, most=MOST_USERS)


def _now(teacher: Teacher) -> dict[str, Any]:
    """What runs, or ran last: in a sentence that gives nothing away, and in its own words."""
    change, load = teacher.change.now(), teacher.load.now()
    # Another version may have noted what this one does not know.
    change = change if change and change.words[:1] and change.words[0] in SAID else None
    load = load if load and len(load.words) > 2 else None
    words = teacher.change.output() if change else ""
    traces = TRACE.findall(words) if change and change.words[0] == "break" and change.code == 0 else []
    last = teacher.load.output().strip().splitlines()[-1:] if load else []
    return {
        "running": bool(change and change.runs),
        "ending": bool(change and change.runs and change.ending),
        "said": said(change, _listing(teacher, fresh=False)) if change else "Nothing was switched from here yet.",
        "words": words,
        "trace": traces[0] if traces else None,
        "load": {
            "running": bool(load and load.runs),
            "said": _of_load(load, "".join(last)) if load and last else "",
        },
    }


def _of_load(note: Note, last: str) -> str:
    return f"{'Load' if note.runs else 'The last load'}, {note.words[2]} at once: {last.strip()}"


def said(note: Note, listing: Listing) -> str:
    """`Scenario 7 is on, and proved: after 12 s.`"""
    kind, *rest = note.words
    while_running, well, badly = SAID[kind]
    number = listing.number(rest[0]) if rest else None
    who = f"Scenario {number} " if rest else ""
    if note.runs and note.ending:
        return f"{who or 'The reset '}is being ended, and the system left whole, {note.seconds:.0f} s."
    if note.runs:
        return f"{who}{while_running}, {note.seconds:.0f} s."
    if note.code == 0:
        return f"{who}{well}: after {note.seconds:.0f} s."
    if note.ended is None:
        return f"{who}{badly}, or nobody saw it: the console was started anew meanwhile. Its own words are below."
    how = "it was ended" if note.ending else f"exit code {note.code}"
    return f"{who}{badly}: {how}, after {note.seconds:.0f} s. Its own words are below."
