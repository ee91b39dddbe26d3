"""`spans trace`, `spans diagnose` and `spans diff`. The answers come from the neighbouring modules."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from workshop.traces.diagnosis.facts import Explain
    from workshop.traces.diagnosis.findings import Diagnosis
    from workshop.traces.model.trace import Trace
    from workshop.traces.sources.jaeger import JaegerClient

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print data instead of text.")]
JaegerUrl = Annotated[
    str,
    typer.Option("--jaeger", envvar="JAEGER_URL", help="Jaeger to read from. Empty: the one that `make up` started."),
]
Full = Annotated[bool, typer.Option("--full", help="Show everything, repeats and what took no time too.")]


NEW_FINDINGS = 3  # that are printed; --json has all of them
Which = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID|FILE]...",
        help="Trace ids, files in any form (Jaeger, OTLP, Tempo, Zipkin; packed or not), folders, - for standard input."
        " Empty: the last checkout.",
    ),
]


@app.command()
def trace(
    which: Which = None,
    full: Full = False,
    account: Annotated[bool, typer.Option("--account", help="Show where the time went, line by line: 100 %.")] = False,
    raw_clocks: Annotated[bool, typer.Option("--raw-clocks", help="Leave the times as they were recorded.")] = False,
    as_json: AsJson = False,
    jaeger: JaegerUrl = "",
) -> None:
    """Show a trace as a waterfall: who called whom, for how long, and where the time went."""
    from workshop.traces.showing.account_view import AccountView
    from workshop.traces.showing.rows import table
    from workshop.traces.showing.waterfall import Waterfall
    from workshop.traces.showing.waterfall import as_json as data
    from workshop.traces.time.account import account as account_of

    with complaining():
        traces = several(which, jaeger) if which else [last_checkout(jaeger)]
    if raw_clocks:
        traces = [each.with_raw_clocks() for each in traces]
    limit = None if full or as_json else 200
    if as_json:
        found = [
            account_of(each).as_json()
            if account
            else data(table(each, collapse=not full, limit=limit)) | {"account": account_of(each).as_json()["lines"]}
            for each in traces
        ]
        put_json(found[0] if len(found) == 1 else found)
        return
    for number, each in enumerate(traces):
        view = AccountView(account_of(each), full=full) if account else Waterfall(each, collapse=not full, limit=limit)
        put(*([""] if number else []), view)


@app.command()
def diagnose(
    which: Which = None,
    last: Annotated[int, typer.Option(min=1, max=500, help="Diagnose this many of the last checkouts together.")] = 1,
    service: Annotated[str, typer.Option(help="With --operation: recent traces of that instead of checkouts.")] = "",
    operation: Annotated[str, typer.Option(help="The operation's name, for example: GET /products")] = "",
    database: Annotated[
        str,
        typer.Option(envvar="SPANS_DATABASE_URL", help="PostgreSQL to ask for plans. Empty: the system's own."),
    ] = "",
    plan: Annotated[bool, typer.Option(help="Ask the database for the plan of a slow statement.")] = True,
    before: Annotated[
        list[str] | None,
        typer.Option(
            help="Traces from before, as ids, files or folders: say what changed since, and whose doing it is."
        ),
    ] = None,
    window: Annotated[str, typer.Option(help="With --service: its traces of so long until now: 10m, 1h.")] = "",
    before_window: Annotated[str, typer.Option(help="What --window is compared with: so long before it.")] = "1h",
    as_json: AsJson = False,
    jaeger: JaegerUrl = "",
) -> None:
    """Say in plain words why a trace, or many of them together, took its time: each finding with its evidence."""
    from workshop.traces.showing.diagnosis_view import DiagnosisView

    if which and (last > 1 or service or operation or window):
        raise typer.BadParameter("give a trace or file, or --last, --service and --operation; not both")
    if operation and not service:
        raise typer.BadParameter("--operation needs --service")
    if before or window:
        put_suspects(which or [], before or [], service, operation, window, before_window, jaeger, as_json=as_json)
        return
    from workshop.commands.operations import by_root
    from workshop.shop import ledger, recent
    from workshop.traces.sources import fetching

    with complaining():
        files = [name for name in which or [] if fetching.is_file(name)]
        # One that was asked for by its id must be there, of many some may be gone.
        if which:
            groups = by_root(several(which, jaeger))
        else:
            client = connect(jaeger)
            groups = [fetching.fetch_all(client, meant(client, service, operation, last), recent.just_bought)]
        alone = not files and len(groups) == len(groups[0]) == 1
        related = fetching.related(connect(jaeger), groups[0][0]) if alone else []
        explain = explainer(database, plan, own=not jaeger and not files)
        if not groups[0]:
            raise fetching.NoTraces("Jaeger no longer has the traces: make new ones with `make checkout`")
        given = [each for group in groups for each in group]
        # Of an operation alone the others are not known yet; what a file has not got is nowhere.
        asks = not files and len(groups) == 1
        results = [
            among(group, related, explain, lambda mine: fetching.around(connect(jaeger), mine) if asks else given)
            for group in groups
        ]
    if as_json:
        found = [with_account(result, group) for result, group in zip(results, groups, strict=True)]
        put_json(found[0] if len(found) == 1 else found)
        return
    for number, result in enumerate(results):
        put(*([""] if number else []), DiagnosisView(result))
    own = not jaeger and not files
    if own and any(ledger.cures(each.title) for result in results for each in result.findings):
        put("", "Next: make fix creates the index, make checkout shows the difference.")


def among(
    group: "list[Trace]",
    related: "list[Trace]",
    explain: "Explain | None",
    others: "Callable[[list[Trace]], list[Trace]]",
) -> "Diagnosis":
    """The diagnosis of an operation's traces among the others of their time.

    What kept one waiting is in none of its own spans, and what it lost is in none either.
    """
    from workshop.traces.diagnosis.diagnose_many import diagnose_many

    return diagnose_many(group, explain=explain, around=[*others(group), *related])


def with_account(result: "Diagnosis", traces: "list[Trace]") -> dict[str, Any]:
    """A diagnosis as data, with the account of the trace that it names: of several the one of median duration."""
    from workshop.traces.time.account import account

    meant = next(each for each in traces if each.trace_id == result.trace_id)
    return result.as_json() | {"account": account(meant).as_json()["lines"]}


def put_suspects(
    which: list[str],
    before: list[str],
    service: str,
    operation: str,
    window: str,
    before_window: str,
    jaeger: str,
    *,
    as_json: bool,
) -> None:
    """Prints what changed between two populations: of traces given, or of two windows of time."""
    from workshop.commands.suspects import new_findings, windows
    from workshop.traces.showing.suspects_view import SuspectsView
    from workshop.traces.suspects.compare import compare

    if bool(which) != bool(before) or bool(window) == bool(before) or (window and not service):
        raise typer.BadParameter("give traces and --before, or --service and --window")
    with complaining():
        if window:
            old, new = windows(connect(jaeger), service, operation, window, before_window)
        else:
            old, new = several(before, jaeger), several(which, jaeger)
    result, said = compare(old, new), new_findings(old, new)
    if as_json:
        put_json(result.as_json() | {"problems": [each.as_json() | {"root": root} for root, each in said]})
        return
    put(SuspectsView(result))
    if said:
        put("", "What the new traces say by themselves, and those from before did not:")
        put(*(f"- {root}: {'a hint: ' * (each.severity == 'hint')}{each.title}" for root, each in said[:NEW_FINDINGS]))


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="[A]", help="Trace id or file: before.")] = "",
    b: Annotated[str, typer.Argument(metavar="[B]", help="Trace id or file: after.")] = "",
    before: Annotated[list[str] | None, typer.Option(help="Ids or files, several with commas or repeated.")] = None,
    after: Annotated[list[str] | None, typer.Option(help="Ids or files, several with commas or repeated.")] = None,
    full: Full = False,
    as_json: AsJson = False,
    jaeger: JaegerUrl = "",
) -> None:
    """Compare two traces leg by leg, or two populations; alone: the checkouts around the last fix or break."""
    from workshop.traces.comparison.populations import diff_many
    from workshop.traces.comparison.two_traces import diff as two
    from workshop.traces.showing.diff_view import DiffView

    if bool(a) != bool(b) or bool(before) != bool(after) or (a and before):
        raise typer.BadParameter("give A and B, or --before and --after, or nothing at all")
    with complaining():
        old, new = populations([a] if a else before or [], [b] if b else after or [], jaeger)
    result = two(old[0], new[0]) if len(old) == len(new) == 1 else diff_many(old, new)
    if as_json:
        put_json(result.as_json())
    else:
        put(DiffView(result, full=full))
        if not (a or before) and (missing := enough(len(old), len(new))):
            put("", missing)


def enough(before: int, after: int) -> str:
    """What to type when there are too few checkouts around the last change to tell it from noise; "" for enough."""
    from workshop.traces.comparison.populations import MIN_TRACES

    if before < MIN_TRACES:
        return (
            f"Before the change there were {before} of the {MIN_TRACES} checkouts that a proof needs. Next: "
            f"make break, make checkout N={MIN_TRACES}, make fix, make checkout N={MIN_TRACES}, make diff"
        )
    if after < MIN_TRACES:
        return f"Next: make checkout N={MIN_TRACES - after}, then make diff again, is enough for a proof."
    return ""


def populations(before: list[str], after: list[str], jaeger: str) -> "tuple[list[Trace], list[Trace]]":
    """The traces on both sides; raises NoTraces when a side is empty."""
    from workshop.shop import history, recent
    from workshop.traces.sources import fetching

    if before:
        return several(before, jaeger), several(after, jaeger)
    earlier, later = ([entry["trace_id"] for entry in side[-50:]] for side in history.before_and_after())
    if not earlier or not later:
        why = "no checkout between the last two changes of the index" if later else "no checkout since the last change"
        raise fetching.NoTraces(
            f"nothing to compare ({why}): "
            "`make break`, `make checkout N=5`, `make fix`, `make checkout N=5`, then `make diff`; or give two ids"
        )
    client = connect(jaeger)
    old, new = (
        fetching.fetch_all(client, earlier, recent.just_bought),
        fetching.fetch_all(client, later, recent.just_bought),
    )
    if not old or not new:
        side = "before" if not old else "after"
        raise fetching.NoTraces(
            f"Jaeger no longer has the checkouts {side} the change (a Jaeger that was killed, as chaos does, has lost "
            "all of them): make new ones with `make checkout`"
        )
    return old, new


def several(names: list[str], jaeger: str) -> "list[Trace]":
    """The traces that a list of ids and files stands for; what was odd in the files is told on standard error."""
    from workshop.shop import recent
    from workshop.stack.screen import complain
    from workshop.traces.sources import fetching

    # A file's name may have a comma in it, a list of ids has one between each.
    whole = [text for text in names if fetching.is_there(text)]
    parts = [part.strip() for text in names for part in ([text] if text in whole else text.split(",")) if part.strip()]
    files = [part for part in parts if fetching.is_file(part)]
    traces: list[Trace] = []
    if files:
        reading = fetching.from_files(files)
        traces = reading.traces
        for note in reading.notes:
            complain(f"note: {note}")
    client = None
    for part in parts:
        if part not in files:
            client = client or connect(jaeger)
            traces.append(recent.fetch(client, recent.whole_id(client, part)))
    if not traces:
        raise typer.BadParameter("no trace ids or files given")
    return traces


def last_checkout(jaeger: str) -> "Trace":
    """The trace of the last checkout."""
    from workshop.shop import history, recent
    from workshop.stack.screen import complain

    client = connect(jaeger)
    trace_id = recent.last_checkouts(client)[0]
    if any(not entry.get("sampled", True) for entry in history.entries()[-1:]):
        complain("note: the last checkout was not sampled; this is the last one that was")
    return recent.fetch(client, trace_id)


def meant(client: "JaegerClient", service: str, operation: str, last: int) -> list[str]:
    """The ids of the traces meant."""
    from workshop.shop import recent
    from workshop.traces.model import naming
    from workshop.traces.sources import fetching

    if not service:
        return recent.last_checkouts(client, last)
    found = client.search(service, operation or None, limit=max(20, last))
    if not found:
        raise fetching.NoTraces(f"no trace of {service} {operation} in the last hour".replace("  ", " "))
    # A population is of one operation: the one that the newest trace began with.
    first = (found[0].root_service, naming.name_template(found[0].root_name))
    alike = [s for s in found if (s.root_service, naming.name_template(s.root_name)) == first]
    return [summary.trace_id for summary in alike[:last]]


def connect(jaeger: str) -> "JaegerClient":
    """A client of the Jaeger given, else of the system's own."""
    from workshop.stack import own
    from workshop.traces.sources.jaeger import JaegerClient

    return JaegerClient(jaeger or own.system().jaeger_url)


def explainer(database: str, plan: bool, *, own: bool) -> "Explain | None":
    """Asks the database given for plans, else the system's own when the trace is from there."""
    from workshop.stack.settings import current
    from workshop.traces.sources import explain

    if not plan or not (database or own):
        return None
    return explain.postgres(database or current().database_url("postgres", "postgres"))


@contextlib.contextmanager
def complaining() -> Iterator[None]:
    """Turns what a person can put right into one sentence and exit code 1, a wrong id into exit code 2."""
    from workshop.stack.screen import complain
    from workshop.traces.sources.fetching import NoTraces
    from workshop.traces.sources.ids import InvalidId
    from workshop.traces.sources.jaeger import JaegerError

    try:
        yield
    except InvalidId as error:
        raise typer.BadParameter(f"{error}, or the name of a file") from None
    except (JaegerError, NoTraces) as error:
        complain(f"error: {error}")
        raise typer.Exit(1) from None


def put(*things: "RenderableType") -> None:
    """Prints as wide as the terminal; without colour where it is none."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    try:
        for thing in things:
            console.print(thing)
    except BrokenPipeError:  # `spans trace | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def put_json(data: Any) -> None:
    """Prints data as JSON."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
