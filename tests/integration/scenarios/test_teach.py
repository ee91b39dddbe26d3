"""The teacher's page on a real system: whatever ends what it started, the system is whole."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
import requests

from tests.integration.conftest import Eventually, Stack
from workshop.stack.local import processes, supervisor


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that may be broken."""
    stack = Stack(tmp_path_factory.mktemp("taught"), seed_movements=500_000)
    with stack.running():
        yield stack
        stack.must("audit", "--settle", "60")


class Teacher:
    """A browser that has opened the address which `spans teach` prints, as far as it needs no screen."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._session = stack, requests.Session()
        self._url = f"{stack.settings.console_url}/teach"
        page = self._session.get(stack.must("teach").strip(), timeout=30)
        form = re.search(r'name="form" value="(\w+)"', page.text)
        assert page.status_code == 200 and form
        self._form = form[1]

    def press(self, what: str, **data: str) -> int:
        """The status of the answer to a button."""
        data |= {"form": self._form}
        return self._session.post(f"{self._url}/{what}", data=data, timeout=30, allow_redirects=False).status_code

    def now(self) -> dict[str, Any]:
        """What the page's script asks for; nothing runs when nobody answers."""
        try:
            found: dict[str, Any] = self._session.get(f"{self._url}/now", timeout=30).json()
        except requests.ConnectionError:
            return {"running": True, "words": "", "said": ""}
        return found


@pytest.fixture
def teacher(taught: Stack) -> Teacher:
    """With the page open."""
    return Teacher(taught)


def in_force(stack: Stack) -> list[str]:
    """The scenarios' changes that are not undone, or left half way."""
    found = json.loads(stack.must("changes", "--json"))
    return [each["words"] for each in found if "scenario" in each["by"] and each["state"] != "undone"]


def restart(stack: Stack) -> None:
    """The console ends in order, and another is started."""
    supervisor.stop_processes(stack.settings, ["console"], patience=15)
    supervisor.start_process(stack.settings, "console")


def kill(stack: Stack) -> None:
    """The console has no time to say anything; supervisord starts another."""
    found = [each for each in processes.leftovers(stack.settings.state) if "workshop.console" in " ".join(cmd(each))]
    assert found
    for each in found:
        each.kill()


def cmd(process: psutil.Process) -> list[str]:
    """Its command line; none when it is gone."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.parametrize("ending", [None, restart], ids=["button", "console restarted"])
def test_what_is_ended_leaves_the_system_whole(
    taught: Stack, teacher: Teacher, eventually: Eventually, ending: Callable[[Stack], None] | None
) -> None:
    """By its button, or with its console: everything is undone, and a checkout is answered."""
    assert teacher.press("break", name="lost-header") == 303
    assert teacher.press("reset") == 409
    eventually("a change is made", lambda: "buying" in teacher.now()["words"])
    assert in_force(taught)
    if ending is None:
        assert teacher.press("stop") == 303
    else:
        ending(taught)
    eventually("it has ended", lambda: not teacher.now()["running"])
    assert "Undone" in teacher.now()["words"] and "was not switched on" in teacher.now()["said"]
    assert in_force(taught) == []
    assert taught.checkout().status_code == 201


def test_a_killed_console_does_not_cut_it_short(taught: Stack, teacher: Teacher, eventually: Eventually) -> None:
    """The next console shows how it goes on, and switches it off again."""
    assert teacher.press("break", name="swallowed-error") == 303
    eventually("it has begun", lambda: "swallowed-error" in teacher.now()["words"])
    kill(taught)
    eventually("the next console sees its end", lambda: not teacher.now()["running"], seconds=60)
    assert "proved in" in teacher.now()["words"]
    assert in_force(taught) == ["inventory: release swallowed-error"]
    assert teacher.press("fix", name="swallowed-error") == 303
    eventually("it is off", lambda: not teacher.now()["running"], seconds=60)
    assert teacher.now()["said"].startswith("Scenario") and "is off, and gone" in teacher.now()["said"]


def test_a_stop_of_the_system_undoes_it_first(taught: Stack, teacher: Teacher, eventually: Eventually) -> None:
    """Load and a scenario under way end with `spans down`, nothing of them comes back, and the address is another."""
    address = taught.must("teach")
    assert teacher.press("load", users="1") == 303
    eventually("customers buy", lambda: "checkouts/s" in teacher.now()["load"]["said"])
    # Its customers buy for eight seconds, before anything can be proved.
    assert teacher.press("break", name="row-lock") == 303
    eventually("a change is made", lambda: "buying" in teacher.now()["words"])
    assert "Ending what was started from the teacher's page." in taught.must("down")
    assert processes.leftovers(taught.settings.state) == []
    told = taught.must("up")
    assert "Not as delivered: data: stock_movement_sku_idx (make changes)." in told
    assert in_force(taught) == []
    assert f"For the teacher, on this machine alone: {taught.must('teach')}" in told
    assert taught.must("teach") != address
    assert teacher.press("reset") == 403
