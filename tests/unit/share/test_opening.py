"""`make up SHARE=…` on this side of the door: which address, the process in front, what is said of it."""

import gc
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
import segno

from workshop.share import address, opening
from workshop.share import room as rooms
from workshop.share.__main__ import MOST_LOG
from workshop.stack.errors import StackError
from workshop.stack.local import processes
from workshop.stack.local.scratch import free_ports
from workshop.stack.settings import ROOT, Settings, load

# It is meant to go on when the command that started it has ended.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """A checkout of its own; whatever was opened for it is shut at the end."""
    shop, console, gateway, pages, jaeger = free_ports(5)
    found = Settings(
        _env_file=None,  # type: ignore[call-arg]
        state_folder=str(tmp_path / "state"),
        share_shop_port=shop,
        share_console_port=console,
        gateway_port=gateway,
        console_port=pages,
        jaeger_port=jaeger,
    )
    yield found
    opening.close(found)
    # A refused connection's error keeps the process that was waited for: let it go here, and not in another's test.
    gc.collect()


def test_a_room_opens_and_closes(settings: Settings) -> None:
    """A process of its own answers by the link, status tells it, and closing ends it."""
    assert opening.in_words(settings) == "closed"
    room = opening.start(settings, "127.0.0.1")
    assert requests.get(room.projector, timeout=5).status_code == 200
    assert requests.get(room.console, timeout=5).status_code == 403
    assert opening.in_words(settings).startswith("OPEN on 127.0.0.1")
    assert room.link in opening.in_words(settings)
    assert stat.S_IMODE(opening.file(settings).stat().st_mode) == 0o600
    opening.close(settings)
    with pytest.raises(requests.ConnectionError):
        requests.get(room.projector, timeout=5)
    assert opening.in_words(settings) == "closed"
    assert opening.start(settings, "127.0.0.1").token != room.token


def test_the_process_in_front_knows_no_password(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What listens to strangers has nothing in its environment but where it finds its programs."""
    monkeypatch.setenv("POSTGRES_PASSWORD", "secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    room = opening.start(settings, "127.0.0.1")
    environment = psutil.Process(room.pid).environ()
    assert set(environment) <= {*opening.PASSED, processes.MARKER, "LC_CTYPE"}


def test_strangers_do_not_fill_the_disk(settings: Settings) -> None:
    """Each refusal is a line without the path that was tried; the log is turned over when it is full."""
    room = opening.start(settings, "127.0.0.1")
    assert requests.get(f"{room.shop}/join/a-guess", timeout=5).status_code == 403
    log = settings.logs / "share.log"
    assert "127.0.0.1 refused 403" in log.read_text()
    assert "a-guess" not in log.read_text()
    opening.close(settings)
    log.write_text("x" * MOST_LOG)
    room.write(opening.file(settings))
    command = [sys.executable, "-P", "-m", "workshop.share", str(opening.file(settings)), str(log)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        opening.wait_for(room, process, log)
        requests.get(room.shop, timeout=5)
        process.terminate()
    assert log.stat().st_size < 1000
    assert log.with_name("share.log.1").stat().st_size <= MOST_LOG


def test_a_room_whose_process_has_ended_is_told_as_closed(settings: Settings) -> None:
    """The note alone opens nothing; and a stranger's process that has the number now is left alone."""
    room = opening.start(settings, "127.0.0.1")
    os.kill(room.pid, signal.SIGKILL)
    psutil.Process(room.pid).wait(5)
    assert "make up SHARE=1 opens it anew" in opening.in_words(settings)
    rooms.Room(**{**vars(room), "pid": os.getpid()}).write(opening.file(settings))
    assert opening.open_room(settings) is None
    opening.close(settings)  # ends nobody: this test goes on
    assert opening.in_words(settings) == "closed"


def test_a_taken_port_is_told_with_its_setting(settings: Settings) -> None:
    """And nothing is left open or written."""
    with socket.create_server(("127.0.0.1", settings.share_console_port)), pytest.raises(StackError) as told:
        opening.start(settings, "127.0.0.1")
    assert "SHARE_CONSOLE_PORT" in str(told.value)
    assert opening.in_words(settings) == "closed"


def test_the_address_towards_the_world_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """SHARE=1 finds it; one that was named must be this machine's; without a network it says so."""
    monkeypatch.setattr(
        address, "addresses", lambda: {"192.168.1.20": "wlan0", "10.8.0.2": "tun0", "172.17.0.1": "docker0"}
    )
    monkeypatch.setattr(address, "towards_the_world", lambda: "10.8.0.2")
    assert address.chosen("1") == "10.8.0.2"
    assert address.chosen("192.168.1.20") == "192.168.1.20"
    assert address.others("10.8.0.2") == "192.168.1.20 (wlan0)"
    monkeypatch.setattr(address, "towards_the_world", lambda: None)
    assert address.chosen("1") == "192.168.1.20"
    with pytest.raises(StackError, match=r"SHARE is 10\.0\.0\.9, .* it has 192\.168\.1\.20 \(wlan0\), 10\.8\.0\.2"):
        address.chosen("10.0.0.9")
    monkeypatch.setattr(address, "addresses", dict)
    with pytest.raises(StackError, match="in no network"):
        address.chosen("1")


def test_this_machines_addresses_are_those_that_others_may_reach() -> None:
    """Whatever it has: no loopback and none of one link only."""
    for each in address.addresses():
        assert not each.startswith(("127.", "169.254.", "fe80", "::1"))
    assert (address.towards_the_world() or "10.").partition(".")[0] != "127"


@pytest.mark.parametrize(
    "value", ["yes", "0.0.0.0", "::", "*", "192.168.1", "224.0.0.1", "fe80::1%eth0", "example.org"]
)
def test_share_is_one_address(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address at once, and what is none, is refused by name."""
    monkeypatch.setenv("SHARE", value)
    with pytest.raises(StackError, match="SHARE is"):
        load(Path("nothing"))


def test_an_ipv6_address_has_brackets_in_its_link() -> None:
    """As browsers want it."""
    room = rooms.Room("fd00::2", 1, 2, "t", "http://a", "http://b", "http://c")
    assert room.link == "http://[fd00::2]:1/join/t"


def test_the_terminals_code_is_the_link_in_white_on_black_blocks() -> None:
    """Read back block by block it is the code that a scanner expects, its white border of two modules included."""
    rows = []
    for line in opening.drawn("http://192.168.1.20:8180/join/t").splitlines():
        assert line.startswith("\x1b[97;40m")
        assert line.endswith("\x1b[0m")
        blocks = line.removeprefix("\x1b[97;40m").removesuffix("\x1b[0m")
        rows += [[each not in white for each in blocks] for white in ("█▀", "█▄")]
    code = segno.make("http://192.168.1.20:8180/join/t", error="l", micro=False)
    expected = [[bool(module) for module in row] for row in code.matrix_iter(border=2)]
    assert rows[: len(expected)] == expected
