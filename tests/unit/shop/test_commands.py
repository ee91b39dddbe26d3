"""What the commands read and write: items, plans, history, logs, figures."""

from pathlib import Path

import pytest

from workshop.shop import checkout, history, ledger
from workshop.stack import log_files
from workshop.stack.errors import StackError
from workshop.stack.settings import ROOT, Settings
from workshop.traces.time.ranks import nearest_rank


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path))
    return tmp_path


def test_items_are_written_as_sku_and_quantity() -> None:
    """Without a quantity it is one; small letters are no other product."""
    assert checkout.parse_items(" SKU-00001:2, sku-00017 ") == [
        {"sku": "SKU-00001", "quantity": 2},
        {"sku": "SKU-00017", "quantity": 1},
    ]


@pytest.mark.parametrize(
    "text", ["SKU-00001:", "SKU-00001:x", "SKU-00001:0", "SKU-00001:101", "SKU-00001:²", "a b:c", "a:b:c", "x" * 33]
)
def test_what_is_no_item_is_told(text: str) -> None:
    """The wrong word is in the sentence, and a right one."""
    with pytest.raises(StackError, match="is not an item: write SKU:quantity"):
        checkout.parse_items(text)


def test_random_items_are_different_products() -> None:
    """Three of them, or what there is."""
    assert len({item["sku"] for item in checkout.pick(5000)}) == 3
    assert len(checkout.pick(2)) == 2


def test_percentiles_are_measured_values() -> None:
    """The nearest rank, so that a figure is one that was seen."""
    values = [float(n) for n in range(1, 21)]
    assert (nearest_rank(values, 50), nearest_rank(values, 95)) == (10, 19)
    assert nearest_rank([7.0], 95) == 7
    assert nearest_rank([3.0, 1.0, 2.0], 95) == 3


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("->  Seq Scan on stock_movement  (cost=0.00..", ledger.WHOLE_TABLE),
        ("      Rows Removed by Filter: 2998214", ledger.FOR_NOTHING),
        ("->  Bitmap Index Scan on stock_movement_sku_idx  (cost", ledger.STRAIGHT),
        ("->  Index Scan using stock_movement_sku_idx on stock_movement", ledger.STRAIGHT),
        ("->  Seq Scan on product  (cost", None),
        ("Planning Time: 0.4 ms", None),
    ],
)
def test_telling_lines_of_a_plan(line: str, told: str | None) -> None:
    """The two lines that show the missing index, and the one that shows that it is there."""
    assert ledger.telling(line) == told


def test_the_explained_statement_is_the_services_own() -> None:
    """It is read from the file that the inventory reads it from, and takes the products as a parameter."""
    assert ledger.STATEMENT.is_relative_to(ROOT / "inventory")
    assert "%(skus)s" in ledger.STATEMENT.read_text()


def entry(trace_id: str, status: int = 201) -> dict[str, object]:
    """A checkout as it is remembered."""
    return {"kind": "checkout", "trace_id": trace_id, "status": status, "ms": 1.0}


def test_history_gives_the_last_checkouts_in_order(state: Path) -> None:
    """What is no checkout, or has no trace, is left out."""
    for each in (entry("a"), {"kind": "fix"}, entry("b"), {**entry(""), "trace_id": None}, entry("c")):
        history.append(each)
    assert [each["trace_id"] for each in history.last(2)] == ["b", "c"]
    assert history.last(0) == []


def test_history_knows_before_and_after_the_last_change(state: Path) -> None:
    """Only confirmed checkouts are compared, and only those around the last fix or break."""
    for each in (entry("old"), {"kind": "break"}, entry("a"), entry("b", 409), {"kind": "fix"}, entry("c")):
        history.append(each)
    before, after = history.before_and_after()
    assert ([each["trace_id"] for each in before], [each["trace_id"] for each in after]) == (["a"], ["c"])


def test_history_is_bounded(state: Path) -> None:
    """A checkout a second for a day must not fill the disk."""
    for number in range(2 * history.KEPT + 10):
        history.append(entry(str(number)))
    assert history.KEPT <= len(history.entries()) <= 2 * history.KEPT
    assert history.last(1)[0]["trace_id"] == str(2 * history.KEPT + 9)


def test_history_outlives_a_line_that_was_cut_short(state: Path) -> None:
    """A kill in the middle of a write costs one line."""
    history.append(entry("a"))
    with (state / "history" / "checkouts.jsonl").open("a") as file:
        file.write('{"kind": "check\n')
    history.append(entry("b"))
    assert [each["trace_id"] for each in history.last(5)] == ["a", "b"]


def test_last_lines_of_a_log(tmp_path: Path) -> None:
    """The end of the file; a missing file is said to be missing."""
    path = tmp_path / "a.log"
    assert log_files.last_lines(path, 3) == ["(there is no log yet)"]
    path.write_text("".join(f"{n}\n" for n in range(10)))
    assert log_files.last_lines(path, 3) == ["7", "8", "9"]
    assert log_files.last_lines(path, 0) == []


def test_following_a_log_gives_whole_lines_and_survives_rotation(tmp_path: Path) -> None:
    """A half-written line waits for its end; a file that was begun anew is read from its beginning."""
    path = tmp_path / "a.log"
    path.write_text("old\n")
    lines = log_files.follow({"a": path}, 1, seconds=0.01)
    assert next(lines) == ("a", "old")
    with path.open("a") as file:
        file.write("one\ntw")
    assert next(lines) == ("a", "one")
    with path.open("a") as file:
        file.write("o\n")
    assert next(lines) == ("a", "two")
    path.write_text("new\n")
    assert next(lines) == ("a", "new")


def test_a_log_line_is_shown_as_words() -> None:
    """Level, message, and how the traceback ends; what is not JSON stays as it is."""
    line = '{"level": "ERROR", "message": "no", "exc_info": "a\\nb\\nc\\nValueError: x"}'
    assert log_files.readable(line) == "ERROR no\n    b\n    c\n    ValueError: x"
    assert log_files.readable("plain") == "plain"


@pytest.mark.parametrize(
    ("typed", "card"),
    [
        ("", checkout.GOOD_CARD),
        ("declined", "4000000000000002"),
        ("Declined ", "4000000000000002"),
        ("0002", "4000000000000002"),
        ("0119", "4000000000000119"),
        ("4242 4242 4242 4242", "4242424242424242"),
    ],
)
def test_a_card_may_be_typed_in_short(typed: str, card: str) -> None:
    """By what becomes of it, or by its last four digits."""
    assert checkout.parse_card(typed) == card


@pytest.mark.parametrize("typed", ["maybe", "12", "12345", "4" * 20, "-1"])
def test_what_is_no_card_is_told(typed: str) -> None:
    """Before anything is bought, with what can be given."""
    with pytest.raises(StackError, match="declined, 0002"):
        checkout.parse_card(typed)


def test_a_checkouts_line_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """80 columns with the default ports, however long the reason is: that has a line of its own."""
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    checkout.show(checkout.Outcome(502, 12_345.6, "a" * 32, "the payment provider failed three times"), settings)
    first, second = capsys.readouterr().out.splitlines()
    assert len(first) <= 80
    assert first.endswith("/trace/" + "a" * 32)
    assert second.strip() == "the payment provider failed three times"
