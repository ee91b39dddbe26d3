"""What is kept of a request, so that a repetition can be told from another request with the same key."""

import hashlib
import hmac
import json

from pydantic import BaseModel, SecretStr


class Digests:
    """Digests of requests: `of` makes one, `differs` compares.

    One is made of the whole body, the card's number too, and of the number nothing else is kept. A plain hash would not
    do: a card has some nine digits that its issuer and its check digit leave open, and a machine tries them all in
    minutes. So it is keyed (HMAC, RFC 2104) with the services' secret, which is in no database. A new secret makes new
    digests, so each says which one it was made with, and those of another are not compared.
    """

    def __init__(self, secret: SecretStr) -> None:
        # Keys of their own, so that what is written down says nothing of what the services prove themselves with.
        self._key = self._derived(secret, b"the digest of a request")
        self._name = self._derived(secret, b"the name of that key").hex()[:8]

    @staticmethod
    def _derived(secret: SecretStr, purpose: bytes) -> bytes:
        return hmac.digest(secret.get_secret_value().encode(), purpose, hashlib.sha256)

    def of(self, body: BaseModel) -> str:
        """The key's name and the digest, as `3fb1c0de:…`; the same for the same values, however they were written."""
        text = json.dumps(body.model_dump(), sort_keys=True, separators=(",", ":"))
        return f"{self._name}:{hmac.digest(self._key, text.encode(), hashlib.sha256).hex()}"

    def differs(self, body: BaseModel, digest: str | None) -> bool:
        """Whether the digest is certainly of another body; of none, or one of another key, that cannot be said."""
        name, _, _ = (digest or "").partition(":")
        return name == self._name and not hmac.compare_digest(self.of(body), digest or "")
