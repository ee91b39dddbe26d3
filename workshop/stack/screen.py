"""What the commands print: lines for everyone, colour and moving parts on a terminal only."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator

from rich.console import Console


class Screen(Console):
    """A console that can go on when nobody reads it any more: `make up | head -1` must still start everything."""

    goes_on_unheard = False

    def on_broken_pipe(self) -> None:
        """Rich calls it when the pipe was closed; its own way is to end the program with exit code 1."""
        if not self.goes_on_unheard:
            super().on_broken_pipe()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


out = Screen(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)


def go_on_unheard() -> None:
    """From now on a closed pipe does not end the command."""
    out.goes_on_unheard = True


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
