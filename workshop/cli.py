"""`spans`: every command of the workshop. Thin; what a command does stands in workshop/stack and its neighbours."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    # Until a command begins there is nothing to clean up: Ctrl-C just ends it, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from workshop.stack.first_run import environment, obstacles

# Before anything is imported that reads its variables then.
if __name__ == "__main__" or Path(sys.argv[0]).name == "spans":
    environment.start_afresh("workshop.cli")
else:
    environment.clean_up()

import typer

from workshop.commands.grouping import Grouped
from workshop.commands.traces import app as traces
from workshop.scenarios.commands import app as scenarios
from workshop.stack.errors import StackError

ROOT = Path(__file__).resolve().parents[1]
# What is checked and measured, as far as it is there.
CODE = ("common", "gateway", "inventory", "order", "payment", "services", "workshop", "tests", "bench")

app = typer.Typer(
    cls=Grouped, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)

# For commands that are another program's: its options, `--help` too, are handed on.
HANDED_ON: dict[str, Any] = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

Items = Annotated[str, typer.Option(help='What to buy: "SKU-00001:2 SKU-00017:1". Empty: three random products.')]
app.add_typer(traces)
app.add_typer(scenarios, name="scenarios")


@app.callback()
def spans() -> None:
    """A slow checkout, and the trace that shows why."""


@app.command()
def up() -> None:
    """Start the system: with Docker when its engine answers, else as processes here. TEACH, SHARE: for a class."""
    from workshop.changes import making
    from workshop.console.teach import address as teacher
    from workshop.share import opening, teaching
    from workshop.stack import lifecycle

    address = opening.wanted()
    making.prepare()
    lifecycle.up()
    making.settle()
    teacher.settle()
    teaching.settle()
    opening.settle(address)


@app.command()
def down() -> None:
    """Stop everything, keep the data."""
    from workshop.console.teach import address as teacher
    from workshop.share import opening, teaching
    from workshop.stack import lifecycle

    opening.close_first()
    teacher.end_first()
    teaching.end_first()
    lifecycle.down()


@app.command()
def clean() -> None:
    """Stop everything, remove the data, the logs and the Python packages."""
    from workshop.console.teach import address as teacher
    from workshop.share import opening, teaching
    from workshop.stack import lifecycle

    opening.close_first()
    teacher.end_first()
    teaching.end_first()
    lifecycle.clean()


@app.command()
def status() -> None:
    """Show what runs, where, and whether it is ready. Exit code 1 when something is not."""
    from workshop.changes import commands as changes
    from workshop.chaos import dead_letters
    from workshop.share import opening, teaching
    from workshop.shop import ledger
    from workshop.stack import status as stack

    more = {
        "index": ledger.state_in_words,
        "changes": changes.in_words,
        "dead letters": dead_letters.in_words,
        "room": opening.in_words,
        "answers": teaching.in_words,
    }
    sys.exit(0 if stack.status(more) else 1)


@app.command()
def logs(
    which: Annotated[
        str,
        typer.Argument(metavar="[SERVICE|ID]", help="Only this process (order, gateway …); or a trace: its lines."),
    ] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Lines of each log to begin with.")] = 10,
    follow: Annotated[bool, typer.Option(help="Go on with new lines until Ctrl-C.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="As data: the lines as they were written.")] = False,
) -> None:
    """Show the logs, in order of time; or all that was written during a trace, on one timeline with its spans."""
    from workshop.commands import trace_logs
    from workshop.logs import reading, showing

    if reading.is_trace_id(which):
        trace_logs.logs_of_trace(which, as_json=as_json)
    else:
        showing.show(which, lines, following=follow, as_json=as_json)


@app.command()
def neighbours(
    which: Annotated[str, typer.Argument(metavar="[ID]", help="A trace's id. Empty: the last checkout.")] = "",
    among: Annotated[
        list[str] | None, typer.Option(help="Files, folders or ids with the traces of the same moments: ask no Jaeger.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Ask PostgreSQL instead who blocks whom at this moment.")] = False,
    database: Annotated[
        str, typer.Option(envvar="SPANS_DATABASE_URL", help="PostgreSQL for --now. Empty: the system's own.")
    ] = "",
    full: Annotated[bool, typer.Option("--full", help="Show every wait and every holder.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print data instead of text.")] = False,
    jaeger: Annotated[
        str, typer.Option("--jaeger", envvar="JAEGER_URL", help="Jaeger to read from. Empty: the system's own.")
    ] = "",
) -> None:
    """Say who held what a trace waited for: a lock, a pool's connection, a process, a queue. By times, so likely."""
    from workshop.commands import neighbours

    if now and (which or among):
        raise typer.BadParameter("--now is about this moment: give no trace with it")
    if now:
        neighbours.blocked_now(database, as_json=as_json)
    else:
        neighbours.neighbours(which, among or [], jaeger, full=full, as_json=as_json)


