"""What a scenario says of itself, and what its signature is asked and answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from workshop.changes.kinds import Change
from workshop.traces.model.trace import Span, Trace


@dataclass(frozen=True)
class Population:
    """All traces of some seconds, and PostgreSQL's plan for the sum of the ledger as it was then, line by line."""

    traces: Sequence[Trace]
    plan: Sequence[str] = ()


@dataclass(frozen=True)
class Proof:
    """What a signature found: the spans that prove it, the most telling first, and in words; or what is missing."""

    words: str
    spans: Sequence[Span] = ()

    def __bool__(self) -> bool:
        return bool(self.spans)


Signature = Callable[[Population], Proof]


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """The customers whose traces show a fault: how many at once, and what they buy.

    `carts` are the numbers of lines that carts have, in turn. `products`: only so many different ones are bought,
    0 for all. `browse`: they look at the catalogue, too. `seconds`: for how long a population is bought.
    `pause`: how many seconds a customer takes between two checkouts. `surge`: so many more come when a quarter
    of the time is over, each for one checkout. `cold`: the cache knows no product when they come; what it knows,
    nobody asks the inventory for. `messages`: what is delivered after the last checkout belongs to it, too.
    """

    users: int = 1
    carts: Sequence[int] = (3,)
    products: int = 0
    browse: bool = False
    seconds: float = 3.0
    pause: float = 0.0
    surge: int = 0
    cold: bool = False
    messages: bool = False


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One real fault.

    `changes` makes them anew, because a wire takes a port that is free then; they are undone in the opposite order.
    `audience` is who is hurt and so who calls; `page` is what they say, `over` what has to be true again.
    `cures` are all that really cure it; the first is what `spans fix` does. `look_alikes` says for each scenario with
    nearly the same trace what tells it from this one. `stage`: its proof is there within 30 s on two cores.
    `alone`: where others buy, too, it cannot be seen.
    `index`: whether it is about the ledger's index, which every other scenario has in place.
    `period`: where the fault comes and goes, in s from one time to the next.
    `diagnosis` are words of what `spans diagnose` has to say of many of its traces, `diagnosis_of_one` of what it says
    of a single one without its neighbours; "" where that alone cannot tell anything. The diagnosis knows neither.
    """

    name: str
    title: str
    audience: Literal["customers", "on-call", "the bill"]
    page: str
    over: str
    changes: Callable[[], list[Change]]
    cures: Sequence[str]
    signature: Signature
    look_alikes: Mapping[str, str] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)
    stage: bool = True
    index: bool = False
    alone: bool = False
    period: float = 0.0
    diagnosis: str = ""
    diagnosis_of_one: str = ""
