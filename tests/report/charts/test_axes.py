"""Scales, ticks and labels."""

import re
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.report.catalog import Catalog
from patchstand.report.charts.axes import Plot, spread, straightened, time_ticks

FIRST = date(2019, 9, 13)


@given(st.lists(st.floats(0, 300), max_size=9), st.floats(1, 30))
def test_labels_keep_clear_and_in_order(wanted: list[float], gap: float) -> None:
    """No two labels are closer than the gap, none is too low, and the order stays."""
    placed = spread(wanted, gap, 300)
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    rows = [placed[at] for at in order]

    assert all(b - a >= gap - 1e-6 for a, b in pairwise(rows))
    assert all(row <= 300 for row in rows)


@given(st.lists(st.floats(0, 300), min_size=1, max_size=9, unique=True))
def test_labels_with_room_stay_where_they_belong(wanted: list[float]) -> None:
    """Where nothing collides, nothing is moved."""
    assert spread(wanted, 0, 300) == pytest.approx(wanted)


@pytest.mark.parametrize("days", [1, 2, 5, 30, 69, 70, 151, 400, 1825, 4000])
def test_ticks_are_few_and_inside(days: int, cat: Catalog) -> None:
    """From one day to ten years, there are one to twelve dates, all within the plot."""
    plot = Plot(50, 0, 500, 100, days - 1)
    drawn = time_ticks(plot, FIRST, FIRST + timedelta(days=days - 1), cat)
    places = [float(x) for x in re.findall(r'<text x="([\d.]+)"', drawn)]

    assert 1 <= len(places) <= 12
    assert all(plot.left <= x <= plot.right for x in places)


def test_level_stretches_need_their_ends_only() -> None:
    """Points inside a level stretch are left out, corners stay."""
    points = [(float(at), 1.0 if at < 5 else 2.0) for at in range(10)]

    assert straightened(points) == [(0, 1), (4, 1), (5, 2), (9, 2)]


def test_a_single_day_can_be_seen() -> None:
    """A day with gaps around it is drawn as a short stroke, not as nothing."""
    (points,) = Plot(0, 0, 100, 100, 2).curves([None, 0.5, None])

    assert points[0][0] < points[-1][0]
    assert {y for _, y in points} == {50}


def test_a_gap_parts_a_curve() -> None:
    """Days without servers are not bridged."""
    plot = Plot(0, 0, 100, 100, 4)

    assert len(list(plot.curves([0.1, 0.2, None, 0.3, 0.4]))) == 2


@given(st.integers(0, 1824))
def test_the_peak_of_a_single_day_is_drawn(day: int) -> None:
    """One day on which all servers were vulnerable shows in five years of days."""
    plot = Plot(0, 0, 470, 100, 1824)
    (flat,) = plot.curves([0.1] * 1825)
    (peak,) = plot.curves([0.1] * day + [1.0] + [0.1] * (1824 - day))

    assert {y for _, y in flat} == {90}
    assert (plot.x(day), 0) in peak
