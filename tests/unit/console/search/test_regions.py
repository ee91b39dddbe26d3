"""Two regions of the plot compared as populations."""

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from tests.unit.console.conftest import START, FakeJaeger
from tests.unit.console.console_traces import checkout

Page = Callable[..., str]
SECOND = 10**9


def address(**changed: object) -> str:
    """The page that compares the hour before a minute ago with the time since."""
    middle = START // 10**6 + 60_000
    query = {
        "service": "gateway",
        "operation": "POST /checkout",
        "before_from": START // 10**6 - 3_600_000,
        "before_to": middle,
        "after_from": middle + 1,
        "after_to": START // 10**6 + 110_000,
    }
    return f"/changes?{urlencode({key: value for key, value in (query | changed).items() if value is not None})}"


@pytest.fixture
def slower(jaeger: FakeJaeger) -> None:
    """Eight fast checkouts, and eight slow ones a minute later."""
    jaeger.traces.clear()
    for n in range(8):
        jaeger.add(checkout(f"{n + 1:032x}", START + n * SECOND, 2 + n % 3))
        jaeger.add(checkout(f"{n + 101:032x}", START + (70 + n) * SECOND, 800 + n))


@pytest.mark.usefixtures("slower")
def test_what_grew_and_whose_doing_it_is(text_of: Page) -> None:
    """The suspect with its evidence, an example to look at, and both lists to go back to."""
    page = text_of(address())
    assert "suspect: inventory: " in page and "8 traces before" in re.sub(r"\s+", " ", page)
    assert "<b>inventory</b>" in page and "8 of 8" in page and re.search(r'href="/trace/0{29}\w+#\w{16}"', page)


@pytest.mark.usefixtures("slower")
def test_what_takes_less(text_of: Page) -> None:
    """The regions the other way round: nobody is suspected."""
    middle, early, late = START // 10**6 + 60_000, START // 10**6 - 1000, START // 10**6 + 110_000
    page = text_of(address(before_from=middle, before_to=late, after_from=early, after_to=middle))
    assert "nothing takes longer; inventory takes less" in page and "Suspects" not in page


@pytest.mark.usefixtures("slower")
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"before_from": None}, "before_from and before_to are two Unix times"),
        ({"after_to": "soon"}, "after_from and after_to are two Unix times"),
        ({"after_min": "long"}, "is not a duration"),
        ({"before_from": 1, "before_to": 2}, "no trace in the region before"),
        ({"after_min": "90s"}, "no trace in the region after"),
    ],
)
def test_an_address_without_two_regions_is_refused(client: FlaskClient, changed: dict[str, object], said: str) -> None:
    """In one sentence, with what is missing."""
    answer = client.get(address(**changed))
    assert answer.status_code == 400 and said in answer.text
