"""A room: where it is and what its link is, kept in a file that only this user can read."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Room:
    """What the process in front needs to know, and a command that asks after it."""

    address: str
    shop_port: int
    console_port: int
    token: str
    gateway_url: str
    console_url: str
    jaeger_url: str
    pid: int = 0

    def _url(self, port: int) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{port}"

    @property
    def shop(self) -> str:
        """The shop, as a visitor reaches it."""
        return self._url(self.shop_port)

    @property
    def console(self) -> str:
        """The console, as a visitor reaches it."""
        return self._url(self.console_port)

    @property
    def link(self) -> str:
        """What a visitor opens first; it lets him in."""
        return f"{self.shop}/join/{self.token}"

    @property
    def projector(self) -> str:
        """The page with the link and its QR code."""
        return f"{self.shop}/projector/{self.token}"

    def write(self, path: Path) -> None:
        """Keep it: for this user only, because whoever has the token is in."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
            json.dump(asdict(self), file)
        fresh.replace(path)


def read(path: Path) -> Room | None:
    """The room that was written down; None when there is none, or another version wrote it."""
    try:
        return Room(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
