"""A population in a file, so that signatures can be tried on what was really seen: OTLP JSON and the plan, packed."""

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from workshop.scenarios.catalogue import FOLDER, every, folder
from workshop.scenarios.model import Population
from workshop.stack.settings import Settings
from workshop.traces.model.trace import Trace
from workshop.traces.sources.files import traces_of
from workshop.traces.sources.jaeger import JaegerClient

HEALTHY = FOLDER / "healthy"
NAME = "recording.json.gz"
# What tells of the machine that it was recorded on, and nothing of the fault.
PRIVATE = ("host.", "process.", "os.", "code.", "exception.stacktrace", "service.instance.id", "thread.")
# Traces kept of one recording.
MOST = 60


def paths() -> dict[str, Path]:
    """Every recording by what it is of: the scenarios, then the healthy ones (`healthy: …`)."""
    found = {name: folder(each) / NAME for name, each in every().items() if (folder(each) / NAME).is_file()}
    healthy = {f"healthy: {path.name.removesuffix('.json.gz')}": path for path in sorted(HEALTHY.glob("*.json.gz"))}
    return found | healthy


def load(path: Path) -> Population:
    """The population in a file."""
    told = json.loads(gzip.decompress(path.read_bytes()))
    return Population(traces_of({"resourceSpans": told["resourceSpans"]}), tuple(told["plan"]))


def save(path: Path, settings: Settings, population: Population, around: str = "") -> None:
    """Write some of a population's traces, next to each other in time: who waited for whom is in it.

    They are those around the trace with the id `around`, else the ones in the middle.
    """
    client, some = JaegerClient(settings.jaeger_url), _some(population.traces, around)
    groups = [group for trace in some for group in client.otlp(trace.trace_id)["resourceSpans"]]
    told = {"plan": list(population.plan), "resourceSpans": merged(scrubbed(groups))}
    path.parent.mkdir(exist_ok=True)
    # The same recording is the same file.
    path.write_bytes(gzip.compress(json.dumps(told, separators=(",", ":")).encode(), mtime=0))


def _some(traces: Sequence[Trace], around: str) -> Sequence[Trace]:
    ids = [trace.trace_id for trace in traces]
    centre = ids.index(around) if around in ids else len(ids) // 2
    first = max(0, min(centre - MOST // 2, len(traces) - MOST))
    return traces[first : first + MOST]


def scrubbed(groups: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Spans without what tells of a machine."""
    for group in groups:
        group["resource"] = {"attributes": _public(group.get("resource", {}).get("attributes", []))}
        for scope in group.get("scopeSpans", []):
            for span in scope["spans"]:
                span["attributes"] = _public(span.get("attributes", []))
                for event in span.get("events", []):
                    event["attributes"] = _public(event.get("attributes", []))
        yield group


def merged(groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same spans, those of a process and library together, by name: what is alike lies side by side, and packs."""
    found: dict[str, tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]] = {}
    for group in groups:
        for scope in group.get("scopeSpans", []):
            about = group["resource"], scope.get("scope", {})
            found.setdefault(json.dumps(about, sort_keys=True), (*about, []))[2].extend(scope["spans"])
    return [
        {"resource": resource, "scopeSpans": [{"scope": scope, "spans": sorted(spans, key=_name_and_start)}]}
        for _, (resource, scope, spans) in sorted(found.items())
    ]


def _name_and_start(span: dict[str, Any]) -> tuple[str, int]:
    return span["name"], int(span["startTimeUnixNano"])


def _public(attributes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in attributes if not each["key"].startswith(PRIVATE)]
