"""The kinds of change, as plain values: what they say of themselves, and how the log keeps them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from workshop.stack.errors import StackError


@dataclass(frozen=True, kw_only=True)
class Change:
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
    def words(self) -> str:
        """The change in a few words, as the log and the marks show it."""
        raise NotImplementedError

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


KINDS: tuple[type[Change], ...] = (Setting, Release)
