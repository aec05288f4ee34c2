"""Kaplan-Meier curves."""

import re
from typing import Any

from tests.report.charts import documents

from patchstand.report.catalog import Catalog
from patchstand.report.charts import time_to_patch


def _course(since: str, at_risk: int = 100, kind: str = "update") -> dict[str, Any]:
    return {
        "kind": kind, "since": since, "at_risk": at_risk, "median": None,
        "curve": [[3, 0.2, 0.1, 0.3], [9, 0.4, 0.3, 0.5]],
        "after": {"7": {"share": 0.2, "low": 0.1, "high": 0.3}, "30": None},
    }  # fmt: skip


def test_the_newest_updates_that_concern_many_are_drawn() -> None:
    """Four at most, newest first; one that few servers lacked yields to an older one."""
    courses = {f"U{month}": _course(f"2024-0{month}-13") for month in range(1, 8)}
    courses |= {"few": _course("2024-09-01", 3), "flaw": _course("2024-09-01", kind="cve")}
    document = {"population": 120, "time_to_patch": courses}

    assert list(time_to_patch.shown(document)) == ["U7", "U6", "U5", "U4"]


def test_updates_that_few_lacked_fill_up() -> None:
    """Where not enough concern many, the others are drawn too."""
    courses = {"old": _course("2024-01-13"), "few": _course("2024-09-01", 3)}

    assert list(time_to_patch.shown({"population": 120, "time_to_patch": courses})) == [
        "few",
        "old",
    ]


def test_an_update_without_a_curve_is_none() -> None:
    """Nobody installed it yet: there is nothing to draw."""
    empty = _course("2024-01-13") | {"curve": []}

    assert time_to_patch.shown({"population": 1, "time_to_patch": {"new": empty}}) == {}


def test_a_curve_reaches_as_far_as_servers_were_followed() -> None:
    """To the last step, or to the last day with a share after so many days, no further."""
    course = _course("2024-01-13")
    assert time_to_patch.followed(course) == 9

    course["after"]["30"] = {"share": 0.4, "low": 0.3, "high": 0.5}
    assert time_to_patch.followed(course) == 30


def test_curves_only_rise(cat: Catalog) -> None:
    """The stairs of a chart never go down, nor back in time."""
    svg = time_to_patch.draw(documents.country(), cat)
    assert svg is not None
    curves = re.findall(r'<path d="M([^"Z]+)"', svg)

    assert len(curves) == len(time_to_patch.shown(documents.country()))
    for curve in curves:
        points = [tuple(map(float, point.split(","))) for point in curve.split("L")]
        assert points == sorted(points, key=lambda point: (point[0], -point[1]))


def test_each_curve_is_named_with_its_median(cat: Catalog) -> None:
    """The label says the update, and after how many days half had it, or that it was not so."""
    document = documents.country()
    svg = time_to_patch.draw(document, cat)
    assert svg is not None

    for name, course in time_to_patch.shown(document).items():
        assert f">{name}</text>" in svg
        assert time_to_patch._median(course, cat) in svg
