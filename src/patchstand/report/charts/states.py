"""The German federal states as a tile grid, shaded by the share that is certainly vulnerable."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import escape

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.census_numbers import is_hidden
from patchstand.report.charts.palette import SHADES, shade
from patchstand.report.charts.shares import (
    crowd,
    interval,
    named,
    notes,
    rounded,
    servers,
)
from patchstand.report.charts.svg import Heading, Value, drawing, element, hatch, rect, short, text

PLACES = {
    "SH": (2, 0),
    "HB": (1, 1), "HH": (2, 1), "MV": (3, 1),
    "NI": (1, 2), "ST": (2, 2), "BE": (3, 2), "BB": (4, 2),
    "NW": (0, 3), "HE": (1, 3), "TH": (2, 3), "SN": (3, 3),
    "RP": (0, 4), "BW": (1, 4), "BY": (2, 4),
    "SL": (0, 5),
}  # fmt: skip
"""Column and row of each state: neighbours stay neighbours as far as tiles allow."""
_TILE_WIDTH, _TILE_HEIGHT, _GAP = 134.0, 78.0, 7.0
_LONG = 20
"""Words of so many letters are set smaller, to stay inside their tile."""
_HATCH = "chart-states-suppressed"


def german(document: Document) -> dict[str, Mapping[str, Any]]:
    """The states of Germany in the document, by their two letters."""
    states = document.get("states", {})
    return {code: states[f"DE-{code}"] for code in PLACES if f"DE-{code}" in states}


def draw(document: Document, cat: Catalog) -> str | None:
    """The chart; None where the document has no German state."""
    found = german(document)
    if not found:
        return None
    heading = _heading(document, found, cat)
    top = heading.top
    bottom = top + 6 * (_TILE_HEIGHT + _GAP)
    return drawing(
        heading,
        bottom,
        element("defs", hatch(_HATCH, "rule", "paper")),
        *(_tile(code, found.get(code), top, cat) for code in PLACES),
        _scale(3 * (_TILE_WIDTH + _GAP), bottom - 46, cat),
    )


def _tile(code: str, state: Mapping[str, Any] | None, top: float, cat: Catalog) -> str:
    column, row = PLACES[code]
    x, y = column * (_TILE_WIDTH + _GAP), top + row * (_TILE_HEIGHT + _GAP)
    name, share = named("chart.state", code, cat), cat.text("chart.states.missing")
    attributes: dict[str, Value] = {"transform": f"translate({short(x)} {short(y)})"}
    if state is None:
        drawn = _empty(code, "none", [share])
    elif is_hidden(state["vulnerable"]) or state["vulnerable"]["low"] is None:
        share = cat.text("chart.states.suppressed")
        words = [share, cat.text("chart.states.servers", n=crowd(state["population"], cat))]
        drawn = _empty(code, f"url(#{_HATCH})", words)
    else:
        share = interval(state["vulnerable"], cat)
        drawn = _shaded(code, state, cat)
        bounds = {f"data-{side}": repr(state["vulnerable"][side]) for side in ("low", "high")}
        attributes |= {"class_": "tile", **bounds}
    return element("g", element("title", str(escape(f"{name}: {share}"))), drawn, **attributes)


def _empty(code: str, fill: str, words: Sequence[str]) -> str:
    box = {"fill": fill, "stroke": "soft", "stroke_dasharray": "4 3"}
    return (
        rect(0, 0, _TILE_WIDTH, _TILE_HEIGHT, rx=4, **box)
        + text(10, 23, code, font_size=16, font_weight="bold", fill="soft")
        + "".join(
            text(10, 45 + 19 * at, row, font_size=12, fill="soft") for at, row in enumerate(words)
        )
    )


def _shaded(code: str, state: Mapping[str, Any], cat: Catalog) -> str:
    """A tile with its words; the empty one takes what the page's slider assumes."""
    figure = state["vulnerable"]
    step = shade(figure["low"])
    ink = f"on-shade-{step}"
    of = cat.text("chart.states.servers", n=state["population"])
    words = f"{servers(figure, cat)} {of}"
    assumed = {"text_anchor": "end", "class_": "assumed", "fill": ink}
    return (
        rect(0, 0, _TILE_WIDTH, _TILE_HEIGHT, rx=4, fill=f"shade-{step}")
        + text(10, 23, code, font_size=16, font_weight="bold", fill=ink)
        + text(_TILE_WIDTH - 9, 23, "\u00a0", **assumed)
        + text(10, 45, interval(figure, cat), font_size=15, font_weight="bold", fill=ink)
        + text(10, 64, words, font_size=12 if len(words) < _LONG else 10.5, fill=ink)
    )


def _scale(left: float, top: float, cat: Catalog) -> str:
    """What the shades mean."""
    width = (_TILE_WIDTH * 2 - 20) / SHADES
    boxes = "".join(
        rect(left + at * width, top, width, 12, fill=f"shade-{at}", stroke="rule", stroke_width=0.5)
        for at in range(SHADES)
    )
    ends = "".join(
        text(
            left + SHADES * width * share, top + 27, rounded(share, cat),
            text_anchor=anchor, font_size=12, fill="soft",
        )
        for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end"))
    )  # fmt: skip
    return (
        boxes
        + ends
        + text(left, top - 7, cat.text("chart.states.scale"), font_size=12, fill="soft")
    )


def _heading(document: Document, found: Mapping[str, Mapping[str, Any]], cat: Catalog) -> Heading:
    told = "; ".join(
        f"{named('chart.state', code, cat)} {interval(state['vulnerable'], cat)}"
        for code, state in found.items()
    )
    return Heading(
        "states", cat.text("chart.states.title"), cat.text("chart.states.subtitle"), told,
        notes(document, cat),
    )  # fmt: skip
