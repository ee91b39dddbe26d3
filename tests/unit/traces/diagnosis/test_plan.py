"""Reading PostgreSQL's plans, and asking for one."""

from typing import Any

import pytest

from workshop.traces.diagnosis.plan import filter_columns, misjudged, missing_index, outline
from workshop.traces.sources import explain


def scan(**changes: Any) -> list[dict[str, Any]]:
    """The plan of the ledger's sum without its index, run by ANALYZE."""
    node = {
        "Node Type": "Seq Scan",
        "Relation Name": "stock_movement",
        "Filter": "(sku = 'SKU-1'::text)",
        "Actual Rows": 600,
        "Rows Removed by Filter": 2_999_400,
        "Actual Loops": 1,
        "Actual Total Time": 240.0,
    }
    node = {key: value for key, value in (node | changes).items() if value is not None}
    return [{"Plan": {"Node Type": "Aggregate", "Actual Total Time": 250.0, "Actual Loops": 1, "Plans": [node]}}]


def test_a_sequential_scan_for_few_rows() -> None:
    """Rows, table and column come from the plan."""
    assert str(missing_index(scan())) == (
        "sequential scan over 3,000,000 rows of stock_movement to find 600: an index on (sku) is missing"
    )


def test_parallel_workers_are_added_up() -> None:
    """Rows are given per loop: three processes read three times as many."""
    found = missing_index(
        scan(**{"Parallel Aware": True, "Actual Loops": 3, "Actual Rows": 200, "Rows Removed by Filter": 999_800})
    )
    assert found and (found.scanned, found.found) == (3_000_000, 600)


def test_estimates_are_called_so() -> None:
    """A plan that was not run has the table's rows and the planner's guess."""
    plain = {"Actual Rows": None, "Rows Removed by Filter": None, "Actual Total Time": None, "Actual Loops": None}
    document = scan(**plain, **{"Plan Rows": 597, "Relation Rows": 2_990_000, "Total Cost": 50_000.0})
    document[0]["Plan"] |= {"Total Cost": 50_010.0}
    del document[0]["Plan"]["Actual Total Time"]
    assert "over about 2,990,000 rows" in str(missing_index(document))


def test_an_estimate_that_is_far_off() -> None:
    """The plan was run: a thousand times fewer rows were found than expected."""
    found = misjudged(scan(**{"Plan Rows": 1_750_000}))
    assert found and "by (sku) the planner expected 1,750,000 rows and found 600" in str(found)
    assert "ANALYZE stock_movement" in found.advice
    assert misjudged(scan(**{"Plan Rows": 900})) is None


def test_an_index_that_the_planner_does_not_take() -> None:
    """The plan was not run, and there is an index for its filter: the planner must expect very many rows."""
    plain = {"Actual Rows": None, "Rows Removed by Filter": None, "Actual Total Time": None, "Actual Loops": None}
    for indexes, rows, told in (
        ([["sku"]], 1_750_000, True),
        ([["id"], ["sku", "id"]], 1_750_000, True),
        ([["id"]], 1_750_000, False),
        ([["id", "sku"]], 1_750_000, False),
        ([["sku"]], 600, False),
    ):
        estimated = {"Plan Rows": rows, "Relation Rows": 3_000_000, "Total Cost": 50_000.0}
        document = scan(**plain, **estimated, **{"Relation Indexes": indexes})
        document[0]["Plan"] = {"Node Type": "Aggregate", "Total Cost": 50_010.0} | {
            "Plans": document[0]["Plan"]["Plans"]
        }
        found = misjudged(document)
        assert bool(found) is told
        assert found is None or "though there is an index on (sku): the planner expects 1,750,000 rows" in str(found)


@pytest.mark.parametrize(
    "changes",
    [
        {"Node Type": "Index Scan"},
        {"Filter": None},
        {"Actual Rows": 1_500_000, "Rows Removed by Filter": 1_500_000},
        {"Actual Rows": 3, "Rows Removed by Filter": 400},
        {"Actual Total Time": 10.0},
        {"Filter": "((sku = 'a'::text) OR (id = 3))"},
        {"Filter": "(reason ~~ '%sale%'::text)"},
        {"Actual Rows": None, "Rows Removed by Filter": None},
    ],
    ids=["index", "no filter", "half the table", "small table", "not the slow part", "or", "pattern", "no rows"],
)
def test_what_an_index_would_not_cure(changes: dict[str, Any]) -> None:
    """No claim without reason."""
    assert missing_index(scan(**changes)) is None


@pytest.mark.parametrize("document", [None, [], {}, [{}], {"Plan": {}}])
def test_no_plan_is_no_claim(document: Any) -> None:
    """Whatever came back instead of a plan."""
    assert missing_index(document) is None
    assert isinstance(outline(document), str)


@pytest.mark.parametrize(
    ("condition", "columns"),
    [
        ("(sku = ANY ('{a,b}'::text[]))", ("sku",)),
        ("(sku = ANY ($1))", ("sku",)),
        ("((sku)::text = 'x'::text)", ("sku",)),
        ("((created_at > now()) AND (sku = $1))", ("sku", "created_at")),
        ("((a = 1) AND (b = 2) AND (c >= 3) AND (d < 4))", ("a", "b", "c")),
        ("(m.sku = 'it''s (a) AND b'::text)", ("sku",)),
        ("(lower(email) = $1)", ("lower(email)",)),
        ("(lower((email)::text) = $1)", ("lower((email)::text)",)),
        ('("Order" = 5)', ("Order",)),
        ("((a = 1) OR (b = 2))", ()),
        ("((x = 1) AND ((a = 1) OR (b = 2)))", ("x",)),
        ("(a <> 1)", ()),
        ("(NOT deleted)", ()),
        ("(a IS NULL)", ()),
        ("(id = (SubPlan 1))", ()),
        ("", ()),
    ],
)
def test_columns_of_a_filter(condition: str, columns: tuple[str, ...]) -> None:
    """Those compared with =, then one range; none where an index is no cure."""
    assert filter_columns(condition) == columns


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1 WHERE a = %s AND b = %s", "SELECT 1 WHERE a = $1 AND b = $2"),
        ("SELECT %(a)s, %(b)s, %(a)s", "SELECT $1, $2, $1"),
        ("SELECT ? FROM t WHERE x = '?'", "SELECT $1 FROM t WHERE x = '?'"),
        ("SELECT :id::text, now()::date", "SELECT $1::text, now()::date"),
        ("SELECT a LIKE 'x%%' , '%s' -- %s", "SELECT a LIKE 'x%%' , '%s' -- %s"),
        ("SELECT $1, $2", "SELECT $1, $2"),
    ],
)
def test_placeholders(statement: str, expected: str) -> None:
    """Each driver's placeholders become PostgreSQL's; quoted ones stay."""
    assert explain.numbered(statement) == expected


def test_a_database_that_is_not_there_has_no_plan() -> None:
    """The diagnosis goes on without."""
    assert explain.postgres("postgresql://nobody@127.0.0.1:1/none")("SELECT 1", None) is None
    assert explain.postgres("not a url")("SELECT 1", "inventory") is None
