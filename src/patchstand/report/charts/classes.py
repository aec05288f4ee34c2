"""The classes of a day as one bar: certainly vulnerable, cannot be told, not vulnerable."""

from collections.abc import Sequence

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.charts.shares import at_least, notes, percent
from patchstand.report.charts.svg import WIDTH, Heading, drawing, element, hatch, rect, text

PARTS = ("vulnerable", "undetermined", "not_vulnerable")
FILLS = {
    "vulnerable": "vulnerable",
    "undetermined": "url(#chart-classes-unclear)",
    "not_vulnerable": "sound",
}
_BAR = 44
_COLUMN = WIDTH / 3
Part = tuple[str, int, float]
"""A class, its servers, and their share of all."""


def parts(document: Document) -> list[Part]:
    """The three certain parts of the population, which add up to it; empty without classes."""
    classes = document.get("classes")
    if not classes or not document["population"]:
        return []
    of = document["population"]
    return [(name, classes[name]["n"], classes[name]["n"] / of) for name in PARTS]


def share(part: Part, found: Sequence[Part], cat: Catalog) -> str:
    """The share of a class: a lower bound, unless it is itself of what cannot be told."""
    is_exact = part[0] == "undetermined" or not found[1][1]
    return percent(part[2], cat) if is_exact else at_least(part[2], cat)


def draw(document: Document, cat: Catalog) -> str | None:
    """The chart; None where the document has no classes."""
    found = parts(document)
    if not found:
        return None
    heading = _heading(document, found, cat)
    top = heading.top
    return drawing(
        heading,
        top + _BAR + 62,
        element("defs", unclear("chart-classes-unclear")),
        *bar(found, WIDTH, top, _BAR),
        *(_label(part, found, at, top + _BAR + 24, cat) for at, part in enumerate(found)),
    )


def unclear(name: str) -> str:
    """The hatching of what cannot be told."""
    return hatch(name, "unclear", "unclear-tint")


def bar(found: list[Part], width: float, top: float, height: float) -> list[str]:
    """The parts side by side."""
    drawn, left = [], 0.0
    for name, _, part in found:
        drawn.append(
            rect(
                left, top, part * width, height,
                fill=FILLS[name], stroke="paper", stroke_width=1,
            )
        )  # fmt: skip
        left += part * width
    return drawn


def _label(part: Part, found: Sequence[Part], at: int, top: float, cat: Catalog) -> str:
    name, n, _ = part
    left = at * _COLUMN
    words = cat.text(f"chart.classes.{name}")
    return (
        rect(left, top - 11, 13, 13, fill=FILLS[name], stroke="soft", stroke_width=1)
        + text(left + 19, top, words)
        + text(left + 19, top + 19, share(part, found, cat), font_size=17, font_weight="bold")
        + text(left + 19, top + 36, cat.text("chart.servers", n=n), font_size=12, fill="soft")
    )


def _heading(document: Document, found: list[Part], cat: Catalog) -> Heading:
    told = ", ".join(
        f"{cat.text(f'chart.classes.{part[0]}')} {share(part, found, cat)} ({cat.number(part[1])})"
        for part in found
    )
    return Heading(
        "classes", cat.text("chart.classes.title"), cat.text("chart.classes.subtitle"), told,
        notes(document, cat),
    )  # fmt: skip
