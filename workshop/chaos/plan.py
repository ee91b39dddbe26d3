"""What is broken when: decided before it begins, from a seed, so that a run can be repeated."""

import random
from collections.abc import Iterator
from typing import NamedTuple

# The services that gunicorn runs: a master process, which starts a worker.
GUNICORN = ("gateway", "order", "inventory", "payment")
PROCESSES = (*GUNICORN, "order-worker", "provider", "postgres", "valkey", "jaeger")
DATABASES = ("orders", "inventory")
# Whose rows a stranger locks: pending orders, or the products that everyone wants.
ROWS = ("orders", "inventory")
PAUSED = (1.0, 5.0)
# How long a stranger holds rows; longer than a statement waits for them, more often than not.
LOCKED = (1.0, 8.0)
# Longer than anybody waits for the provider.
HANGING = (4.0, 12.0)
DISCONNECTED = (1.0, 6.0)
# Between two actions; short enough for one to meet what the one before has left.
GAP = (0.8, 3.2)
# A database that refuses connections stops all checkouts, so that is rarer: its length, and from one to the next.
OUTAGE_SECONDS = 30.0
FIRST_OUTAGE = (6.0, 12.0)
OUTAGE_GAP = (90.0, 150.0)


class Action(NamedTuple):
    """One fault: `at` is in seconds after the begin, `seconds` how long it lasts, 0 for one that is over at once."""

    at: float
    kind: str  # kill, term, pause, disconnect; cut, refuse; lock
    target: str  # a process; for a database's faults the database
    part: str = ""  # which of a gunicorn's two processes is killed: master or worker
    seconds: float = 0.0

    def __str__(self) -> str:
        part = f" (gunicorn's {self.part})" if self.part else ""
        return {
            "kill": f"kill -9 {self.target}{part}",
            "term": f"SIGTERM to {self.target}",
            "pause": f"pause {self.target} for {self.seconds:.1f} s",
            "disconnect": f"disconnect {self.target} from the network for {self.seconds:.1f} s",
            "cut": f"cut every connection to the database {self.target}",
            "refuse": f"the database {self.target} refuses connections for {self.seconds:.0f} s",
            "lock": f"a stranger locks rows of the database {self.target} for {self.seconds:.1f} s",
        }[self.kind]


class Ground(NamedTuple):
    """What can be broken. `networks` are the processes that can be disconnected; `gunicorn`, have two processes."""

    processes: tuple[str, ...] = PROCESSES
    gunicorn: tuple[str, ...] = GUNICORN
    networks: tuple[str, ...] = ()


LOCAL = Ground()


def make_plan(seed: int, duration: float, ground: Ground = LOCAL) -> list[Action]:
    """The actions of a run of so many seconds, in their order. A longer run begins like a shorter one."""
    both = (
        until(duration, shuffled(random.Random(seed), ground)),
        until(duration, outages(random.Random(f"{seed} o"))),
    )
    return sorted(action for actions in both for action in actions)


def until(duration: float, actions: Iterator[Action]) -> Iterator[Action]:
    """Those that begin before the end."""
    for action in actions:
        if action.at >= duration:
            return
        yield action


def shuffled(chance: random.Random, ground: Ground) -> Iterator[Action]:
    """Faults without end. Targets come like cards from a shuffled deck: each once, then each again."""
    deck: list[tuple[str, str]] = []
    at = chance.uniform(*GAP)
    while True:
        if not deck:
            deck = [("process", name) for name in ground.processes]
            deck += [("network", name) for name in ground.networks]
            deck += [*(("cut", name) for name in DATABASES), *(("lock", name) for name in ROWS), ("hang", "provider")]
            chance.shuffle(deck)
        yield draw(chance, at, *deck.pop(), ground)
        at += chance.uniform(*GAP)


def draw(chance: random.Random, at: float, what: str, target: str, ground: Ground) -> Action:
    """What happens to a target."""
    if what == "cut":
        return Action(at, "cut", target)
    if what == "lock":
        return Action(at, "lock", target, seconds=chance.uniform(*LOCKED))
    if what == "network":
        return Action(at, "disconnect", target, seconds=chance.uniform(*DISCONNECTED))
    if what == "hang":
        return Action(at, "pause", target, seconds=chance.uniform(*HANGING))
    kind = chance.choices(("kill", "term", "pause"), (45, 25, 30))[0]
    if kind == "pause":
        return Action(at, "pause", target, seconds=chance.uniform(*PAUSED))
    part = chance.choice(("master", "worker")) if kind == "kill" and target in ground.gunicorn else ""
    return Action(at, kind, target, part)


def outages(chance: random.Random) -> Iterator[Action]:
    """Half a minute in which a database takes no connection, now and then."""
    at = chance.uniform(*FIRST_OUTAGE)
    while True:
        yield Action(at, "refuse", chance.choice(DATABASES), seconds=OUTAGE_SECONDS)
        at += chance.uniform(*OUTAGE_GAP)
