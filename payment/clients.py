"""The calls to the payment provider: a timeout, an idempotency key, and a few careful retries."""

import time
from typing import Any

import requests
from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception_type

from common import deadline
from common.errors import Problem
from common.http_client import never_made
from common.patience import BRIEFLY, AwayTooLong
from common.telemetry import Adapter, note_attempt

# For so long a provider that cannot be reached is asked again: it may be restarted just now.
RECONNECT_SECONDS = 5.0


class ProviderError(Exception):
    """The provider answered 5xx: worth another attempt. `begun`: this one may have charged."""

    def __init__(self, reason: str, *, begun: bool = True) -> None:
        super().__init__(reason)
        self.begun = begun


class ProviderAway(ProviderError):
    """The provider could not be reached, or its answer broke off: worth more attempts than an answer."""


class Enough(AwayTooLong):
    """Stops after so many attempts when the provider answers, after RECONNECT_SECONDS when it does not."""

    def __init__(self, until: float, attempts: int) -> None:
        super().__init__(until, RECONNECT_SECONDS)
        self.attempts = attempts

    def __call__(self, state: RetryCallState) -> bool:
        """Whether to give up; tenacity asks after each failed attempt."""
        assert state.outcome is not None
        away = isinstance(state.outcome.exception(), ProviderAway)
        return super().__call__(state) or (not away and state.attempt_number >= self.attempts)


class Provider:
    """The external provider. An order's id is the idempotency key of its charge.

    One that answers 5xx is asked `attempts` times; each attempt waits `timeout` seconds for bytes.
    """

    def __init__(self, url: str, *, attempts: int, timeout: float) -> None:
        self.url = url.rstrip("/")
        self.attempts = attempts
        self.timeout = timeout
        self.session = requests.Session()
        self.session.trust_env = False
        adapter = Adapter(stranger=True)
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)

    def charge(self, order_id: str, amount_cents: int, currency: str, card: str) -> dict[str, Any]:
        """Charge the card once for this order; returns the provider's charge, the first one in a repetition.

        Problem 402 when the card is declined, 409 when the charge was canceled, 502 when the provider fails or what
        became of the charge is not known, 504 when it does not answer.
        """
        # The reference is for whoever compares the provider's books with ours; it decides nothing.
        body = {"amount": amount_cents, "currency": currency, "card": card, "reference": order_id}
        status, answer = self._post("/v1/charges", order_id, body)
        if status == 402:
            raise Problem(402, str(answer.get("message")), reason="card_declined")
        if status == 409:
            raise Problem(409, str(answer.get("message")), reason="charge_refused")
        if status >= 400 or answer.get("status") != "captured":
            raise Problem(502, f"the payment provider answered {status}")
        return answer

    def cancel(self, order_id: str) -> dict[str, Any]:
        """Make sure that the order's charge is decided; returns it: captured, declined or, from now on, canceled.

        Problem 502 when the provider fails, 504 when it does not answer.
        """
        status, answer = self._post("/v1/charges/cancel", order_id, None)
        if status >= 400 or "status" not in answer:
            raise Problem(502, f"the payment provider answered {status}")
        return answer

    def _post(self, path: str, idempotency_key: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
        """Status and body of the provider's answer.

        Connection errors and 5xx are tried again, a read timeout is not: another wait as long would outlast our caller.
        A refusal after an attempt that may have been carried out says nothing of that one: Problem 502.
        """
        lost: list[ProviderError] = []

        def attempt() -> requests.Response:
            try:
                return self._attempt(path, idempotency_key, body)
            except ProviderError as error:
                if error.begun:
                    lost.append(error)
                raise

        left = deadline.remaining()
        attempts = Retrying(
            stop=Enough(time.monotonic() + (60 if left is None else left), self.attempts),
            wait=BRIEFLY,
            retry=retry_if_exception_type(ProviderError),
            before=note_attempt,
        )
        try:
            response = attempts(attempt)
        except RetryError as error:
            last = error.last_attempt
            tried = f"{last.attempt_number} times: {last.exception()}"
            raise Problem(502, f"the payment provider failed {tried}") from last.exception()
        except requests.Timeout as error:
            raise Problem(504, f"the payment provider did not answer within {self.timeout:g} s") from error
        if lost and not response.ok:
            raise Problem(502, f"the payment provider answered {response.status_code}, and first {lost[-1]}")
        try:
            answer = response.json()
        except requests.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            raise Problem(502, f"the payment provider answered {response.status_code} and no JSON object")
        return response.status_code, answer

    def _attempt(self, path: str, idempotency_key: str, body: dict[str, Any] | None) -> requests.Response:
        headers = {"Idempotency-Key": idempotency_key}
        try:
            response = self.session.post(self.url + path, json=body, headers=headers, timeout=(1.0, self.timeout))
        except requests.ConnectionError as error:
            raise ProviderAway("it could not be reached", begun=not never_made(error)) from error
        except requests.exceptions.ChunkedEncodingError as error:
            raise ProviderAway("its answer broke off") from error
        if response.status_code >= 500:
            raise ProviderError(f"it answered {response.status_code}")
        return response
