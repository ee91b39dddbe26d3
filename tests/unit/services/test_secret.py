"""The services' secret: how it is made, how it is found, and what is told when it is not there."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from common.digests import Digests
from common.settings import TrustedSettings, load
from services import secret


class Request(BaseModel):
    """Something that is asked for."""

    card: str


def test_it_is_made_once(tmp_path: Path) -> None:
    """Eight at once make one, whole and for one user; no half-made file is left."""
    folder = tmp_path / "a" / "secrets"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: secret.make(folder), range(8)))
    assert sum(made) == 1
    assert not secret.make(folder)
    assert [path.name for path in folder.iterdir()] == [secret.NAME]
    assert len((folder / secret.NAME).read_text()) >= 32
    assert (folder / secret.NAME).stat().st_mode & 0o077 == 0


def test_a_service_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In SECRETS_FOLDER; the environment wins."""
    monkeypatch.setenv("SECRETS_FOLDER", str(tmp_path))
    monkeypatch.delenv("SERVICE_SECRET", raising=False)
    secret.make(tmp_path)
    assert load(TrustedSettings).service_secret.get_secret_value() == (tmp_path / secret.NAME).read_text()
    monkeypatch.setenv("SERVICE_SECRET", "x" * 32)
    assert load(TrustedSettings).service_secret.get_secret_value() == "x" * 32


def test_one_that_is_missing_or_short_is_told_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it was looked for, and never what it is."""
    monkeypatch.setenv("SECRETS_FOLDER", str(tmp_path / "nowhere"))
    monkeypatch.delenv("SERVICE_SECRET", raising=False)
    with pytest.raises(SystemExit, match=r"SERVICE_SECRET is not set, and no file service_secret is in SECRETS_FOLDER"):
        load(TrustedSettings)
    monkeypatch.setenv("SERVICE_SECRET", "hunter2")
    with pytest.raises(SystemExit, match="SERVICE_SECRET is wrong") as caught:
        load(TrustedSettings)
    assert "hunter2" not in str(caught.value)


def test_a_digest_tells_requests_apart_and_no_card() -> None:
    """Equal for equal requests alone; another secret's is not compared; the card cannot be tried out without it."""
    digests, others = Digests(SecretStr("a" * 32)), Digests(SecretStr("b" * 32))
    kept = digests.of(Request(card="4242424242424242"))
    assert not digests.differs(Request(card="4242424242424242"), kept)
    assert digests.differs(Request(card="5105105105104242"), kept)
    assert not others.differs(Request(card="5105105105104242"), kept)
    assert not digests.differs(Request(card="5105105105104242"), None)
    assert kept != others.of(Request(card="4242424242424242"))
    assert "4242" not in kept
