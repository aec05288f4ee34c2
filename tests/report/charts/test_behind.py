"""Months behind."""

from tests.report.charts import documents

from patchstand.report.catalog import Catalog
from patchstand.report.charts import behind, shares


def test_each_bar_has_its_interval(cat: Catalog) -> None:
    """Every number of months of the document has a bar with both bounds in words."""
    document = documents.country()
    svg = behind.draw(document, cat)
    assert svg is not None

    for months, figure in document["behind"].items():
        assert cat.text("chart.months", n=int(months)) in svg
        assert shares.interval(figure, cat) in svg
        assert shares.counted(figure, cat) in svg


def test_a_bar_of_nobody_is_left_out(cat: Catalog) -> None:
    """An empty denominator gives no bar, and the others stay."""
    svg = behind.draw(documents.empty(), cat)
    assert svg is not None

    assert cat.text("chart.months", n=6) not in svg
    assert cat.text("chart.months", n=12) in svg
