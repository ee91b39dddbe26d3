"""Changes of the containers: one of each kind, seen in a checkout and gone again; no image is built."""

import time
from collections.abc import Iterator

import pytest

from tests.compose.conftest import ComposeStack
from tests.integration.changes.sampled import kept, send
from tests.integration.conftest import Eventually
from tests.integration.shape import SPANS, is_whole
from workshop.changes import docker as containers
from workshop.changes import edges, jobs, journal, making, patching
from workshop.changes.kinds import Change, Data, Limit, Setting, Wire
from workshop.stack.docker import system as docker

pytestmark = pytest.mark.docker


@pytest.fixture
def clean(stack: ComposeStack) -> Iterator[ComposeStack]:
    """The stack; whatever a test changes is undone after it, and the file of changes gone."""
    yield stack
    making.undo(stack.settings, lambda entry: True)
    assert not docker.changes_file(stack.settings).exists()


def images(stack: ComposeStack) -> str:
    """What images the project has."""
    return stack.docker("image", "ls", "--quiet", "--no-trunc", f"{stack.settings.project}-*")


def test_a_release_is_mounted_in_front_of_the_package(clean: ComposeStack) -> None:
    """Read-only, in the image that is there; its spans tell its version."""
    before = images(clean)
    making.make(clean.settings, patching.named("inventory", "n-plus-one"))
    items = [(f"SKU-0000{number}", 1) for number in range(1, 6)]
    trace_id = clean.checkout(*items).json()["trace_id"]
    trace = clean.jaeger.wait_for_trace(trace_id, until=lambda trace: is_whole(trace, SPANS + 4), timeout=30)
    asked = [span for span in trace.spans if span.name == "SELECT stock_movement"]
    assert [span.resource["service.version"] for span in asked] == ["1.0.0+n-plus-one"] * 5
    told = docker.changes_file(clean.settings).read_text()
    assert ":/release:ro" in told
    assert images(clean) == before


def test_a_setting_is_one_container_s(clean: ComposeStack) -> None:
    """The others run on."""
    started = {each["Name"]: each["State"]["StartedAt"] for each in clean.containers()}
    making.make(clean.settings, Setting(service="payment", values={"PROVIDER_TIMEOUT_SECONDS": "0.01"}))
    assert clean.checkout().json()["detail"] == "the payment provider did not answer within 0.01 s"
    now = {each["Name"]: each["State"]["StartedAt"] for each in clean.containers()}
    assert {name.rpartition("-payment-")[1] for name in now if now[name] != started[name]} == {"-payment-"}


def test_the_collector_samples_a_trace_at_its_end(clean: ComposeStack, eventually: Eventually) -> None:
    """Its own processor does, once it is in the pipeline: what failed and what was slow is kept, the rest not."""
    port = clean.settings.otlp_http_port
    change = Setting(service="collector", values={"TAIL_SAMPLING_PERCENTAGE": "0"})
    making.make(clean.settings, change)
    ids = send(port)
    eventually("two are kept", lambda: kept(clean.jaeger, ids) == {"error", "slow"})
    making.undo(clean.settings, lambda entry: entry.change == change)
    after = send(port)
    eventually("all are kept", lambda: kept(clean.jaeger, after) == {"quick", "error", "slow"})


@pytest.mark.parametrize(("via", "options"), [("proxy", {}), ("link", {"delay_ms": 100})])
def test_a_wire_is_a_container(clean: ComposeStack, via: str, options: dict[str, float]) -> None:
    """The caller asks it, and it asks the callee, which takes its name for its own."""
    making.make(clean.settings, edges.between("order", "payment", via, **options))
    began = time.monotonic()
    answer = clean.checkout()
    assert answer.status_code == 201
    assert time.monotonic() - began > options.get("delay_ms", 0) / 1000 * 2
    (wire,) = [each.change for each in journal.in_force(clean.settings, "docker")]
    assert isinstance(wire, Wire) and containers.ended(clean.settings, [wire]) == set()
    (name,) = [each["Name"] for each in clean.containers() if wire.program in each["Name"]]
    clean.docker("stop", name.removeprefix("/"))
    assert containers.ended(clean.settings, [wire]) == {wire.program}
    making.undo(clean.settings, lambda entry: True)
    label = f"label=com.docker.compose.project={clean.settings.project}"
    assert "wire" not in clean.docker("ps", "--all", "--format", "{{.Names}}", "--filter", label)


@pytest.mark.parametrize(
    "change",
    [
        jobs.sql("report"),
        Limit(service="payment", cpus=0.5, memory_mb=200),
        Data(
            name="a column more",
            up=["ALTER TABLE product ADD COLUMN more int"],
            down=["ALTER TABLE product DROP COLUMN IF EXISTS more"],
        ),
    ],
    ids=lambda change: change.kind,
)
def test_every_other_kind_is_made_and_undone(clean: ComposeStack, change: Change) -> None:
    """A checkout is served with it, and after it."""
    making.make(clean.settings, change)
    assert [each.change for each in journal.in_force(clean.settings, "docker")] == [change]
    assert clean.checkout().status_code == 201
    making.undo(clean.settings, lambda entry: True)
    assert journal.in_force(clean.settings, "docker") == []
    assert clean.checkout().status_code == 201
