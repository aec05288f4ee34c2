"""How far behind the servers are: a bar with both bounds for each number of months."""

from collections.abc import Mapping
from typing import Any

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.charts.axes import Plot
from patchstand.report.charts.shares import counted, interval, notes, rounded
from patchstand.report.charts.svg import Heading, drawing, element, hatch, line, rect, text

_ROW = 46
_LEFT, _WIDTH = 150, 520


def draw(document: Document, cat: Catalog) -> str | None:
    """The chart; None where the document has no such figures."""
    figures = {months: each for months, each in document.get("behind", {}).items() if each["of"]}
    if not figures:
        return None
    heading = _heading(document, figures, cat)
    plot = Plot(_LEFT, heading.top, _WIDTH, _ROW * len(figures), 0)
    return drawing(
        heading,
        plot.bottom + 20,
        element("defs", hatch("chart-behind-maybe", "unclear", "unclear-tint")),
        _grid(plot, cat),
        *(
            _bar(plot, plot.top + _ROW * at, int(months), figure, cat)
            for at, (months, figure) in enumerate(figures.items())
        ),
    )


def _grid(plot: Plot, cat: Catalog) -> str:
    return "".join(
        line(x, plot.top, x, plot.bottom, stroke="rule", stroke_width=1)
        + text(
            x, plot.bottom + 15, rounded(step / 5, cat),
            text_anchor="middle", font_size=12, fill="soft",
        )
        for step in range(6)
        for x in [plot.left + plot.width * step / 5]
    )  # fmt: skip


def _bar(plot: Plot, top: float, months: int, figure: Mapping[str, Any], cat: Catalog) -> str:
    low, high = figure["low"] * plot.width, figure["high"] * plot.width
    words = f"{interval(figure, cat)}  ({counted(figure, cat)})"
    return (
        text(plot.left - 10, top + 20, cat.text("chart.months", n=months), text_anchor="end")
        + rect(plot.left, top + 6, low, 18, fill="vulnerable")
        + rect(
            plot.left + low, top + 6, high - low, 18,
            fill="url(#chart-behind-maybe)", stroke="unclear", stroke_width=1,
        )
        + text(plot.left + 4, top + 39, words, font_size=12, fill="ink")
    )  # fmt: skip


def _heading(document: Document, figures: Mapping[str, Any], cat: Catalog) -> Heading:
    told = "; ".join(
        f"{cat.text('chart.months', n=int(months))}: {interval(figure, cat)}"
        for months, figure in figures.items()
    )
    return Heading(
        "behind", cat.text("chart.behind.title"), cat.text("chart.behind.subtitle"), told,
        notes(document, cat),
    )  # fmt: skip
