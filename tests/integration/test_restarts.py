"""Each process behind the gateway is restarted in each way while customers buy: none of them is lost."""

import re
import signal
import subprocess
import sys

import pytest

from workshop.stack.local import processes, supervisor
from workshop.stack.settings import ROOT

from .conftest import FragileStack

BEHIND = ("order", "inventory", "payment", "provider", "postgres", "order-worker")


def restart(stack: FragileStack, name: str, way: str) -> None:
    """Come back when everything is ready again."""
    if way == "SIGTERM":
        stack.stop(name)
        stack.start(name)
        return
    # Of gunicorn's two processes the master: its worker must let go of the port.
    whole = processes.tree(supervisor.states(stack.settings)[name]["pid"])
    whole[0].send_signal(signal.SIGKILL)
    stack.faults.restore()


@pytest.mark.parametrize("way", ["SIGTERM", "kill -9"])
@pytest.mark.parametrize("name", [*BEHIND, "gateway"])
def test_a_restart_loses_no_checkout(sound: FragileStack, name: str, way: str) -> None:
    """Eight customers of `make load`: all that were begun are confirmed.

    Who asks the gateway when it is away, or whose order was in the hands of a process that was killed, comes again.
    """
    command = [sys.executable, "-m", "workshop.cli", "load", "--users", "8", "--duration", "8"]
    load = subprocess.Popen(command, env=sound.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert load.stdout is not None
    told = load.stdout.readline()
    while load.poll() is None and not re.search(r"[1-9][0-9.]* checkouts/s", told):
        told += load.stdout.readline()
    restart(sound, name, way)
    told += load.communicate(timeout=120)[0]
    assert re.search(r"\d+ checkouts, .* 0 failed", told), told
    assert load.returncode == 0
    if name != "gateway" and not (name == "order" and "kill" in way):
        assert "came again" not in told
