"""`spans reset`: back to a clean baseline, which is looked at before it is called one."""

import requests

from workshop.changes import making
from workshop.chaos import audit, records
from workshop.chaos.invariants import judge
from workshop.commands import index
from workshop.shop import checkout
from workshop.stack import database, own
from workshop.stack.errors import StackError
from workshop.stack.screen import say
from workshop.stack.settings import Settings
from workshop.traces.diagnosis.diagnose import diagnose
from workshop.traces.sources import fetching
from workshop.traces.sources.jaeger import JaegerClient, JaegerError

# Fresh traces without a finding, one after the other, make a baseline clean. A system that was started anew just now
# may need a while for them.
TRACES = 10
ROUNDS = 3
# How long orders may take to be settled: the worker waits for those that nobody has given up.
SETTLE_SECONDS = 60.0


def reset() -> None:
    """Undo every change, have the index there, and verify: orders settled, audit holds, traces without a finding."""
    settings = own.system()
    for each in making.undo(settings, lambda entry: entry.change.slot != index.CHANGE.slot):
        say(f"Undone: {each.change.words}.")
    database.take_connections(settings)
    index.fix()
    if not audit.wait_until_settled(settings, SETTLE_SECONDS + settings.settle_after_seconds):
        raise StackError("orders are not settled: make logs SERVICE=order-worker, make dead-letters")
    violated = [verdict.invariant for verdict in judge(records.read(settings), SETTLE_SECONDS) if verdict.violations]
    if violated:
        raise StackError(f"everything was undone, and the audit does not hold ({', '.join(violated)}): make audit")
    say("All orders are settled, and the audit holds.")
    findings: list[str] = []
    for _ in range(ROUNDS):
        findings = look(settings)
        if not findings:
            say(f"{TRACES} fresh traces have no finding: the baseline is clean. make break drops the index again.")
            return
    raise StackError(
        "everything was undone, and still some traces have findings, the last of them: "
        f"{findings[-1]}\nmake status tells what runs; a machine that is busy with other things shows in traces, too"
    )


def look(settings: Settings) -> list[str]:
    """What is found in fresh checkouts, TRACES of them, one after the other; nothing when all is well."""
    client, bought = JaegerClient(settings.jaeger_url), []
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(TRACES):
            outcome = checkout.buy(session, settings, checkout.pick(settings.seed_products), checkout.GOOD_CARD)
            if not outcome.good or outcome.trace_id is None:
                return [f"a checkout was answered with {outcome.status}: {outcome.words}"]
            bought.append(outcome.trace_id)
    try:
        traces = fetching.fetch_all(client, bought, lambda trace_id: True)
    except JaegerError as error:
        raise StackError(f"everything was undone, and no trace can be looked at: {error}") from None
    found = [f"{trace.trace_id} {each.title}" for trace in traces for each in diagnose(trace).problems]
    return found + ["some traces did not come"] * (len(traces) < TRACES)
