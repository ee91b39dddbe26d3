"""Names and ids: what differs from one of a kind to the next is taken out, and nothing else."""

import pytest

from workshop.traces.model import naming, statements, words
from workshop.traces.model.span import Span


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
    ("system", "name", "text", "label"),
    [
        ("redis", "MGET", "MGET ? ? ?", "MGET"),
        ("redis", "SET", "SET ? ? ? ?", "SET"),
        ("redis", "SET SET SET", "SET ? ? ? ?\nSET ? ? ? ?\nSET ? ? ? ?", "SET ×3"),
        ("valkey", "GET SET SET", "GET ?\nSET ? ?\nSET ? ?", "GET, SET ×2"),
        ("redis", "EVAL", "EVAL local a = 1\nreturn a", "EVAL"),
        ("postgresql", "SELECT", "SELECT a\nFROM b", "SELECT a FROM b"),
    ],
)
def test_a_pipeline_is_known_by_its_commands(system: str, name: str, text: str, label: str) -> None:
    """Counted, not with as many question marks as there were values; a script's lines are no commands."""
    attributes = {"db.system.name": system, "db.query.text": text}
    span = Span("1" * 32, "2" * 16, None, "shop", name, "client", 0, 1, attributes)
    assert naming.label(span) == label


def test_commands_are_one_kind_however_many_values_they_have() -> None:
    """A checkout of two products and one of three do the same work; a different command is another."""
    assert statements.normalised("MGET ? ? ?") == statements.normalised("MGET ?") == "mget ?"
    assert statements.normalised("SET ? ? ? ?\nSET ? ? ? ?") == statements.normalised("SET ? ? ? ?")
    assert statements.normalised("GET ?\nSET ? ?") == "get ? set ?"
    assert statements.normalised("SELECT a FROM b WHERE c = 1 AND d = 2") == "select a from b where c = ? and d = ?"


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
