"""The kinds of change, as plain values: what they say of themselves, and how the log keeps them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from workshop.stack.errors import StackError


@dataclass(frozen=True, kw_only=True)
class Change(ABC):
    """What every change says: its kind, the process that is started anew for it, and itself in words.

    `slot` is what only one change can have at a time: a second one for it is refused. Settings have none, they compose.
    """

    kind: ClassVar[str]

    @property
    def restarts(self) -> str:
        """The process that takes the change up by starting anew."""
        return ""

    @property
    def slot(self) -> str:
        """What another change may not have at the same time; "" when it may."""
        return ""

    @property
    @abstractmethod
    def words(self) -> str:
        """The change in a few words, as the log and the marks show it."""

    def note(self) -> dict[str, Any]:
        """The change for the log."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class Setting(Change):
    """Environment variables of one process."""

    kind = "setting"
    service: str
    values: Mapping[str, str]

    @property
    def restarts(self) -> str:
        """The service."""
        return self.service

    @property
    def words(self) -> str:
        """`payment: PROVIDER_TIMEOUT_SECONDS=0.03`."""
        return f"{self.service}: {' '.join(f'{name}={value}' for name, value in self.values.items())}"


@dataclass(frozen=True, kw_only=True)
class Release(Change):
    """Another version of a service's package: `patch` is a unified diff, a path within the checkout."""

    kind = "release"
    service: str
    name: str
    patch: str

    @property
    def restarts(self) -> str:
        """The service."""
        return self.service

    @property
    def slot(self) -> str:
        """A service has one version at a time."""
        return f"the release of {self.service}"

    @property
    def words(self) -> str:
        """`inventory: release n-plus-one`."""
        return f"{self.service}: release {self.name}"


@dataclass(frozen=True, kw_only=True)
class Data(Change):
    """SQL, up and down, statement by statement in a database's own role.

    `down` is run after an `up` that was cut short, too, so it has to bear that (`IF EXISTS`).
    """

    kind = "data"
    name: str
    up: Sequence[str]
    down: Sequence[str]
    database: Literal["orders", "inventory"] = "inventory"

    @property
    def slot(self) -> str:
        """What is done twice could not be undone twice."""
        return f"data {self.name}"

    @property
    def words(self) -> str:
        """`data: index-dropped`."""
        return f"data: {self.name}"


@dataclass(frozen=True, kw_only=True)
class Process(Change):
    """A change that is a process of its own beside the system's; its `program` tells its name among them."""

    @property
    @abstractmethod
    def program(self) -> str:
        """Its name, and its log's."""

    @property
    def slot(self) -> str:
        """Two processes cannot have one name."""
        return self.program


@dataclass(frozen=True, kw_only=True)
class Wire(Process):
    """A process on the way from one process to another: the caller's URL points to it.

    `via` is a module of workshop.changes.wires, `options` are its own (`{"delay_ms": 40}`), `port` is the one that it
    has on this machine (with Docker the containers' own network has it).
    """

    kind = "wire"
    caller: str
    callee: str
    via: str
    options: Mapping[str, str | float] = field(default_factory=dict)
    port: int = 0

    @property
    def restarts(self) -> str:
        """Whose URL is another."""
        return self.caller

    @property
    def program(self) -> str:
        """`wire-order-payment`."""
        return f"wire-{self.caller}-{self.callee}"

    @property
    def words(self) -> str:
        """`order -> payment: by way of proxy`."""
        told = "".join(f" {name}={value}" for name, value in self.options.items())
        return f"{self.caller} -> {self.callee}: by way of {self.via}{told}"


@dataclass(frozen=True, kw_only=True)
class Job(Process):
    """A process that runs beside the system, and again when it has ended: `python -m` and these arguments.

    It finds the databases in INVENTORY_DATABASE_URL and ORDERS_DATABASE_URL.
    """

    kind = "job"
    name: str
    module: str
    arguments: Sequence[str] = ()

    @property
    def program(self) -> str:
        """`job-stocktake`."""
        return f"job-{self.name}"

    @property
    def words(self) -> str:
        """`job: stocktake`."""
        return f"job: {self.name}"


@dataclass(frozen=True, kw_only=True)
class Limit(Process):
    """What one process may use at most: CPUs (0.2 is a fifth of one), memory in MB; None: as before."""

    kind = "limit"
    service: str
    cpus: float | None = None
    memory_mb: int | None = None

    @property
    def program(self) -> str:
        """`limit-payment`."""
        return f"limit-{self.service}"

    @property
    def words(self) -> str:
        """`payment: at most 0.2 CPUs`."""
        cpus = None if self.cpus is None else f"{self.cpus:g} CPUs"
        memory = None if self.memory_mb is None else f"{self.memory_mb} MB"
        return f"{self.service}: at most {', '.join(filter(None, (cpus, memory)))}"


def from_note(note: Mapping[str, Any]) -> Change:
    """The change that a line of the log is about; StackError for a kind that this version does not know."""
    kinds = {each.kind: each for each in KINDS}
    values = dict(note)
    kind = str(values.pop("kind", ""))
    try:
        return kinds[kind](**values)
    except (KeyError, TypeError):
        raise StackError(
            f"the log of changes has one of kind {kind!r}, which this version does not know: undo it with the version "
            "that made it"
        ) from None


KINDS: tuple[type[Change], ...] = (Setting, Release, Data, Wire, Job, Limit)
