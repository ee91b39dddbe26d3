"""The logs as most systems have them, made from what ours really wrote: no ids of traces, and no durations.

An access line is in the common log format, an application's line has a time, a level and what was done, PostgreSQL's
log is as PostgreSQL wrote it, in a time zone of its own. What the services write besides (trace ids, milliseconds)
stays in their JSON.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from workshop.logs.log_lines import LogLine

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
# What PostgreSQL says of the switch for slow statements, which is the hunt's own doing.
SWITCH = re.compile(r"LOG:  (received SIGHUP|parameter \"|configuration file \")")
# What begins a line of PostgreSQL's; anything else goes on with the one before.
POSTGRES_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) (\w+) \[\d+\]")


@dataclass(frozen=True)
class Written:
    """A line of a hunt's log, and the trace that it belongs to, which the line does not say."""

    text: str
    trace_id: str


def access_line(line: LogLine) -> str:
    """An answered request in the common log format, which has seconds, and no duration.

    Source: https://httpd.apache.org/docs/current/logs.html#common
    """
    at = moment(line)
    when = f"{at.day:02}/{MONTHS[at.month - 1]}/{at.year}:{at:%H:%M:%S} +0000"
    size = line.fields.get("bytes")
    return (
        f'127.0.0.1 - - [{when}] "{line.fields["method"]} {line.fields["path"]} HTTP/1.1" '
        f"{line.fields['status']} {'-' if size is None else size}"
    )


def application_line(line: LogLine) -> str:
    """What a service said of its work, as Python's own logging writes it."""
    return f"{moment(line):%Y-%m-%d %H:%M:%S},{line.time // 1_000_000 % 1000:03} {line.level} {line.message}"


def moment(line: LogLine) -> datetime:
    """When it was written, in UTC."""
    return datetime.fromtimestamp(line.time / 1e9, UTC)


def logs_of(lines: Iterable[LogLine]) -> dict[str, list[Written]]:
    """The files' contents by name, an access log and an application's log for each service, in order of time."""
    files: dict[str, list[Written]] = {}
    for line in lines:
        answered = "method" in line.fields
        name = f"{line.service}.access.log" if answered else f"{line.service}.log"
        text = access_line(line) if answered else application_line(line)
        files.setdefault(name, []).append(Written(text, line.trace_id))
    return dict(sorted(files.items()))


def postgres_log(raw: Iterable[str], since: float) -> list[str]:
    """PostgreSQL's lines since a time (Unix s), untouched; a line that has no time of its own goes with the last."""
    kept: list[str] = []
    inside = False
    for line in raw:
        if match := POSTGRES_LINE.match(line):
            inside = not _before(match[1], match[2], since) and not SWITCH.search(line)
        if inside:
            kept.append(line.rstrip("\n"))
    return kept


def _before(text: str, zone: str, since: float) -> bool:
    """Whether PostgreSQL's time lies before; its zone is an abbreviation, of which the ones used here are known."""
    hours = {"UTC": 0, "GMT": 0, "EST": -5, "EDT": -4}.get(zone)
    if hours is None:
        return False
    at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp() - hours * 3600
    return at < since - 0.001


def numbers(written: list[Written], trace_id: str) -> Iterator[int]:
    """The numbers, from 1, of the lines that belong to the trace."""
    return (number for number, line in enumerate(written, 1) if line.trace_id == trace_id)


def alike(written: list[Written], trace_id: str) -> int:
    """How many lines read letter for letter as one of the trace's does, itself among them; the most of any."""
    texts = Counter(line.text for line in written)
    return max((texts[line.text] for line in written if line.trace_id == trace_id), default=0)


_MINUTES = (
    "{} o'clock", "five past {}", "ten past {}", "a quarter past {}", "twenty past {}", "twenty-five past {}",
    "half past {}", "twenty-five to {}", "twenty to {}", "a quarter to {}", "ten to {}", "five to {}",
)  # fmt: skip
_HOURS = "twelve one two three four five six seven eight nine ten eleven".split()


def about(at: datetime) -> str:
    """A time as a customer says it, to five minutes: `around twenty past three`."""
    fives = round((at.minute * 60 + at.second) / 300)
    hour = at.hour + (1 if fives > 6 else 0)
    return "around " + _MINUTES[fives % 12].format(_HOURS[hour % 12])
