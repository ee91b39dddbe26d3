"""`spans chaos`: customers buy while the system is broken at random; then everything must still add up."""

import contextlib
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from psycopg.rows import class_row

from workshop.chaos import audit, records
from workshop.chaos.customers import Checkout, Customers
from workshop.chaos.docker_targets import DockerTargets
from workshop.chaos.faults import Faults
from workshop.chaos.invariants import judge
from workshop.chaos.plan import Action, make_plan
from workshop.chaos.second import Second
from workshop.chaos.targets import LocalTargets, Targets
from workshop.stack import own, runtime
from workshop.stack.errors import StackError
from workshop.stack.interrupts import handle_all, undisturbed
from workshop.stack.screen import say
from workshop.stack.settings import Settings

PROGRESS_SECONDS = 5.0
# After the last fault, until no order is pending.
SETTLE_SECONDS = 180.0
# How each kind of fault is called when it is counted.
KINDS = {
    "kill": "kills",
    "term": "sigterms",
    "pause": "pauses",
    "cut": "cuts",
    "refuse": "outages",
    "lock": "locks",
    "disconnect": "unplugged",
}

THEIR_ORDERS = """
SELECT customer_id AS customer, id, status, attended_at > created_at AS settled
FROM orders
WHERE starts_with(customer_id, %(name)s)
"""


class TheirOrder(NamedTuple):
    """An order of one of our customers. `settled`: the worker had to finish it."""

    customer: str
    id: str
    status: str
    settled: bool


@dataclass
class Result:
    """What became of the customers' checkouts: `lost` has a sentence for each that is not what was answered."""

    recovered: int = 0
    lost: list[str] = field(default_factory=list)


def chaos(duration: float, seed: int | None, users: int, second: bool = False) -> bool:
    """Run it against the stack that is up; True when nothing was lost and every invariant holds.

    With `second`, two order services and two workers, and a second gateway where that is needed, share the databases.
    """
    handle_all()
    settings = own.system()
    up = check(settings)
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    faults = Faults(settings, targets_of(up, settings, second))
    plan = make_plan(seed, duration, faults.targets.ground)
    again = f"SEED={seed}{' SECOND=1' if second else ''} makes the same plan again"
    say(f"{users} customers for {duration:g} s, {len(plan)} faults; {again}")
    patience = 90 + 2 * settings.settle_after_seconds
    customers = Customers(faults.targets.gateways, settings.seed_products, users, patience, seed)
    try:
        if second:
            faults.restore()
        customers.start()
        break_things(faults, plan, customers, duration)
        customers.close()
        say("No more faults. Waiting until all is ready again.")
        faults.restore()
        wait_for_answers(customers)
    except BaseException:
        customers.close()
        with undisturbed():
            with contextlib.suppress(OSError):
                say("Putting everything right.")
            try:
                faults.restore()
            finally:
                faults.targets.close()
        raise
    try:
        return report(settings, customers, faults)
    finally:
        faults.targets.close()


def check(settings: Settings) -> runtime.Runtime:
    """Which runtime is up and ready; StackError when none is."""
    up = runtime.what_is_up(settings)
    if up is None:
        raise StackError("nothing is up to be broken: make up starts the system")
    if away := targets_of(up, settings, second=False).away():
        raise StackError(f"not everything is ready: {', '.join(away)}; make status, make up")
    return up


def targets_of(up: runtime.Runtime, settings: Settings, second: bool) -> Targets:
    """What can be broken in a runtime."""
    if up == "docker":
        return DockerTargets(settings, second)
    return LocalTargets(settings, Second(settings) if second else None)


def break_things(faults: Faults, plan: list[Action], customers: Customers, duration: float) -> None:
    """Make every fault at its time, and tell how it goes."""
    began = time.monotonic()
    left = list(plan)
    next_progress = PROGRESS_SECONDS
    while (now := time.monotonic() - began) < duration:
        faults.resume()
        if left and left[0].at <= now:
            action = left.pop(0)
            made = faults.make(action)
            say(f"{now:6.1f} s  {action}" + ("" if made else ": it is not there just now"))
        if now >= next_progress:
            next_progress += PROGRESS_SECONDS
            say(f"{now:6.1f} s  {progress(customers.figures())}", "bold")
        time.sleep(0.05)


