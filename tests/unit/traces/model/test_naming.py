"""Names and ids: what differs from one of a kind to the next is taken out, and nothing else."""

import pytest

from workshop.traces.model import naming, words


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/u/3", "/u/{id}"),
        ("/orders/o-17/items", "/orders/{id}/items"),
        ("/product/OLJCESPC7Z", "/product/{id}"),
        ("/users/ann@example.org", "/users/{id}"),
        ("/f/550e8400-e29b-41d4-a716-446655440000", "/f/{id}"),
        ("/x/5ca1ab1e00000000000000000000a003", "/x/{id}"),
        ("/d/2026-11-27", "/d/{id}"),
        ("/a/b?page=3", "/a/b"),
        ("/v1/oauth2/token", "/v1/oauth2/token"),
        ("/v1.2/s3/k8s/sha256", "/v1.2/s3/k8s/sha256"),
        ("/create-payment-intent-and-confirm", "/create-payment-intent-and-confirm"),
        ("/getUserProfileWithPermissions", "/getUserProfileWithPermissions"),
    ],
)
def test_ids_in_paths(path: str, template: str) -> None:
    """Numbers, drawn ids and addresses are ids; versions and words with a digit are words."""
    assert naming.path_template(path) == template


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("items.3.price", "items.{n}.price"),
        ("items[12].price", "items[{n}].price"),
        ("items/3/price", "items/{n}/price"),
        ("graphql.resolve posts.12.author", "graphql.resolve posts.{n}.author"),
        ("GET /u/3", "GET /u/{id}"),
        ("GET http://a:8080/u/3", "GET http://a:8080/u/{id}"),
        ("shard-7", "shard-{n}"),
        ("step 4", "step {n}"),
        ("S3.GetObject", "S3.GetObject"),
        ("oauth2", "oauth2"),
        ("grpc.health.v1.Health/Check", "grpc.health.v1.Health/Check"),
        ("POST /v1/x", "POST /v1/x"),
        ("", ""),
    ],
)
def test_ids_and_indexes_in_names(name: str, template: str) -> None:
    """An index is taken out, a digit inside of a word is not."""
    assert naming.name_template(name) == template


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("HikariDataSource.getConnection", ("hikari", "data", "source", "get", "connection")),
        ("pg-pool.connect", ("pg", "pool", "connect")),
        ("HTTPServer_wait2", ("http", "server", "wait", "2")),
        ("", ()),
    ],
)
def test_words_of_a_name(name: str, found: tuple[str, ...]) -> None:
    """Camel case, dots, dashes and underscores alike."""
    assert words.words(name) == found
