"""Changes on the running system: what each does is seen in its traces, and gone again afterwards."""

import json
import signal
import subprocess
import sys
import time

import psutil
import pytest

from workshop.changes import edges, jobs, journal, local, making, patching
from workshop.changes.kinds import Limit, Release, Setting, Wire
from workshop.stack.errors import StackError
from workshop.stack.local import supervisor
from workshop.stack.settings import ROOT
from workshop.traces.model.trace import Trace

from ..conftest import Eventually, Stack
from ..shape import SPANS, is_whole
from .sampled import kept, send

FIVE = [(f"SKU-0000{number}", 1) for number in range(1, 6)]


def statements(stack: Stack, more: int = 0) -> int:
    """How often a checkout of five products asks for what is on hand."""
    trace = fetched(stack, stack.checkout(*FIVE).json()["trace_id"], SPANS + more)
    return sum(span.name == "SELECT stock_movement" for span in trace.spans)


def fetched(stack: Stack, trace_id: str, spans: int) -> Trace:
    """The trace of so many spans, and of those of a lookup that found nothing."""
    return stack.jaeger.wait_for_trace(trace_id, until=lambda trace: is_whole(trace, spans), timeout=10)


def environment(stack: Stack, name: str) -> dict[str, str]:
    """What a process of the stack has in its environment."""
    return psutil.Process(supervisor.states(stack.settings)[name]["pid"]).environ()


def test_a_release_runs_until_it_is_rolled_back(clean: Stack) -> None:
    """Five statements where there was one, and the log says who did it."""
    assert statements(clean) == 1
    told = clean.must("deploy", "inventory", "--release", "n-plus-one")
    assert "Done in" in told
    assert statements(clean, more=4) == 5
    assert "inventory: release n-plus-one" in clean.must("status")
    assert environment(clean, "inventory")["OTEL_RESOURCE_ATTRIBUTES"] == "service.version=1.0.0+n-plus-one"
    assert "Undone: inventory: release n-plus-one" in clean.must("rollback", "inventory")
    assert statements(clean) == 1
    last = json.loads(clean.must("changes", "--json"))[-1]
    assert (last["kind"], last["service"], last["name"], last["state"]) == (
        "release",
        "inventory",
        "n-plus-one",
        "undone",
    )
    assert last["made"] < last["undone"]


def test_a_setting_is_one_process_s(clean: Stack) -> None:
    """No other is started anew, and later settings lie over earlier ones."""
    before = {name: info["pid"] for name, info in supervisor.states(clean.settings).items()}
    clean.must("set", "payment", "PROVIDER_TIMEOUT_SECONDS=0.01", "PROVIDER_ATTEMPTS=1")
    answer = clean.checkout()
    assert (answer.status_code, answer.json()["detail"]) == (504, "the payment provider did not answer within 0.01 s")
    after = {name: info["pid"] for name, info in supervisor.states(clean.settings).items()}
    assert {name for name in before if before[name] != after[name]} == {"payment"}
    clean.must("set", "payment", "PROVIDER_TIMEOUT_SECONDS=2")
    assert clean.checkout().status_code == 201
    assert environment(clean, "payment")["PROVIDER_ATTEMPTS"] == "1"


def test_a_checkout_that_is_not_sampled_says_so(clean: Stack) -> None:
    """Instead of naming a page that answers 404; whoever asks for it by its id is told the same, and its log lines."""
    clean.must("checkout")
    clean.must("set", "gateway", "OTEL_TRACES_SAMPLER=always_off")
    told = clean.must("checkout")
    assert "/trace/" not in told
    trace_id = told.partition("not sampled, only logged: ")[2].split()[0]
    asked = clean.spans("trace", trace_id)
    assert asked.returncode == 1
    assert f"trace {trace_id} was not sampled: the gateway's OTEL_TRACES_SAMPLER" in asked.stderr
    assert trace_id not in clean.must("trace")
    assert "the last checkout was not sampled" in clean.spans("trace").stderr
    logged = clean.spans("logs", trace_id)
    assert "only the log lines" in logged.stderr
    assert "checkout of" in logged.stdout
    clean.must("rollback", "gateway")
    assert "/trace/" in clean.must("checkout")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("set", "payment", "PROVIDER_ATTEMPTS=0"), "greater than or equal to 1"),
        (("set", "payment", "PROVIDER_ATTEMPTS"), "is no NAME=VALUE"),
        (("set", "payment", "PATH=/tmp"), "has no setting PATH"),
        (("set", "postgres", "A=1"), "no process that can be changed"),
        (("deploy", "inventory", "--release", "../x"), "there is no release"),
        (("deploy", "provider", "--release", "x"), "has no releases"),
        (("rollback", "nobody"), "no process that can be changed"),
    ],
)
def test_what_is_wrong_changes_nothing(stack: Stack, words: tuple[str, ...], told: str) -> None:
    """It is refused with what would be right, before anything is touched; the log knows nothing of it."""
    before = journal.entries(stack.settings)
    done = stack.spans(*words)
    assert done.returncode == 1
    assert told in done.stderr
    assert journal.entries(stack.settings) == before


