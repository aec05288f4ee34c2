"""Product lines over time."""

import re

from tests.report.charts import documents

from patchstand.report.catalog import Catalog
from patchstand.report.charts import lines


def test_areas_add_up_to_all_servers() -> None:
    """The upper edge of the last area is everybody, on each day that has servers."""
    series = documents.skipping()["series"]
    layers = lines._layers(series)
    top = lines._stacked(layers, series["population"])[-1]

    assert {share for share in top if share is not None} == {1.0}
    assert [share is None for share in top] == [not of for of in series["population"]]


def test_servers_of_several_lines_are_an_area_of_their_own() -> None:
    """Who fits no single line is in the last layer, and only there."""
    series = documents.undetermined()["series"]

    assert lines._layers(series) == [(lines.SEVERAL, [1])]


def test_lines_are_in_the_order_of_their_age() -> None:
    """From 2003 over 2010 to SE, wherever they stand in the document."""
    series = {"population": [6], "lines": {"SE": [1], "2003": [1], "2019": [1], "2010": [1]}}

    assert [name for name, _ in lines._layers(series)] == ["2003", "2010", "2019", "SE", "several"]


def test_each_line_is_named_once(cat: Catalog) -> None:
    """The labels name the lines of the document with their share of the last day."""
    document = documents.country()
    svg = lines.draw(document, cat)
    assert svg is not None
    found = re.findall(r">([^<>:]+): [^<]+</text>", svg)

    assert set(document["series"]["lines"]) <= set(found)
    assert len(found) == len(set(found))