@app.command()
def hunt(
    level: Annotated[int, typer.Option(min=1, max=2, help="2: PostgreSQL logs its slow statements, too.")] = 1,
    checkouts: Annotated[int, typer.Option(min=1, max=200, help="Made first.")] = 60,
    clients: Annotated[int, typer.Option(min=1, max=32, help="Customers at once.")] = 12,
    answer: Annotated[bool, typer.Option("--answer", help="Show the last hunt's solution.")] = False,
) -> None:
    """Find a slow checkout in logs as most systems have them: no ids, no durations. Then see the trace."""
    from workshop.commands import trace_logs
    from workshop.shop import hunt

    if answer:
        trace_logs.answer_of_hunt()
    else:
        hunt.hunt(checkouts, clients, level)


@app.command()
def price(
    sku: Annotated[str, typer.Argument(help="The product, such as SKU-00001.")],
    cents: Annotated[int, typer.Argument(help="What it costs from now on.")],
) -> None:
    """Change a product's price, and have the catalogue's cache forget the old one."""
    from workshop.shop import price

    price.price(sku, cents)


@app.command()
def doctor() -> None:
    """Tell whether the system can run here, and if not, why."""
    from workshop.stack.first_run import doctor

    sys.exit(doctor.main())


@app.command()
def checkout(
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many, one after the other.")] = 1,
    items: Items = "",
    card: Annotated[
        str,
        typer.Option(help="declined, 0002 (declined), 0119 (the provider fails), other digits. Empty: a good one."),
    ] = "",
) -> None:
    """Buy something; print status, milliseconds, trace id and the trace's page."""
    from workshop.shop import checkout

    sys.exit(0 if checkout.run(count, items, card) else 1)


@app.command()
def explain(items: Items = "") -> None:
    """Show PostgreSQL's own plan for the statement that sums the ledger."""
    from workshop.shop import index

    index.explain(items)


Scenario = Annotated[str, typer.Argument(metavar="[NAME]", help="As spans scenarios lists it. Empty: the index.")]


@app.command()
def fix(name: Scenario = "") -> None:
    """Create the missing index, without stopping anyone's writes; or cure a scenario, and prove it."""
    if name:
        from workshop.scenarios import commands

        commands.fix_scenario(name)
        return
    from workshop.commands import index

    index.fix()


@app.command("break")
def break_again(name: Scenario = "") -> None:
    """Drop the index again; or switch a scenario on, and prove it."""
    if name:
        from workshop.scenarios import commands

        commands.break_scenario(name)
        return
    from workshop.commands import index

    index.break_again()


Service = Annotated[str, typer.Argument(help="gateway, order, order-worker, inventory, payment or provider.")]


@app.command()
def deploy(
    service: Service, release: Annotated[str, typer.Option(help="Its name, as workshop/changes/releases has it.")]
) -> None:
    """Have a service run another version of its package; one process is started anew."""
    from workshop.changes import commands

    commands.deploy(service, release)


@app.command("set")
def set_values(
    service: Service,
    assignments: Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="None: list them.")] = None,
) -> None:
    """Give settings of a process other values; one process is started anew. Without any: what can be set."""
    from workshop.changes import commands

    commands.set_values(service, assignments or [])


@app.command()
def rollback(
    which: Annotated[str, typer.Argument(metavar="SERVICE|NUMBER", help="A process, or a change's number.")],
) -> None:
    """Undo what was changed at a process, or one change."""
    from workshop.changes import commands

    commands.rollback(which)


@app.command()
def teach() -> None:
    """Print the address of the teacher's page: scenarios on and off, for a browser on this machine."""
    from workshop.console.teach import address

    address.tell()


@app.command()
def reset() -> None:
    """Go to a verified clean baseline: every change undone, the index there, orders settled, no finding in any trace.

    What was changed is undone, the index is created (as delivered it is missing: make break drops it again), orders
    under way are waited for, the audit must hold, and ten fresh checkouts must have traces without a finding. Exit
    code 1, with the reason, when one of it does not come true.
    """
    from workshop.commands import reset

    reset.reset()


@app.command()
def changes(as_json: Annotated[bool, typer.Option("--json", help="As data.")] = False) -> None:
    """Show what was changed since the system was delivered: when, what, by whom, and whether it was undone."""
    from workshop.changes import commands

    commands.show(as_json)


