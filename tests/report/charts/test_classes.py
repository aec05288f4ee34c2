"""The classes of a day as one bar."""

import re

import pytest
from tests.report.charts import documents

from patchstand.report.catalog import Catalog
from patchstand.report.charts import classes
from patchstand.report.charts.svg import WIDTH


def test_the_parts_add_up() -> None:
    """The certain parts of the three classes are all servers."""
    document = documents.country()
    found = classes.parts(document)

    assert sum(n for _, n, _ in found) == document["population"]
    assert sum(share for _, _, share in found) == pytest.approx(1)


def test_the_bar_fills_the_width() -> None:
    """The parts lie side by side from the left edge to the right one."""
    drawn = classes.bar(classes.parts(documents.country()), WIDTH, 0, 10)
    boxes = [re.search(r'x="([\d.]+)" y="0" width="([\d.]+)"', each) for each in drawn]
    ends = [(float(box[1]), float(box[1]) + float(box[2])) for box in boxes if box]

    assert len(ends) == 3
    assert ends[0][0] == 0
    assert ends[0][1] == pytest.approx(ends[1][0], abs=0.11)
    assert ends[2][1] == pytest.approx(WIDTH, abs=0.2)


def test_each_part_is_labelled(cat: Catalog) -> None:
    """The words and the number of each class stand in the chart."""
    svg = classes.draw(documents.country(), cat)
    assert svg is not None

    for name, n, _ in classes.parts(documents.country()):
        assert cat.text(f"chart.classes.{name}") in svg
        assert cat.text("chart.servers", n=n) in svg
