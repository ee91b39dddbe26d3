"""Run a module as a session of its own: `python -m workshop.stack.local.session MODULE`.

A Linux desktop or server without containers shares its processors between sessions (sched_autogroup). Each of
PostgreSQL's processes is one, all that supervisord starts is another: eight statements that read a whole table left
the pages a ninth of the processors. A page that is a session has its share; elsewhere this changes nothing.
"""

import os
import runpy
import sys
from contextlib import suppress


def main() -> None:
    """Leave the session, and become the module. The pid stays, and it leads its process group as before."""
    module = sys.argv[1]
    # Who leads a group cannot begin a session, and supervisord makes each of its processes a leader.
    with suppress(PermissionError):
        os.setpgid(0, os.getpgid(os.getppid()))
        os.setsid()
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    sys.argv[:] = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
