"""`spans refund`: give back a charge that the audit found, one for an order that failed or that nobody placed."""

import requests

from workshop.chaos import records
from workshop.stack.errors import StackError
from workshop.stack.screen import say
from workshop.stack.settings import Settings, current

WHAT_TO_DO = (
    "make refund ID=… with its id gives the money back; it refuses when the order is confirmed, or not decided yet"
)

STATUS = "SELECT status FROM orders WHERE id = %(id)s"


def refund(order_id: str) -> None:
    """Refund the order's charge through the provider; StackError when it is owed, or when there is none."""
    settings = current()
    check_not_owed(settings, order_id)
    url = f"http://127.0.0.1:{settings.provider_port}/v1/charges/refund"
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy stands between this machine and itself
            answer = session.post(url, headers={"Idempotency-Key": order_id}, timeout=70)
            told = answer.json()
    except (requests.RequestException, UnicodeEncodeError) as error:
        raise StackError(f"the provider at {url} cannot be asked ({type(error).__name__}): make status") from None
    if not answer.ok:
        raise StackError(f"nothing was refunded for {order_id}: {told['message']}")
    say(f"{told['amount']} {told['currency']} refunded for {order_id}. Next: make audit.")


def check_not_owed(settings: Settings, order_id: str) -> None:
    """StackError when the charge is that of an order that is confirmed, or may be."""
    with records.database(settings, "orders") as connection:
        row = connection.execute(STATUS, {"id": order_id}).fetchone()
    if row is not None and row[0] != "failed":
        why = "its charge is owed" if row[0] == "confirmed" else "the worker settles it: make audit SETTLE=60"
        raise StackError(f"the order {order_id} is {row[0]}, {why}; nothing was refunded")
