"""What a visitor can reach: these methods and paths of the shop and of the console, and nothing else."""

import re
from dataclasses import dataclass

STATIC = r"/static/(?:[\w-]+/)*[\w-]+(?:\.[\w-]+)+"  # no part of it can be `..`
ORDER = r"/orders/[0-9a-f-]{36}"
ID = r"[0-9A-Fa-f]{1,32}"
QUERY = re.compile(r"[!-\"$-~]{0,2000}")  # printable, without #


@dataclass(frozen=True)
class Routes:
    """One site's: what can be read (GET, HEAD), what can be bought (POST), how long an answer serves everyone, in s."""

    read: re.Pattern[str]
    buy: re.Pattern[str] | None = None
    kept_seconds: tuple[tuple[re.Pattern[str], float], ...] = ()

    def kind(self, method: str, path: str, query: str) -> str | None:
        """`read` or `buy`; None for what is not open."""
        if not QUERY.fullmatch(query):
            return None
        if method in ("GET", "HEAD") and self.read.fullmatch(path):
            # The console's page of opened files is its owner's; the box for a trace id leads to the same path.
            return "read" if path != "/open" or re.match(r"id=", query) else None
        if method == "POST" and self.buy and self.buy.fullmatch(path):
            return "buy"
        return None

    def keeping(self, path: str) -> float:
        """How long, in s, an answer for this path may be given to everyone who asks the same."""
        return next((seconds for pattern, seconds in self.kept_seconds if pattern.fullmatch(path)), 0.0)


def _ascii(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.ASCII)


SHOP = Routes(
    read=_ascii("/", STATIC, "/products", ORDER),
    buy=_ascii("/checkout"),
    kept_seconds=((_ascii(STATIC), 30.0), (_ascii("/", "/products"), 1.0)),
)
# Sixty browsers with Live on ask for the same search every two seconds: it is made once a second, whoever asks.
CONSOLE = Routes(
    read=_ascii(
        "/",
        STATIC,
        "/services",
        "/open",
        rf"/compare/{ID}\.\.\.{ID}",
        rf"/trace/{ID}(?:/receivers|/neighbours|/(?:otlp|jaeger)\.json)?",
    ),
    kept_seconds=((_ascii(STATIC), 30.0), (_ascii(r"/(?!open).*"), 1.0)),
)