@app.command()
def load(
    users: Annotated[int, typer.Option(min=1, help="Customers at once.")] = 8,
    rate: Annotated[str, typer.Option(help="Checkouts a second, all together. Empty: as fast as they can.")] = "",
    duration: Annotated[int, typer.Option(min=1, help="Seconds.")] = 30,
) -> None:
    """Run many customers at once with Locust, and print the figures."""
    from workshop.load import commands

    commands.load(users, number(rate), duration)


@app.command("load-ui")
def load_ui() -> None:
    """Serve Locust's page, to run load from there."""
    from workshop.load import commands

    commands.load_ui()


@app.command()
def audit(
    settle: Annotated[float, typer.Option(min=0, help="Seconds to wait at most until none is pending.")] = 0,
    pending_seconds: Annotated[float, typer.Option(min=0, help="How long an order may be pending.")] = 60,
    as_json: Annotated[bool, typer.Option("--json", help="The verdicts as data.")] = False,
) -> None:
    """Check that orders, stock, charges and messages agree. Exit code 1 when they do not."""
    from workshop.chaos.audit import audit

    sys.exit(0 if audit(settle, pending_seconds, as_json) else 1)


@app.command()
def refund(order_id: Annotated[str, typer.Argument(help="The id that the audit names.")]) -> None:
    """Give back what was charged for an order that failed, or that nobody placed."""
    from workshop.chaos import refund

    refund.refund(order_id)


@app.command("dead-letters")
def dead_letters(as_json: Annotated[bool, typer.Option("--json", help="As data.")] = False) -> None:
    """Show the messages and orders that the worker has set aside after several attempts, and why."""
    from workshop.chaos import dead_letters

    dead_letters.show(as_json)


@app.command()
def retry() -> None:
    """Hand all dead letters back to the worker, which tries them again."""
    from workshop.chaos import dead_letters

    dead_letters.retry()


@app.command()
def chaos(
    duration: Annotated[float, typer.Option(min=1, help="Seconds.")] = 60,
    seed: Annotated[str, typer.Option(help="A number: the same one makes the same faults. Empty: any.")] = "",
    users: Annotated[int, typer.Option(min=1, max=64, help="Customers at once.")] = 8,
    second: Annotated[bool, typer.Option(help="With a second order service and a second worker.")] = False,
) -> None:
    """Kill, pause, cut and lock at random while customers buy, then audit. The trace backend loses its traces."""
    from workshop.chaos.chaos import chaos

    if seed and not seed.isdecimal():
        raise StackError(f"SEED is {seed!r}: give a whole number, 0 or more, or none")
    sys.exit(0 if chaos(duration, int(seed) if seed else None, users, second) else 1)


@app.command(context_settings=HANDED_ON)
def test(context: typer.Context) -> None:
    """Run the tests; what follows is handed to pytest."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *context.args])


@app.command()
def lint() -> None:
    """Check style and types, and whether a locked package has a known vulnerability: ruff, mypy, pip-audit."""
    from workshop.commands import vulnerabilities

    os.chdir(ROOT)
    there = [name for name in CODE if Path(name).is_dir()]
    commands = (["ruff", "check", *there], ["ruff", "format", "--check", *there], ["mypy", *there])
    codes = [subprocess.run([sys.executable, "-m", *command], check=False).returncode for command in commands]
    sys.exit(1 if any(codes) or not vulnerabilities.check() else 0)


@app.command(context_settings=HANDED_ON)
def bench(context: typer.Context) -> None:
    """Measure what the documentation claims; what follows is handed to the measurements."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *context.args])


def number(text: str) -> float:
    """A rate; 0 for an empty one."""
    try:
        value = float(text or 0)
    except ValueError:
        value = -1
    if not 0 <= value < 1e6:
        raise StackError(f"RATE is {text!r}: give checkouts a second, for example 20")
    return value


def main() -> None:
    """Run a command; exit 1 with a sentence for what a person can put right, 130 after Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    obstacles.speak_anyhow()
    try:
        if told := obstacles.of_machine():
            raise StackError(told)
        app(prog_name="spans")
    except StackError as error:
        from workshop.stack.screen import complain

        complain(f"error: {error}")
        sys.exit(1)
    except OSError as error:
        from workshop.stack.screen import complain

        # Nobody reads on (`| head`), and that is fine.
        if not isinstance(error, BrokenPipeError):
            complain(f"error: {obstacles.told(error)}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        write_the_rest()


def write_the_rest() -> None:
    """Write what was printed and is kept; where nobody reads on, drop it, or Python complains as it ends."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
