"""What a client is told about its order: the same in the first answer and in every repetition."""

from typing import Any

from common.errors import NOTHING_BEGUN, Problem
from order.clients import Charge, Price


def confirmation(order_id: str, price: Price) -> dict[str, Any]:
    """The answer for a confirmed order."""
    return {"order_id": order_id, "status": "confirmed", **price._asdict()}


def not_paid(charge: Charge) -> Problem:
    """The answer for an order that was not paid: the customer's failure when the card was declined, else one of ours.

    A declined card stays declined, whoever finds out: the order service, or the worker a minute later. A canceled
    charge is nothing that the customer did, so a repetition is a new attempt.
    """
    if charge.declined:
        return Problem(402, charge.declined, reason="card_declined")
    return Problem(503, "the checkout was interrupted; nothing was charged", reason="interrupted")


def undecided() -> Problem:
    """The answer when how it ended could not be written down."""
    return Problem(503, "the checkout was interrupted, and is not decided yet")


def about(problem: Problem, order_id: str, status: str) -> Problem:
    """The problem, told of an order that is written down: with its id and status, and no word of nothing begun."""
    if problem.extra.get("reason") in NOTHING_BEGUN:
        del problem.extra["reason"]
    problem.extra |= {"order_id": order_id, "order_status": status}
    return problem


def repeated(first: dict[str, Any]) -> dict[str, Any]:
    """The answer to the first request, once more; also when it was a Problem."""
    if first["status"] == "confirmed":
        return confirmation(first["order_id"], Price(first["total_cents"], first["currency"]))
    if told := first["failure"]:
        problem = Problem(told["status"], told["detail"], **told["extra"])
        raise about(problem, first["order_id"], first["status"])
    problem = Problem(
        409,
        "the first request with this Idempotency-Key is still being worked on",
        headers={"Retry-After": "2"},
        reason="in_progress",
    )
    raise about(problem, first["order_id"], "pending")
