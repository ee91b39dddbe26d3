"""A class is on: the console's pages keep their answers until somebody asks. `make up TEACH=1`, `make status`."""

from datetime import UTC, datetime

from workshop.stack.screen import say
from workshop.stack.settings import Settings, current, load


def settle() -> None:
    """After a start: keep the answers with TEACH=1, show them with TEACH=0; else say what is so."""
    settings, teach = current(), load().teach
    if teach == "0":
        end(settings)
    elif teach == "1" and not settings.teaching.exists():
        begin(settings)
    if settings.teaching.exists():
        say("\nThe console's pages keep their answers until somebody presses Show the answer (or a).")
        say("  make up TEACH=0 shows them again, so does make down.")


def begin(settings: Settings) -> None:
    """Keep the answers from now on; a browser where somebody chose to see them before this is asked anew."""
    folder = settings.teaching.parent
    folder.mkdir(parents=True, exist_ok=True)
    settings.teaching.write_text(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n")
    # The console's user may be another one, in its container, whatever the umask is.
    folder.chmod(0o755)
    settings.teaching.chmod(0o644)


def end(settings: Settings) -> None:
    """Show the answers."""
    settings.teaching.unlink(missing_ok=True)


def end_first() -> None:
    """Before the system stops, whatever is wrong with the settings: the next one is as delivered."""
    end(current(lenient=True))


def in_words(settings: Settings) -> str:
    """Whether the console keeps its answers."""
    return "kept until somebody asks (make up TEACH=0 shows them)" if settings.teaching.exists() else "shown"
