"""Shares of the product lines day by day, as stacked areas."""

from collections.abc import Sequence
from datetime import date
from itertools import chain, pairwise

from patchstand.model import ProductLine
from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.charts.axes import Plot, share_grid, spread, time_ticks
from patchstand.report.charts.palette import PALETTE
from patchstand.report.charts.shares import at_least, named, notes, percent
from patchstand.report.charts.svg import (
    Heading,
    drawing,
    element,
    hatch,
    line,
    path,
    rect,
    route,
    text,
)
from patchstand.report.charts.trend import left_out

SEVERAL = "several"
_ORDER = [each.value for each in ProductLine]
_GAP = 20
Layer = tuple[str, list[int]]
"""A line and its servers on each day."""


def draw(document: Document, cat: Catalog) -> str | None:
    """The chart; None where the document has no series."""
    series = document.get("series")
    if not series or not series["days"] or "lines" not in series:
        return None
    layers = _layers(series)
    heading = _heading(document, layers, cat)
    plot = Plot(48, heading.top + 4, 490, 280, len(series["days"]) - 1)
    first, last = (date.fromisoformat(series["days"][at]) for at in (0, -1))
    stacked = _stacked(layers, series["population"])
    areas = [
        _area(plot, below, above, _fill(name))
        for (name, _), below, above in zip(layers, stacked, stacked[1:], strict=False)
    ]
    return drawing(
        heading,
        plot.bottom + 24,
        element(
            "defs",
            hatch("chart-lines-several", "soft", "tint"),
            hatch("chart-lines-out", "rule", "tint"),
        ),
        left_out(document, plot, first, "chart-lines-out"),
        *areas,
        share_grid(plot, cat),
        time_ticks(plot, first, last, cat),
        _labels(plot, layers, stacked, cat),
    )


def _layers(series: Document) -> list[Layer]:
    """From the oldest line to the newest; then the servers of which several are possible."""
    lines: dict[str, list[int]] = series["lines"]
    known = sorted(lines, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    rest = [
        whole - sum(numbers)
        for whole, *numbers in zip(series["population"], *lines.values(), strict=True)
    ]
    layers = [(name, list(lines[name])) for name in known]
    return [*layers, (SEVERAL, rest)] if any(rest) else layers


def _stacked(layers: list[Layer], population: Sequence[int]) -> list[list[float | None]]:
    """The level line below the first layer, and the upper edge of each layer, as shares."""
    sums = [0] * len(population)
    edges: list[list[float | None]] = [[0.0 if whole else None for whole in population]]
    for _, numbers in layers:
        sums = [a + b for a, b in zip(sums, numbers, strict=True)]
        edges.append(
            [n / whole if whole else None for n, whole in zip(sums, population, strict=True)]
        )
    return edges


def _area(
    plot: Plot, below: Sequence[float | None], above: Sequence[float | None], fill: str
) -> str:
    upper, lower = list(plot.curves(above)), list(plot.curves(below))
    ways = [route(chain(a, reversed(b))) + "Z" for a, b in zip(upper, lower, strict=True)]
    edge = "".join(path(each, stroke="paper", stroke_width=1.5) for each in upper)
    return element("path", d="".join(ways), fill=fill) + edge


def _fill(name: str) -> str:
    if name == SEVERAL:
        return "url(#chart-lines-several)"
    return f"line-{name}" if f"line-{name}" in PALETTE else "line-older"


def _share(name: str, share: float, layers: list[Layer], cat: Catalog) -> str:
    """Where the line of some servers cannot be told, the share of a line is a lower bound."""
    is_bound = name != SEVERAL and layers[-1][0] == SEVERAL
    return at_least(share, cat) if is_bound else percent(share, cat)


def _labels(
    plot: Plot, layers: list[Layer], stacked: list[list[float | None]], cat: Catalog
) -> str:
    """The name and share of each line beside the last day."""
    found = []
    ends = [each[-1] or 0.0 for each in stacked]
    middles = [plot.y((a + b) / 2) for a, b in pairwise(ends)]
    for (name, _), at, middle, y in zip(
        layers, range(len(layers)), middles, spread(middles, _GAP, plot.bottom - 4), strict=True
    ):
        share = _share(name, ends[at + 1] - ends[at], layers, cat)
        words = f"{named('chart.line', name, cat)}: {share}"
        found.append(
            line(plot.right + 2, middle, plot.right + 12, y, stroke="soft", stroke_width=1)
            + rect(plot.right + 14, y - 6, 12, 12, fill=_fill(name), stroke="soft", stroke_width=1)
            + text(plot.right + 31, y + 4, words, font_size=12.5)
        )
    return "".join(found)


def _heading(document: Document, layers: list[Layer], cat: Catalog) -> Heading:
    of = document["series"]["population"][-1]
    told = [
        f"{named('chart.line', name, cat)} {_share(name, numbers[-1] / of, layers, cat)}"
        for name, numbers in layers
        if of
    ]
    return Heading(
        "lines", cat.text("chart.lines.title"), cat.text("chart.lines.subtitle"),
        cat.text("chart.lines.description", shares=", ".join(told)),
        notes(document, cat, daily=True),
    )  # fmt: skip
