"""`spans scenarios`, `spans break NAME`, `spans fix NAME`: what a person types."""

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from workshop.stack.errors import StackError

if TYPE_CHECKING:
    from workshop.scenarios.model import Population, Proof

app = typer.Typer(no_args_is_help=False, invoke_without_command=True)


@app.callback()
def scenarios(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="As data.")] = False
) -> None:
    """List the faults that can be switched on; check one, show which signature sees which fault."""
    if context.invoked_subcommand is None:
        show(as_json)


def show(as_json: bool) -> None:
    """The scenarios, those for the stage first, and which is on."""
    from workshop.scenarios import running
    from workshop.scenarios.catalogue import every
    from workshop.stack.screen import say
    from workshop.stack.settings import current

    on = running.broken(current())
    if as_json:
        unsaid = ("changes", "signature", "traffic")
        found = [{k: v for k, v in asdict(each).items() if k not in unsaid} for each in every().values()]
        print(json.dumps([each | {"on": each["name"] in on} for each in found], indent=1))
        return
    for each in every().values():
        mark = "on" if each.name in on else "" if each.stage else "slow"
        say(f"{mark:5}{each.name:22}{each.audience:11}{each.title}")
    say("\nspans break NAME switches one on and proves it, spans fix NAME cures it. slow: not for the stage.")


@app.command()
def check(
    name: str,
    record: Annotated[bool, typer.Option(help="Keep the traces as the scenario's recording.")] = False,
) -> None:
    """Prove a scenario: absent when healthy, there when broken, told from all others, gone when cured."""
    from workshop.scenarios.catalogue import named
    from workshop.scenarios.checking import check as prove
    from workshop.stack import own

    prove(own.system(), named(name), record=record)


@app.command()
def matrix() -> None:
    """Print which signature is seen in which recording, as docs/scenarios.md has it."""
    from workshop.scenarios.matrix import matrix as found
    from workshop.scenarios.matrix import table

    typer.echo(table(found()))


@app.command()
def diagnosed() -> None:
    """Print what the diagnosis says of each recording, as docs/scenarios.md has it."""
    from workshop.scenarios.diagnosed import all_told, table

    typer.echo(table(all_told()))


@app.command("record-healthy")
def record_healthy(name: str, users: Annotated[int, typer.Option(min=1, max=32)] = 1) -> None:
    """Keep traces of the system as it should be, to try every signature on."""
    from workshop.scenarios import population, recording, running
    from workshop.scenarios.model import Traffic
    from workshop.stack import own

    settings = own.system()
    if not name.replace("-", "").isalnum():
        raise StackError(f"{name!r} is no name for a file: letters, digits, hyphens")
    running.sound(settings, None)
    found = population.fresh(settings, Traffic(users=users, carts=(1, 3, 8), browse=True), least=10)
    recording.save(recording.HEALTHY / f"{name}.json.gz", settings, found)


def break_scenario(name: str) -> None:
    """Switch a fault on, and show the trace that proves it."""
    from workshop.scenarios import running
    from workshop.scenarios.catalogue import named
    from workshop.stack import own
    from workshop.stack.interrupts import handle_all
    from workshop.stack.screen import say

    scenario, settings = named(name), own.system()
    handle_all()
    began = time.monotonic()
    proof, found = running.break_it(settings, scenario)
    say(f"{scenario.name}: proved in {time.monotonic() - began:.1f} s.")
    say(f"  {proof.words}")
    say("")
    show_proof(found, proof)
    say(f"\nThe page that goes out ({scenario.audience}): {scenario.page}")
    say(f"Next: find it. spans fix {scenario.name} cures it.")


def show_proof(found: "Population", proof: "Proof") -> None:
    """The trace that proves it, as a waterfall."""
    from workshop.commands.traces import put
    from workshop.traces.showing.waterfall import Waterfall

    telling = next(trace for trace in found.traces if trace.trace_id == proof.spans[0].trace_id)
    put(Waterfall(telling, limit=60))


def fix_scenario(name: str) -> None:
    """Cure a fault, and see that it is gone."""
    from workshop.scenarios import running
    from workshop.scenarios.catalogue import named
    from workshop.stack import own
    from workshop.stack.screen import say

    scenario, settings = named(name), own.system()
    began = time.monotonic()
    undone = running.fix_it(settings, scenario)
    for each in undone:
        say(f"Undone: {each.change.words} (change {each.number}).")
    say(f"{scenario.name}: gone, proved in {time.monotonic() - began:.1f} s. {scenario.over}")
