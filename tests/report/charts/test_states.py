"""The federal states as tiles."""

from itertools import pairwise
from typing import Any

from lxml import etree
from tests.report.charts import documents

from patchstand.report.catalog import Catalog
from patchstand.report.census_numbers import is_hidden
from patchstand.report.charts import shares, states

_SVG = "{http://www.w3.org/2000/svg}"
_NEIGHBOURS = ("SH-HH", "HH-NI", "HB-NI", "NI-NW", "NI-ST", "ST-TH", "BE-BB", "NW-HE", "NW-RP",
               "HE-TH", "TH-SN", "HE-BW", "RP-SL", "BW-BY", "TH-BY", "HH-MV", "MV-BB")  # fmt: skip


def _tiles(document: dict[str, Any], cat: Catalog) -> dict[str, etree._Element]:
    svg = states.draw(document, cat)
    assert svg is not None
    tiles = etree.fromstring(svg).iter(f"{_SVG}g")
    return {str(tile.findtext(f"{_SVG}text")): tile for tile in tiles}


def test_there_are_sixteen_places_of_their_own() -> None:
    """Sixteen tiles, no two in the same place, each with a name in both languages."""
    assert len(states.PLACES) == 16
    assert len(set(states.PLACES.values())) == 16


def test_neighbours_stay_neighbours() -> None:
    """States that share a border touch at least at a corner."""
    for pair in _NEIGHBOURS:
        (x, y), (u, v) = (states.PLACES[code] for code in pair.split("-"))
        assert max(abs(x - u), abs(y - v)) == 1, pair


def test_north_is_up_and_west_is_left() -> None:
    """The corners of the country are where a map has them."""
    column, row = ({code: place[at] for code, place in states.PLACES.items()} for at in (0, 1))

    assert row["SH"] == min(row.values())
    assert row["SH"] < row["NI"] < row["HE"] < row["BY"]
    assert all(column[a] < column[b] for a, b in pairwise(["NW", "HE", "TH", "SN"]))
    assert column["BB"] == max(column.values())


def test_tiles_have_share_and_numbers(cat: Catalog) -> None:
    """Each state with servers shows its interval and its servers, and carries both bounds."""
    document = documents.country()
    tiles = _tiles(document, cat)
    assert set(tiles) == set(states.PLACES)

    for code, state in states.german(document).items():
        figure, tile = state["vulnerable"], tiles[code]
        if not is_hidden(figure):
            words = " ".join(tile.itertext())
            assert shares.interval(figure, cat) in words
            assert shares.servers(figure, cat) in words
            assert float(tile.get("data-low", "")) == figure["low"]
            assert float(tile.get("data-high", "")) == figure["high"]


def test_what_is_not_published_is_said(cat: Catalog) -> None:
    """A suppressed state, a missing one and one without servers have words, and no shade."""
    hidden, nobody = _tiles(documents.suppressed(), cat), _tiles(documents.empty(), cat)

    assert cat.text("chart.states.suppressed") in " ".join(hidden["SH"].itertext())
    assert cat.text("chart.states.missing") in " ".join(hidden["HB"].itertext())
    for tile in (hidden["SH"], hidden["HB"], nobody["BE"]):
        assert tile.get("data-low") is None
        assert "shade" not in str(etree.tostring(tile))


def test_a_country_without_german_states_has_no_tiles(cat: Catalog) -> None:
    """The grid is Germany's; other states have a table."""
    assert states.draw(documents.elsewhere(), cat) is None
