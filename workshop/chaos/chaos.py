"""`spans chaos`: customers buy while the system is broken at random; then everything must still add up."""

import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from psycopg.rows import class_row

from workshop.chaos import audit, records
from workshop.chaos.customers import Checkout, Customers
from workshop.chaos.faults import Faults
from workshop.chaos.invariants import judge
from workshop.chaos.plan import Action, make_plan
from workshop.stack import runtime
from workshop.stack.docker import system as docker
from workshop.stack.errors import StackError
from workshop.stack.interrupts import handle_all, undisturbed
from workshop.stack.local import system as local
from workshop.stack.screen import say
from workshop.stack.settings import Settings, current

PROGRESS_SECONDS = 5.0
# After the last fault, until no order is pending.
SETTLE_SECONDS = 180.0

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


def chaos(duration: float, seed: int | None, users: int) -> bool:
    """Run it against the stack that is up; True when nothing was lost and every invariant holds."""
    handle_all()
    settings = current()
    check(settings)
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    plan = make_plan(seed, duration)
    say(f"{users} customers for {duration:g} s, {len(plan)} faults; SEED={seed} makes the same plan again")
    faults = Faults(settings)
    customers = Customers(settings.gateway_url, settings.seed_products, users, 60 + 2 * settings.settle_after_seconds)
    try:
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
            faults.restore()
        raise
    return report(settings, customers, faults)


def check(settings: Settings) -> None:
    """StackError unless the local runtime is up and ready: only there are the processes ours to kill."""
    up = runtime.what_is_up(settings)
    if up is None:
        raise StackError("nothing is up to be broken: make up starts the system")
    if up == "docker":
        by_hand = " ".join(docker.compose(settings, "kill", "order"))
        raise StackError(
            "chaos kills processes of the local runtime, and the Docker runtime is up: make down, then "
            f"RUNTIME=local make up; or break a container by hand ({by_hand}), then make up and make audit"
        )
    if not local.all_ready(settings):
        raise StackError(f"not everything is ready: {', '.join(Faults(settings).away())}; make status, make up")


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
    verdicts = judge(records.read(settings), pending_seconds=SETTLE_SECONDS)
    figures = customers.figures()
    say("")
    audit.show(verdicts)
    say("")
    for name in ("sent", "confirmed", "declined", "refused", "gave up", "retries"):
        say(f"{name if name != 'sent' else 'checkouts':10} {figures[name]:6,}")
    say(f"{'kills':10} {faults.done['kill']:6,}")
    say(f"{'pauses':10} {faults.done['pause']:6,}")
    say(f"{'cuts':10} {faults.done['cut']:6,}")
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
    confirmed: dict[str, list[str]] = {}
    for order in orders:
        if order.status == "confirmed":
            confirmed.setdefault(order.customer, []).append(order.id)
    for checkout in checkouts:
        has = confirmed.get(checkout.customer, [])
        if len(has) > 1:
            result.lost.append(f"{checkout.customer} has bought once and has the orders {', '.join(has)}")
        elif checkout.outcome == "confirmed" and has != [checkout.order_id]:
            result.lost.append(f"{checkout.customer} was told that {checkout.order_id} is confirmed; it is not")
        elif checkout.outcome in ("declined", "refused") and has:
            result.lost.append(f"{checkout.customer} was {checkout.outcome}, and has the order {has[0]}")
    return result
