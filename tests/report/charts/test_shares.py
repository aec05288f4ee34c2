"""Figures in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.model import Figure
from patchstand.report.catalog import Catalog, catalog
from patchstand.report.charts import shares


def _figure(n: int, high: int, of: int) -> dict[str, object]:
    figure = Figure(n, high, of, "rce")
    return {"n": n, "n_high": high, "of": of, "low": figure.low, "high": figure.high}


def test_shares_follow_the_language() -> None:
    """Decimal comma and separators of thousands as readers expect them."""
    figure = _figure(15501, 34648, 45147)
    german, english = catalog("de"), catalog("en")

    assert shares.interval(figure, german) == "34,3\u201376,8\u00a0%"
    assert shares.counted(figure, german) == "15.501\u201334.648 von 45.147"
    assert shares.interval(figure, english) == "34.3\u201376.8\u00a0%"
    assert shares.counted(figure, english) == "15,501\u201334,648 of 45,147"


@given(st.integers(1, 10**6), st.data())
def test_a_share_of_some_is_neither_none_nor_all(of: int, data: st.DataObject) -> None:
    """However it is rounded, 0 % and 100 % are said of nobody and everybody only."""
    n = data.draw(st.integers(0, of))
    words = shares.percent(n / of, catalog("en"))

    assert (words == "0\u00a0%") == (n == 0)
    assert (words == "100\u00a0%") == (n == of)


@given(st.floats(0.0005, 0.9995))
def test_a_share_is_off_by_half_a_tenth_at_most(share: float) -> None:
    """What is said is the share, rounded to a tenth of a percent."""
    words = shares.percent(share, catalog("en")).removesuffix("\u00a0%").strip("<> ")

    assert abs(float(words) - share * 100) <= 0.05 + 1e-9


def test_equal_bounds_are_said_once(cat: Catalog) -> None:
    """A figure that is certain has one share and one number."""
    figure = _figure(5, 5, 10)

    assert "\u2013" not in shares.interval(figure, cat)
    assert "\u2013" not in shares.counted(figure, cat)


def test_an_empty_denominator_and_a_suppressed_cell_have_words(cat: Catalog) -> None:
    """Neither is a zero, and the suppressed one gives no number away but its denominator."""
    nobody, hidden = _figure(0, 0, 0), {"suppressed": True, "of": 17, "rule": "rce"}

    assert shares.interval(nobody, cat) == cat.text("chart.none")
    assert shares.interval(hidden, cat) == cat.text("chart.suppressed")
    assert shares.servers(hidden, cat) == ""
    assert shares.counted(hidden, cat).endswith("17")


@pytest.mark.parametrize(("n", "told"), [(0, "0"), (1, "<5"), (4, "<5"), (5, "5"), (12, "12")])
def test_small_groups_do_not_tell_their_size(n: int, told: str, cat: Catalog) -> None:
    """The size of a group is a cell like any other."""
    assert shares.crowd(n, cat) == told
