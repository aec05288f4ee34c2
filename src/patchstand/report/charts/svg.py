"""Elements of a drawing: small, escaped, readable without colour."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from markupsafe import escape

from patchstand.report.charts.palette import colours

WIDTH = 700
"""Width inside the margin of every drawing, in units that are pixels at its natural size."""
_MARGIN = 12
"""Around every drawing."""
_FONT = "Lato, Arial, sans-serif"
_CHARACTERS = 112
"""Letters of the small size that fit into the width."""

Value = str | float | None
Point = tuple[float, float]


def element(tag: str, *content: str, **attributes: Value) -> str:
    """An element; `content` is markup already, attributes are escaped.

    Underscores in the names of attributes become hyphens. For `fill` and `stroke` the name
    of a colour gives both the colour itself and the class that the page dresses it by.
    """
    classes = [str(attributes.pop("class_"))] if "class_" in attributes else []
    for paint, prefix in (("fill", "fill"), ("stroke", "line")):
        name = attributes.get(paint)
        if isinstance(name, str) and name in colours():
            attributes[paint] = colours()[name][0]
            classes.append(f"{prefix}-{name}")
    if classes:
        attributes["class"] = " ".join(classes)
    shown = "".join(
        f' {name.replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{shown}>{''.join(content)}</{tag}>" if content else f"<{tag}{shown}/>"


def _value(value: str | float) -> str:
    return str(escape(value)) if isinstance(value, str) else short(value)


def short(number: float) -> str:
    """A coordinate with one decimal place at most."""
    return f"{number:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, **attributes: Value) -> str:
    """Words at a place; 13 units high and in the colour of ink unless said otherwise."""
    return element("text", str(escape(words)), x=x, y=y, **{"fill": "ink"} | attributes)


def rect(x: float, y: float, width: float, height: float, **attributes: Value) -> str:
    """A rectangle."""
    return element("rect", x=x, y=y, width=width, height=height, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: Value) -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def path(points: Iterable[Point], **attributes: Value) -> str:
    """A line through points, or an area where it is filled."""
    return element("path", d=route(points), **{"fill": "none"} | attributes)


def route(points: Iterable[Point]) -> str:
    """The points as the `d` of a path."""
    return "M" + "L".join(f"{short(x)},{short(y)}" for x, y in points)


def hatch(name: str, stroke: str, ground: str) -> str:
    """A hatching to fill areas with: `fill="url(#NAME)"`."""
    return element(
        "pattern",
        rect(0, 0, 6, 6, fill=ground),
        line(0, 0, 0, 6, stroke=stroke, stroke_width=2.4),
        id=name, width=6, height=6, patternUnits="userSpaceOnUse", patternTransform="rotate(45)",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Heading:
    """What is said above and below every drawing.

    `title` is shown and read out, `subtitle` says what is drawn, `description` tells a
    screen reader what there is to see, `notes` stand below.
    """

    name: str
    title: str
    subtitle: str
    description: str
    notes: Sequence[str]

    @property
    def top(self) -> float:
        """Where the drawing itself may begin."""
        return 30 + 17 * len(wrap(self.subtitle, _CHARACTERS)) + 12


def drawing(heading: Heading, bottom: float, *parts: str) -> str:
    """The whole SVG; `bottom` is where the parts end."""
    name = f"chart-{heading.name}"
    below = [row for note in heading.notes for row in wrap(note, _CHARACTERS + 6)]
    width, height = WIDTH + 2 * _MARGIN, bottom + 18 + 15 * len(below) + 2 * _MARGIN
    frame: dict[str, Value] = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": " ".join(map(short, (-_MARGIN, -_MARGIN, width, height))),
        "width": width,
        "height": height,
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
        "font-family": _FONT,
        "font-size": 13,
    }
    return element(
        "svg",
        element("title", str(escape(heading.title)), id=f"{name}-title"),
        element("desc", str(escape(heading.description)), id=f"{name}-desc"),
        rect(-_MARGIN, -_MARGIN, width, height, fill="paper"),
        text(0, 20, heading.title, font_size=17, font_weight="bold"),
        *_rows(wrap(heading.subtitle, _CHARACTERS), 41, 17, 13),
        *parts,
        *_rows(below, bottom + 24, 15, 11.5),
        **frame,
    )


def _rows(rows: Sequence[str], top: float, step: float, size: float) -> list[str]:
    return [
        text(0, top + step * at, row, font_size=size, fill="soft") for at, row in enumerate(rows)
    ]