def test_a_process_that_does_not_come_up_has_its_change_undone(clean: Stack) -> None:
    """And the log's last lines say why; customers are served as before."""
    patch = clean.settings.state / "payment.patch"
    first = (ROOT / "payment" / "app.py").read_text().splitlines()[0]
    patch.write_text(
        f'--- a/payment/app.py\n+++ b/payment/app.py\n@@ -1 +1,2 @@\n {first}\n+raise RuntimeError("a typo")\n'
    )
    with pytest.raises(StackError, match=r"(?s)payment died.*a typo.*The change was undone: payment: release typo"):
        making.make(clean.settings, Release(service="payment", name="typo", patch=str(patch)))
    assert journal.entries(clean.settings)[-1].state == "undone"
    assert clean.checkout().status_code == 201


def test_two_changes_for_one_place_are_refused(clean: Stack) -> None:
    """A release over a release could not be undone in any order; the one that is there stays."""
    making.make(clean.settings, jobs.sql("report"), "ada")
    with pytest.raises(StackError, match=r"job-report is changed already \(job: report, by ada\)"):
        making.make(clean.settings, jobs.sql("report"), "bob")
    assert [each.by for each in journal.in_force(clean.settings, "local")] == ["ada"]


def test_an_old_proxy_loses_the_trace_and_nothing_else(clean: Stack, eventually: Eventually) -> None:
    """The payment begins a trace of its own; the charge is made once, in time, by those who may."""
    making.make(clean.settings, edges.between("order", "payment", "proxy"))
    began = time.time()
    answer = clean.checkout()
    assert answer.status_code == 201
    trace = fetched(clean, answer.json()["trace_id"], SPANS - 2)
    assert {span.service for span in trace.spans} == {"gateway", "order", "inventory"}
    eventually("the payment's own trace is there", lambda: clean.jaeger.search("payment", start=began))
    (strange,) = clean.jaeger.search("payment", start=began, limit=1)
    whole = clean.jaeger.get_trace(strange.trace_id)
    assert [span.kind for span in whole.spans if span.parent_id is None] == ["server"]


def test_status_tells_of_a_change_whose_process_ended(clean: Stack) -> None:
    """What is in force and does not work is not said to be there."""
    making.make(clean.settings, edges.between("payment", "provider", "link", delay_ms=150))
    (change,) = [each.change for each in journal.in_force(clean.settings, "local")]
    assert isinstance(change, Wire)
    assert "does not run" not in clean.must("status")
    supervisor.stop_processes(clean.settings, [change.program], 5)
    assert f"{change.words} (its process {change.program} does not run)" in clean.must("status")


def test_a_slow_link_is_slow_both_ways(clean: Stack) -> None:
    """The charge takes the provider's time and two delays more."""
    making.make(clean.settings, edges.between("payment", "provider", "link", delay_ms=150))
    began = time.monotonic()
    assert clean.checkout().status_code == 201
    assert time.monotonic() - began > 0.3


def test_a_stocktake_holds_the_products(clean: Stack, eventually: Eventually) -> None:
    """A checkout waits for its products' rows while it counts, and no more when it is gone."""
    making.make(clean.settings, jobs.sql("stocktake"))

    def waited() -> bool:
        answer = clean.checkout()
        if answer.status_code == 503:  # it counted for longer than anybody waits for a lock
            return "row that is needed was locked" in answer.json()["detail"]
        trace = fetched(clean, answer.json()["trace_id"], SPANS)
        return any(span.name == "SELECT product" and span.ms > 100 for span in trace.spans)

    eventually("a checkout waits for the stocktake", waited)


def test_a_limit_freezes_its_process(clean: Stack) -> None:
    """Of a tenth of a CPU it has no more than that, in periods of 100 ms; all of it goes on when the limit goes."""
    making.make(clean.settings, Limit(service="payment", cpus=0.1))
    members = psutil.Process(supervisor.states(clean.settings)["payment"]["pid"])
    both = [members, *members.children(recursive=True)]

    def used() -> float:
        return sum(each.cpu_times().user + each.cpu_times().system for each in both)

    command = [sys.executable, "-m", "workshop.cli", "load", "--users", "6", "--duration", "5"]
    with subprocess.Popen(command, cwd=ROOT, env=clean.environment, stdout=subprocess.DEVNULL) as load:
        time.sleep(2)
        began, before = time.monotonic(), used()
        time.sleep(2)
        share = (used() - before) / (time.monotonic() - began)
        load.wait()
    assert share < 0.16
    making.undo(clean.settings, lambda entry: True)
    assert {each.status() for each in both}.isdisjoint({psutil.STATUS_STOPPED})
    assert clean.checkout().status_code == 201


