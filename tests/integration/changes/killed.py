"""Makes or undoes a change, and is killed (SIGKILL) at one of its steps: `python killed.py STEP make|undo KIND`.

A step is what can be seen from outside: a line of the log, a file, a call to supervisord, a statement. Counted from 0,
and the one of that number is not taken any more. Prints the step's name; "whole" when there are fewer.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from workshop.changes import data, edges, jobs, journal, local, making, patching
from workshop.changes.kinds import Change, Data, Limit, Setting
from workshop.stack.local import supervisor
from workshop.stack.settings import current

STEPS: list[tuple[Any, str]] = [
    (journal, "_append"),
    (local, "write"),
    (supervisor, "reread"),
    (supervisor, "add"),
    (supervisor, "remove"),
    (supervisor, "stop_processes"),
    (supervisor, "start_process"),
    (data, "run"),
]
CHANGES: dict[str, Callable[[], Change]] = {
    "setting": lambda: Setting(service="payment", values={"PROVIDER_ATTEMPTS": "2"}),
    "release": lambda: patching.named("inventory", "n-plus-one"),
    "data": lambda: Data(
        name="a column more",
        up=["ALTER TABLE product ADD COLUMN IF NOT EXISTS more int", "COMMENT ON COLUMN product.more IS 'more'"],
        down=["ALTER TABLE product DROP COLUMN IF EXISTS more"],
    ),
    "wire": lambda: edges.between("payment", "provider", "link", delay_ms=1),
    "job": lambda: jobs.sql("report"),
    "limit": lambda: Limit(service="provider", cpus=1),
}
left = int(sys.argv[1])


def step(name: str, taken: Callable[..., Any]) -> Callable[..., Any]:
    """The step, or the end of this process before it."""

    def take(*arguments: Any, **options: Any) -> Any:
        global left  # noqa: PLW0603
        if left == 0:
            print(name, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return taken(*arguments, **options)

    return take


for module, name in STEPS:
    setattr(module, name, step(name, getattr(module, name)))
if sys.argv[2] == "make":
    making.make(current(), CHANGES[sys.argv[3]](), "killed")
else:
    making.undo(current(), lambda entry: True, "killed")
print("whole")
