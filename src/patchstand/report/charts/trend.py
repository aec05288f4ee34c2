"""Shares of the servers day by day: vulnerable as a band, and what that rests on."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import chain

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.census_numbers import day
from patchstand.report.charts.axes import Plot, share_grid, spread, time_marks, time_ticks
from patchstand.report.charts.shares import between, notes
from patchstand.report.charts.svg import Heading, drawing, element, hatch, line, rect, route, text

_BELOW = {
    "rce": ("rce", "9 3 2 3"),
    "behind_6": ("behind-6", None),
    "behind_12": ("behind-12", "5 3"),
}
"""Colour and dashes of the figures besides the vulnerable share."""
_GAP, _HEIGHT = 34, 190
_OUT = "chart-trend-out"
Shares = Sequence[float | None]


def draw(document: Document, cat: Catalog) -> str | None:
    """The chart; None where the document has no series."""
    series = document.get("series")
    if not series or not series["days"]:
        return None
    heading = _heading(document, cat)
    first, last = (date.fromisoformat(series["days"][at]) for at in (0, -1))
    panels = [names for names in _panels(series) if names]
    plots = [
        Plot(48, heading.top + 4 + at * (_HEIGHT + 26), 470, _HEIGHT, len(series["days"]) - 1)
        for at in range(len(panels))
    ]
    return drawing(
        heading,
        plots[-1].bottom + 24,
        element("defs", hatch(_OUT, "rule", "tint")),
        *(left_out(document, plot, first, _OUT) + share_grid(plot, cat) for plot in plots),
        *(time_marks(plot, first, last) for plot in plots[:-1]),
        time_ticks(plots[-1], first, last, cat),
        *(_panel(plot, series, names, cat) for plot, names in zip(plots, panels, strict=True)),
    )


def _panels(series: Document) -> tuple[list[str], list[str]]:
    """The vulnerable share above; below it what it would hide."""
    above = [name for name in ("vulnerable",) if name in series]
    return above, [name for name in _BELOW if name in series]


def _panel(plot: Plot, series: Document, names: list[str], cat: Catalog) -> str:
    if names == ["vulnerable"]:
        pair = bounds(series, "vulnerable")
        return _band(plot, pair) + _labels(plot, series, names, cat) + _upper_label(plot, pair, cat)
    drawn = [_line(plot, bounds(series, name), *_BELOW[name]) for name in names]
    return "".join(drawn) + _labels(plot, series, names, cat)


def bounds(series: Document, name: str) -> tuple[Shares, Shares]:
    """Lower and upper share of each day; None on days without servers."""
    of = series["population"]
    low, high = (
        [n / whole if whole else None for n, whole in zip(series[name][side], of, strict=True)]
        for side in ("low", "high")
    )
    return low, high


def left_out(document: Document, plot: Plot, first: date, fill: str) -> str:
    """Hatched areas for the months that were left out."""
    found = []
    for each in document["skipped"]:
        begin = date.fromisoformat(f"{each['month']}-01")
        end = (begin + timedelta(days=32)).replace(day=1)
        left, right = ((moment - first).days for moment in (begin, end))
        if right > 0 and left <= plot.steps:
            x = plot.x(max(left, 0))
            width = plot.x(min(right, plot.steps)) - x
            found.append(rect(x, plot.top, width, plot.height, fill=f"url(#{fill})"))
    return "".join(found)


def _area(plot: Plot, low: Shares, high: Shares) -> str:
    """The `d` of the area between two curves, one part for each stretch without a gap."""
    return "".join(
        route(chain(above, reversed(below))) + "Z"
        for above, below in zip(plot.curves(high), plot.curves(low), strict=True)
    )


def _band(plot: Plot, pair: tuple[Shares, Shares]) -> str:
    low, high = pair
    upper, lower = ("".join(map(route, plot.curves(each))) for each in (high, low))
    return (
        element("path", d=_area(plot, low, high), fill="unclear-tint")
        + element(
            "path", d=upper, fill="none", stroke="unclear", stroke_width=1.6, stroke_dasharray="2 3"
        )
        + element("path", d=lower, fill="none", stroke="vulnerable", stroke_width=3)
    )


def _line(plot: Plot, pair: tuple[Shares, Shares], colour: str, dashes: str | None) -> str:
    """The lower bound with its dashes, the upper one thin, and a tint between."""
    low, high = ("".join(map(route, plot.curves(each))) for each in pair)
    return (
        element("path", d=_area(plot, *pair), fill=colour, fill_opacity="0.15")
        + element("path", d=high, fill="none", stroke=colour, stroke_width=0.7)
        + element(
            "path", d=low, fill="none", stroke=colour, stroke_width=2, stroke_dasharray=dashes
        )
    )


def _labels(plot: Plot, series: Document, names: list[str], cat: Catalog) -> str:
    """Names beside the last day, each with its interval and a stroke as in the plot."""
    ends = [(low[-1], high[-1]) for low, high in (bounds(series, name) for name in names)]
    places = spread([plot.y(low or 0) for low, _ in ends], _GAP, plot.bottom - 14)
    return "".join(
        _label(plot, y, name, between(low, high, cat), cat)
        for y, name, (low, high) in zip(places, names, ends, strict=True)
    )


def _label(plot: Plot, y: float, name: str, share: str, cat: Catalog) -> str:
    colour, dashes = _BELOW.get(name, ("vulnerable", None))
    left = plot.right + 10
    return (
        line(
            left, y, left + 20, y, stroke=colour, stroke_dasharray=dashes,
            stroke_width=3 if name == "vulnerable" else 2,
        )
        + text(left + 26, y + 1, cat.text(f"chart.trend.{name}"), font_size=12.5, fill=colour)
        + text(left + 26, y + 15, share, font_size=12.5, font_weight="bold", fill=colour)
    )  # fmt: skip


def _upper_label(plot: Plot, pair: tuple[Shares, Shares], cat: Catalog) -> str:
    """The name of the upper bound, where there is room for it above that of the lower."""
    low, high = (each[-1] for each in pair)
    if low is None or high is None or (high - low) * plot.height < _GAP:
        return ""
    y, left = plot.y(high), plot.right + 10
    return line(
        left, y, left + 20, y, stroke="unclear", stroke_width=1.6, stroke_dasharray="2 3"
    ) + text(left + 26, y + 4, cat.text("chart.trend.at_most"), font_size=12.5, fill="unclear")


def _heading(document: Document, cat: Catalog) -> Heading:
    series = document["series"]
    told = ""
    if "vulnerable" in series:
        low, high = bounds(series, "vulnerable")
        told = cat.text(
            "chart.trend.description",
            first=day(series["days"][0], cat), last=day(series["days"][-1], cat),
            then=between(low[0], high[0], cat), now=between(low[-1], high[-1], cat),
        )  # fmt: skip
    return Heading(
        "trend", cat.text("chart.trend.title"), cat.text("chart.trend.subtitle"), told,
        notes(document, cat, daily=True),
    )  # fmt: skip
