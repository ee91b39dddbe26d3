"""What is broken when: decided before it begins, from a seed, so that a run can be repeated."""

import random
from typing import NamedTuple

# The services that gunicorn runs: a master process, which starts a worker.
GUNICORN = ("gateway", "order", "inventory", "payment")
PROCESSES = (*GUNICORN, "order-worker", "provider", "postgres", "jaeger")
DATABASES = ("orders", "inventory")
PAUSED = (1.0, 5.0)
# Between two actions; short enough for one to meet what the one before has left.
GAP = (0.8, 3.2)


class Action(NamedTuple):
    """One fault: `at` is in seconds after the begin, `seconds` how long a pause is."""

    at: float
    kind: str  # kill, pause or cut
    target: str  # a process; for a cut the database whose connections are cut
    part: str = ""  # which of a gunicorn's two processes is killed: master or worker
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.kind == "pause":
            return f"pause {self.target} for {self.seconds:.1f} s"
        if self.kind == "cut":
            return f"cut every connection to the database {self.target}"
        return f"kill -9 {self.target}" + (f" (gunicorn's {self.part})" if self.part else "")


def make_plan(seed: int, duration: float) -> list[Action]:
    """The actions of a run of so many seconds, in their order.

    Targets come like cards from a shuffled deck: each once, then each again.
    """
    chance = random.Random(seed)
    actions: list[Action] = []
    deck: list[tuple[str, str]] = []
    at = chance.uniform(*GAP)
    while at < duration:
        if not deck:
            deck = [*(("process", name) for name in PROCESSES), *(("database", name) for name in DATABASES)]
            chance.shuffle(deck)
        actions.append(draw(chance, at, *deck.pop()))
        at += chance.uniform(*GAP)
    return actions


def draw(chance: random.Random, at: float, what: str, target: str) -> Action:
    """What happens to a target, which is a process or a database."""
    if what == "database":
        return Action(at, "cut", target)
    if chance.random() < 0.35:
        return Action(at, "pause", target, seconds=chance.uniform(*PAUSED))
    part = chance.choice(("master", "worker")) if target in GUNICORN else ""
    return Action(at, "kill", target, part)