def test_load_goes_on_through_changes(clean: Stack) -> None:
    """No checkout is lost while every process of the way is started anew, one by one."""
    command = [sys.executable, "-m", "workshop.cli", "load", "--users", "4", "--duration", "20"]
    with subprocess.Popen(command, cwd=ROOT, env=clean.environment, stdout=subprocess.PIPE, text=True) as load:
        making.make(clean.settings, Setting(service="payment", values={"PROVIDER_ATTEMPTS": "2"}))
        making.make(clean.settings, patching.named("inventory", "n-plus-one"))
        making.make(clean.settings, edges.between("gateway", "order", "proxy"))
        making.undo(clean.settings, lambda entry: True)
        told, _ = load.communicate()
    assert load.returncode == 0
    assert " 0 failed" in told.splitlines()[-1] or ", 0 failed" in told, told
    clean.must("audit", "--settle", "30")


# Of each kind a step in the middle, and the last: the one that would write that it is done.
STEPS = {"setting": (3, 5), "release": (3, 5), "data": (1, 2), "wire": (4, 6), "job": (3, 4), "limit": (3, 4)}


@pytest.mark.parametrize("kind", STEPS)
def test_what_was_killed_half_way_is_whole_or_undone(clean: Stack, kind: str) -> None:
    """Made or undone: the next command settles it, says so, and the system is as the log says."""

    def attempt(step: int, what: str) -> str:
        command = [sys.executable, str(ROOT / "tests" / "integration" / "changes" / "killed.py"), str(step), what, kind]
        environment = {**clean.environment, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.stdout.split()[-1]

    def settled(told: str) -> None:
        assert "was left half way and is undone now" in told
        assert not journal.in_force(clean.settings, "local")
        assert not journal.left_open(clean.settings, "local")

    middle, last = STEPS[kind]
    assert attempt(middle, "make") not in ("whole", "_append")
    settled(clean.must("rollback", "provider"))
    assert attempt(last, "make") == "_append"
    settled(clean.must("rollback", "provider"))
    assert attempt(last + 1, "make") == "whole"
    assert [each.change.kind for each in journal.in_force(clean.settings, "local")] == [kind]
    assert attempt(middle, "undo") not in ("whole", "_append")
    settled(clean.must("rollback", "provider"))
    assert not [*(clean.settings.state / "changes").glob("*.conf"), *(clean.settings.state / "changes").glob("*.env")]
    assert not [name for name in supervisor.states(clean.settings) if name.startswith(local.PREFIXES)]
    assert "PROVIDER_ATTEMPTS" not in environment(clean, "payment")
    assert "PYTHONSAFEPATH" not in environment(clean, "inventory")
    assert clean.checkout().status_code == 201


def test_changes_survive_down_and_up(clean: Stack) -> None:
    """The release, the setting and the wire are there again, and `make up` says so."""
    making.make(clean.settings, patching.named("inventory", "n-plus-one"))
    making.make(clean.settings, edges.between("order", "payment", "proxy"))
    clean.must("down")
    told = clean.must("up")
    assert "Not as delivered: inventory: release n-plus-one, order -> payment: by way of proxy" in told
    assert statements(clean, more=2) == 5
    assert supervisor.states(clean.settings)["wire-order-payment"]["statename"] == "RUNNING"


def test_a_trace_is_sampled_at_its_end(clean: Stack, eventually: Eventually) -> None:
    """What failed and what was slow is kept, the rest not; as delivered all is."""
    port = clean.settings.otlp_http_port
    assert "TAIL_SAMPLING_PERCENTAGE" in clean.spans("set", "collector", "TAIL_SAMPLING_PERCENTAGE=101").stderr
    clean.must("set", "collector", "TAIL_SAMPLING_PERCENTAGE=0")
    ids = send(port)
    eventually("two are kept", lambda: kept(clean.jaeger, ids) == {"error", "slow"})
    assert "collector: TAIL_SAMPLING_PERCENTAGE=0" in clean.must("status")
    clean.must("rollback", "collector")
    assert kept(clean.jaeger, ids) == {"error", "slow"}
    after = send(port)
    eventually("all are kept", lambda: kept(clean.jaeger, after) == {"quick", "error", "slow"})
