"""What the commands print: lines for everyone, colour and moving parts on a terminal only."""

import contextlib
import errno
from collections.abc import Callable, Iterator

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)


def say(text: str, style: str | None = None) -> None:
    """Print a line; brackets in it are text, not markup. A terminal that was closed is told nothing."""
    try:
        out.print(text, style=style, markup=False)
    except OSError as error:
        # What is being put in order must be, whoever still listens; a pipe that was closed ends the command.
        if error.errno != errno.EIO:
            raise


def complain(text: str) -> None:
    """Print an error, or a warning, to standard error."""
    err.print(text, style="red" if text.startswith("error") else "yellow", markup=False)


@contextlib.contextmanager
def waiting(text: str) -> Iterator[Callable[[str], None]]:
    """Show what is being waited for; the value changes the text. A spinner on a terminal, elsewhere one line."""
    if out.is_terminal:
        with out.status(text, spinner="line") as status:
            yield status.update
        return
    say(text)
    yield lambda now: None
