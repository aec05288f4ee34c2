"""The share of vulnerable servers over time."""

import re
from typing import Any

import pytest
from lxml import etree
from tests.report.charts import documents

from patchstand.report.catalog import Catalog
from patchstand.report.charts import shares, trend


def _words(svg: str) -> str:
    return " ".join(etree.fromstring(svg).itertext())


def _drawn(document: dict[str, Any], cat: Catalog) -> str:
    svg = trend.draw(document, cat)
    assert svg is not None
    return svg


def test_labels_are_the_figures_of_the_last_day(cat: Catalog) -> None:
    """Each curve is labelled with its interval of the last day of the series."""
    document = documents.country()
    words = _words(_drawn(document, cat))
    series = document["series"]
    of = series["population"][-1]

    for name in ("vulnerable", "rce", "behind_6", "behind_12"):
        low, high = (series[name][side][-1] / of for side in ("low", "high"))
        assert shares.between(low, high, cat) in words
        assert cat.text(f"chart.trend.{name}") in words


def test_days_without_servers_are_gaps() -> None:
    """A day with an empty population has no share."""
    series = {"population": [0, 4], "rce": {"low": [0, 1], "high": [0, 2]}}

    assert trend.bounds(series, "rce") == ([None, 0.25], [None, 0.5])


def test_months_left_out_are_hatched(cat: Catalog) -> None:
    """Each month that was left out is an area of its own in both panels; without, there is none."""
    hatched = re.compile(r'<rect[^>]*fill="url\(#chart-trend-out\)"')

    assert len(hatched.findall(_drawn(documents.skipping(), cat))) == 4
    assert hatched.findall(_drawn(documents.country(), cat)) == []


@pytest.mark.parametrize("made", [documents.lone, documents.undetermined])
def test_a_series_of_one_day_is_drawn(made: Any, cat: Catalog) -> None:  # noqa: ANN401
    """One day is a stroke in the middle."""
    assert len(re.findall(r'<path d="M', _drawn(made(), cat))) > 0


def test_without_days_there_is_no_chart(cat: Catalog) -> None:
    """An empty series is no chart."""
    document = documents.country()
    document["series"]["days"] = []

    assert trend.draw(document, cat) is None
