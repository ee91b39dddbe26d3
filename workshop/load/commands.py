"""`spans load` and `spans load-ui`: start Locust with our customers."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from workshop.stack import machine, own
from workshop.stack.errors import StackError
from workshop.stack.first_run.environment import way_out
from workshop.stack.screen import say
from workshop.stack.settings import Settings

LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def load(users: int, rate: float, seconds: int) -> NoReturn:
    """Run so many customers for so many seconds; exits with 1 when a checkout failed."""
    settings = own.system()
    pace = f"{rate:g} checkouts a second" if rate else "as fast as they get answers"
    say(f"{users} customers for {seconds} s, {pace}")
    arguments = ["--headless", "--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds}s"]
    become_locust(settings, [*arguments, "--skip-log", "--stop-timeout", "10"], users, rate)


def load_ui() -> NoReturn:
    """Serve Locust's page until Ctrl-C."""
    settings = own.system()
    if machine.port_problem(settings.load_ui_port) is not None:
        raise StackError(f"port {settings.load_ui_port} is taken: {way_out('LOAD_UI_PORT')}")
    say(f"Locust's page: http://127.0.0.1:{settings.load_ui_port}/   (Ctrl-C ends it)")
    arguments = ["--web-host", "127.0.0.1", "--web-port", str(settings.load_ui_port), "--users", "8"]
    become_locust(settings, [*arguments, "--spawn-rate", "8", "--loglevel", "WARNING"], 1, 0)


def become_locust(settings: Settings, arguments: list[str], users: int, rate: float) -> NoReturn:
    """Let Locust take this process's place, so that signals and the exit code are its own."""
    program = [sys.executable, "-P", "-m", "workshop.load.start"]
    command = [*program, "-f", str(LOCUSTFILE), "--host", settings.gateway_url, *arguments]
    environment = {
        **os.environ,
        "SEED_PRODUCTS": str(settings.seed_products),
        "USERS": str(users),
        "RATE": str(rate),
        "NO_PROXY": "127.0.0.1",
    }
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)
