"""The Host check: a process answers to its own names, and to no other."""

import pytest
from flask.testing import FlaskClient

from common.service import create_service
from common.serving import hosts
from services.provider.app import create_app as create_provider

NAMES = hosts.allowed("order", environ={"ALLOWED_HOSTS": " Shop.Example , .teach.local,"})


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8081",
        "localhost.",
        "127.0.0.1:1",
        "[::1]:8081",
        "order",
        "order:8081",
        "order.shop.svc",
        "order.shop.svc.cluster.local:80",
        "shop.example",
        "room.teach.local",
        None,
    ],
)
def test_own_names_are_known(host: str | None) -> None:
    """This machine's, the one between containers, Kubernetes' longer ones, and those of the setting."""
    assert hosts.refusal(host, NAMES) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "order.evil.example",
        "localhost.evil.example:80",
        "127.0.0.1.nip.io",
        "evilteach.local",
        "teach.local",
        "svc",
        "payment",
        "[::2]",
        "localhost@evil.example",
        "evil.example/.svc",
        "localhost:1:2",
        "localhost,evil.example",
        "",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    """Whatever of ours is a part of them; the reason says what to do."""
    assert "ALLOWED_HOSTS" in str(hosts.refusal(host, NAMES))


def test_a_star_allows_any() -> None:
    """For who has another check in front."""
    assert hosts.refusal("any", hosts.allowed(environ={"ALLOWED_HOSTS": "*"})) is None


@pytest.fixture(params=["a service", "the provider"])
def client(request: pytest.FixtureRequest) -> FlaskClient:
    """An application with the check in front of it."""
    app = create_provider() if request.param == "the provider" else create_service("order", {}, timeout=1)
    return app.test_client()


@pytest.mark.parametrize("path", ["/healthz", "/v1/charges", "/nothing", "/static/nothing"])
def test_every_path_of_a_service_is_behind_it(client: FlaskClient, path: str) -> None:
    """403, whether there is such a path or not; its own name gets further."""
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 403
    assert client.get(path, headers={"Host": "localhost:8081"}).status_code != 403