def progress(figures: Counter[str]) -> str:
    """`132 checkouts: 120 confirmed, 7 declined, 5 refused; 23 retries`."""
    return (
        f"{figures['sent']} checkouts: {figures['confirmed']} confirmed, {figures['declined']} declined, "
        f"{figures['refused']} refused; {figures['retries']} retries"
    )


def wait_for_answers(customers: Customers) -> None:
    """Wait until every customer has an answer, or has given up."""
    told = 0
    while busy := customers.busy():
        if busy != told:
            say(f"waiting for the answers of {busy} customers")
            told = busy
        time.sleep(0.5)


def report(settings: Settings, customers: Customers, faults: Faults) -> bool:
    """Wait until nothing is pending, audit, print the figures; True when nothing is wrong."""
    audit.wait_until_settled(settings, SETTLE_SECONDS)
    result = reconcile(customers.checkouts, orders_of(settings, customers.name))
    result.lost.extend(customers.wrong)
    verdicts = judge(records.read(settings), pending_seconds=SETTLE_SECONDS)
    figures = customers.figures()
    say("")
    audit.show(verdicts)
    say("")
    for name in ("sent", "confirmed", "declined", "refused", "gave up", "unsure", "retries"):
        say(f"{name if name != 'sent' else 'checkouts':10} {figures[name]:6,}")
    for kind, name in KINDS.items():
        say(f"{name:10} {faults.done[kind]:6,}")
    say(f"{'recovered':10} {result.recovered:6,}   orders that were left half-done, and that the worker finished")
    say(f"{'500s':10} {customers.answers[500]:6,}   answers that nobody thought of")
    say(f"{'lost':10} {len(result.lost):6,}", "red" if result.lost else "green")
    for sentence in result.lost[:20]:
        say(f"    {sentence}")
    return not result.lost and not customers.answers[500] and not any(verdict.violations for verdict in verdicts)


def orders_of(settings: Settings, name: str) -> list[TheirOrder]:
    """The orders of this run's customers."""
    with (
        records.database(settings, "orders") as connection,
        connection.cursor(row_factory=class_row(TheirOrder)) as cursor,
    ):
        return cursor.execute(THEIR_ORDERS, {"name": f"{name}-"}).fetchall()


def reconcile(checkouts: list[Checkout], orders: list[TheirOrder]) -> Result:
    """Compare what the customers were answered with what the system has."""
    result = Result(recovered=sum(order.settled for order in orders))
    confirmed: dict[str, set[str]] = defaultdict(set)
    for order in orders:
        if order.status == "confirmed":
            confirmed[order.customer].add(order.id)
    by_customer: dict[str, list[Checkout]] = defaultdict(list)
    for checkout in checkouts:
        by_customer[checkout.customer].append(checkout)
    for customer, theirs in by_customer.items():
        result.lost.extend(lost_of(customer, theirs, confirmed[customer]))
    return result


def lost_of(customer: str, theirs: list[Checkout], confirmed: set[str]) -> Iterator[str]:
    """A sentence for each of a customer's checkouts that is not what was answered; `confirmed` is what there is."""
    told = {each.order_id for each in theirs if each.outcome == "confirmed"}
    for each in sorted(map(str, told - confirmed)):
        yield f"{customer} was told that {each} is confirmed; it is not"
    # Whoever has no answer may have an order, or none.
    unknown = sum(each.outcome in ("gave up", "unsure") for each in theirs)
    if len(confirmed - told) > unknown:
        answers = ", ".join(each.outcome for each in theirs)
        yield f"{customer} was answered {answers}, and has the orders {', '.join(sorted(confirmed))}"
