"""Every signature on every recording: the confusion matrix, and that the healthy system has none of the faults."""

import gzip
from pathlib import Path

import pytest

from workshop.scenarios import catalogue, matrix, recording
from workshop.stack.settings import ROOT

RECORDINGS = recording.paths()
# What a recording tells of the machine that it was made on.
PRIVATE = (b"/tmp", b"/home", b"host.name", b"process.command", b"exception.stacktrace")


@pytest.mark.parametrize("name", catalogue.every())
def test_a_signature_is_seen_in_its_own_recording(name: str) -> None:
    """The spans that prove it are in the recording, and it is said in words."""
    proof = catalogue.named(name).signature(recording.load(RECORDINGS[name]))
    assert proof, proof.words
    assert proof.words


@pytest.mark.parametrize("name", catalogue.every())
def test_nothing_else_is_seen_but_look_alikes_that_are_named(name: str) -> None:
    """In a scenario's recording fire its own signature, and those that it says look like it."""
    assert matrix.wrong(catalogue.named(name), matrix.fired(recording.load(RECORDINGS[name]))) == []


@pytest.mark.parametrize("name", [name for name in RECORDINGS if name.startswith("healthy")])
def test_the_healthy_system_has_none_of_the_faults(name: str) -> None:
    """At rest and under load, on a fast and a slow machine: each signature says what it misses."""
    population = recording.load(RECORDINGS[name])
    assert len(population.traces) >= 20
    for scenario in catalogue.every().values():
        proof = scenario.signature(population)
        assert not proof, f"{scenario.name}: {proof.words}"
        assert proof.words


def test_the_recordings_are_no_empty_guard() -> None:
    """A recording without a checkout, or without the plan, would say that all is well of anything."""
    for name, path in RECORDINGS.items():
        population = recording.load(path)
        assert sum(trace.root.name == "POST /checkout" for trace in population.traces) >= 5, name
        assert any("stock_movement" in line for line in population.plan), name


@pytest.mark.parametrize("path", RECORDINGS.values(), ids=list(RECORDINGS))
def test_a_recording_tells_nothing_of_its_machine(path: Path) -> None:
    """It is small, too: no more than 60 kB."""
    text = gzip.decompress(path.read_bytes())
    assert not [each for each in PRIVATE if each in text]
    assert path.stat().st_size < 60_000


def test_the_docs_have_the_matrix_as_it_is() -> None:
    """The table in docs/scenarios.md is what `spans scenarios matrix` prints."""
    assert matrix.table(matrix.matrix()) in (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
