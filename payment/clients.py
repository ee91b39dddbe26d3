"""The call to the payment provider: a timeout, an idempotency key, and a few careful retries."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from tenacity import RetryError, Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from common.errors import Problem

ATTEMPTS = 3
# Each attempt waits this long for bytes: three of them and the pauses fit into what the order service waits.
TIMEOUT_SECONDS = 1.5


class ProviderError(Exception):
    """The provider answered 5xx."""


def _worth_a_retry(error: BaseException) -> bool:
    """Connection errors and 5xx. Not a read timeout: another wait as long would outlast our caller."""
    return isinstance(error, (requests.ConnectionError, ProviderError))


class Provider:
    """Charges cards at the external provider."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", HTTPAdapter(pool_maxsize=64))
        self.session.mount("https://", HTTPAdapter(pool_maxsize=64))

    def charge(self, order_id: str, amount_cents: int, currency: str, card: str) -> dict[str, Any]:
        """Charge the card once for this order; returns the provider's charge.

        The order's id is the idempotency key, so a repetition gets the first answer and charges nothing.
        Problem 402 when the card is declined, 502 when the provider fails, 504 when it does not answer.
        """
        attempts = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(multiplier=0.05, max=0.5, jitter=0.1),
            retry=retry_if_exception(_worth_a_retry),
        )
        body = {"amount": amount_cents, "currency": currency, "card": card}
        try:
            response = attempts(self._post, order_id, body)
        except RetryError as error:
            last = error.last_attempt.exception()
            raise Problem(502, f"the payment provider failed {ATTEMPTS} times: {last}") from last
        except requests.ReadTimeout as error:
            raise Problem(504, f"the payment provider did not answer within {TIMEOUT_SECONDS:g} s") from error
        if response.status_code == 402:
            raise Problem(402, response.json()["message"], reason="card_declined")
        if not response.ok:
            raise Problem(502, f"the payment provider answered {response.status_code}")
        return dict(response.json())

    def _post(self, idempotency_key: str, body: dict[str, Any]) -> requests.Response:
        response = self.session.post(
            f"{self.url}/v1/charges",
            json=body,
            headers={"Idempotency-Key": idempotency_key},
            timeout=(1.0, TIMEOUT_SECONDS),
        )
        if response.status_code >= 500:
            raise ProviderError(f"it answered {response.status_code}")
        return response

    def check(self) -> None:
        """Raise when the provider does not answer: a check for `/readyz`."""
        self.session.get(f"{self.url}/healthz", timeout=1.0).raise_for_status()
