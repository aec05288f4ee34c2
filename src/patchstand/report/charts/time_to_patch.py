"""How fast updates are installed: Kaplan-Meier curves with their bands."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.census_numbers import day
from patchstand.report.charts.axes import Plot, share_grid, spread
from patchstand.report.charts.shares import notes, percent
from patchstand.report.charts.svg import Heading, Point, drawing, element, line, path, route, text
from patchstand.report.clean import clean

_MOST = 4
_WIDELY = 0.1
"""An update matters to many when this part of the servers lacked it on its day."""
_LOOKS = (("curve-1", None), ("curve-2", "8 3"), ("curve-3", "2 3"), ("curve-4", "9 3 2 3"))
_GAP = 36
Course = Mapping[str, Any]


def shown(document: Document) -> dict[str, Course]:
    """The newest updates that many servers lacked and of which there is a curve; newest first.

    Where fewer than the chart can hold concern many servers, others follow.
    """
    updates = {
        name: each
        for name, each in document.get("time_to_patch", {}).items()
        if each["kind"] == "update" and each["curve"]
    }
    many = _WIDELY * document["population"]
    newest = sorted(updates, key=lambda name: updates[name]["since"], reverse=True)
    newest.sort(key=lambda name: updates[name]["at_risk"] < many)
    chosen = sorted(newest[:_MOST], key=lambda name: updates[name]["since"], reverse=True)
    return {name: updates[name] for name in chosen}


def followed(course: Course) -> int:
    """The last day for which the document says how many have the update."""
    told = [int(days) for days, share in course["after"].items() if share is not None]
    return max([int(course["curve"][-1][0]), *told])


def draw(document: Document, cat: Catalog) -> str | None:
    """The chart; None where there is no curve."""
    courses = shown(document)
    if not courses:
        return None
    heading = _heading(document, courses, cat)
    days = max(1, *map(followed, courses.values()))
    plot = Plot(48, heading.top + 4, 480, 290, days)
    looks = list(zip(courses.values(), _LOOKS, strict=False))
    return drawing(
        heading,
        plot.bottom + 40,
        share_grid(plot, cat),
        _day_ticks(plot, cat),
        *(_band(plot, course, colour) for course, (colour, _) in looks),
        *(
            path(_steps(plot, course, 1), stroke=colour, stroke_width=2.4, stroke_dasharray=dashes)
            for course, (colour, dashes) in looks
        ),
        _labels(plot, courses, cat),
    )


def _steps(plot: Plot, course: Course, column: int) -> list[Point]:
    """The stairs of a column of the curve: 1 share, 2 lower, 3 upper bound."""
    points, before = [(plot.x(0), plot.y(0))], 0.0
    for row in course["curve"]:
        points += [(plot.x(row[0]), plot.y(before)), (plot.x(row[0]), plot.y(row[column]))]
        before = row[column]
    return [*points, (plot.x(followed(course)), plot.y(before))]


def _band(plot: Plot, course: Course, colour: str) -> str:
    around = chain(_steps(plot, course, 3), reversed(_steps(plot, course, 2)))
    return element("path", d=route(around) + "Z", fill=colour, fill_opacity="0.2")


def _day_ticks(plot: Plot, cat: Catalog) -> str:
    step = next((each for each in (1, 7, 30, 90, 180) if plot.steps <= each * 8), 365)
    ticks = "".join(
        line(x, plot.bottom, x, plot.bottom + 5, stroke="soft", stroke_width=1)
        + text(x, plot.bottom + 18, cat.number(at), text_anchor="middle", font_size=12, fill="soft")
        for at in range(0, plot.steps + 1, step)
        for x in [plot.x(at)]
    )
    return ticks + text(
        plot.left + plot.width / 2, plot.bottom + 36, cat.text("chart.time_to_patch.days"),
        text_anchor="middle", font_size=12, fill="soft",
    )  # fmt: skip


def _labels(plot: Plot, courses: Mapping[str, Course], cat: Catalog) -> str:
    ends = [plot.y(course["curve"][-1][1]) for course in courses.values()]
    places = spread(ends, _GAP, plot.bottom - 12)
    found = []
    for (name, course), (colour, dashes), y in zip(courses.items(), _LOOKS, places, strict=False):
        left = plot.right + 10
        median = _median(course, cat)
        found.append(
            line(left, y, left + 22, y, stroke=colour, stroke_width=2.4, stroke_dasharray=dashes)
            + text(left + 28, y + 2, clean(name, 20), font_weight="bold", fill=colour)
            + text(left + 28, y + 16, median, font_size=11.5, fill=colour)
        )
    return "".join(found)


def _median(course: Course, cat: Catalog) -> str:
    if course["median"] is None:
        return cat.text("chart.time_to_patch.no_median")
    return cat.text("chart.time_to_patch.median", n=course["median"])


def _heading(document: Document, courses: Mapping[str, Course], cat: Catalog) -> Heading:
    told = [
        cat.text(
            "chart.time_to_patch.course",
            update=clean(name, 20), since=day(course["since"], cat), at_risk=course["at_risk"],
            share=percent(course["curve"][-1][1], cat), days=followed(course),
            median=_median(course, cat),
        )
        for name, course in courses.items()
    ]  # fmt: skip
    return Heading(
        "time_to_patch", cat.text("chart.time_to_patch.title"),
        cat.text("chart.time_to_patch.subtitle"), " ".join(told), notes(document, cat),
    )  # fmt: skip
