"""Kaplan-Meier: equal to lifelines, and what must hold of any curve."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.census.survival import half_life, kaplan_meier

lifelines = pytest.importorskip("lifelines", reason="lifelines is a library of the tests only")

COURSES = st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=120)


def rows(courses: list[tuple[int, bool]]) -> list[tuple[int, int, int]]:
    events = Counter(day for day, patched in courses if patched)
    censored = Counter(day for day, patched in courses if not patched)
    return [(day, events[day], censored[day]) for day in sorted({*events, *censored})]


@given(COURSES)
def test_curve_and_band_equal_lifelines(courses: list[tuple[int, bool]]) -> None:
    """Shares, 95 % band and median agree with KaplanMeierFitter for any courses."""
    fitted = lifelines.KaplanMeierFitter().fit(
        [day for day, _ in courses], [patched for _, patched in courses]
    )
    band = fitted.confidence_interval_survival_function_

    curve = kaplan_meier(rows(courses))

    for step in curve.steps:
        assert 1 - step.share == pytest.approx(fitted.survival_function_at_times(step.day).iloc[0])
        if step.share < 1:
            assert 1 - step.high == pytest.approx(band.loc[step.day].iloc[0])
            assert 1 - step.low == pytest.approx(band.loc[step.day].iloc[1])
    if not any(step.share == pytest.approx(0.5) for step in curve.steps):  # rounding decides there
        median = curve.median()[0]
        assert (float("inf") if median is None else median) == fitted.median_survival_time_


@given(COURSES)
def test_shares_never_fall_and_lie_within_their_band(courses: list[tuple[int, bool]]) -> None:
    """A curve rises from 0 to at most 1; every band holds its share."""
    curve = kaplan_meier(rows(courses))

    shares = [0.0, *(step.share for step in curve.steps)]
    assert shares == sorted(shares)
    assert all(0 <= step.low <= step.share <= step.high <= 1 for step in curve.steps)
    assert curve.events == sum(patched for _, patched in courses)
    assert curve.after(max(day for day, _ in courses) + 1) is None


def test_nobody_at_risk_has_no_curve() -> None:
    """Without anybody at risk there is no share, no median and no half-life."""
    curve = kaplan_meier([])

    assert (curve.after(0), curve.median(), curve.half_life()) == (None, (None, None, None), None)


@given(st.integers(1, 10_000), st.integers(1, 10_000_000))
def test_a_half_life_lies_within_its_band(events: int, days: int) -> None:
    """The band is around the half-life, and the narrower the more events there are."""
    found, more = half_life(events, days), half_life(events * 4, days * 4)

    assert found is not None
    assert more is not None
    assert found[1] < found[0] < found[2]
    assert more[2] - more[1] < found[2] - found[1]
