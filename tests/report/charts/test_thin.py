"""Thinned lines keep their extremes."""

from hypothesis import given
from hypothesis import strategies as st

from patchstand.report.charts.thin import runs, thinned

_SERIES = st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=300)


@given(_SERIES)
def test_runs_are_the_stretches_without_a_gap(values: list[float | None]) -> None:
    """Every known value is in exactly one run, and no gap is in any."""
    found = [at for run in runs(values) for at in run]

    assert found == [at for at, value in enumerate(values) if value is not None]


@given(_SERIES)
def test_runs_are_as_long_as_can_be(values: list[float | None]) -> None:
    """What lies before and after a run is a gap or an end."""
    for run in runs(values):
        assert run.start == 0 or values[run.start - 1] is None
        assert run.stop == len(values) or values[run.stop] is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=400), st.integers(1, 50))
def test_no_extreme_is_lost(values: list[float], width: int) -> None:
    """Of each bucket the first, lowest, highest and last value are drawn, in their order."""
    kept = thinned(values, range(len(values)), width)

    assert kept == sorted(set(kept))
    for begin in range(0, len(values), width):
        bucket = range(begin, min(begin + width, len(values)))
        shown = [values[at] for at in kept if at in bucket]
        whole = [values[at] for at in bucket]
        assert (min(shown), max(shown)) == (min(whole), max(whole))
        assert (shown[0], shown[-1]) == (whole[0], whole[-1])


@given(st.integers(1, 5000), st.integers(1, 50))
def test_a_line_has_four_points_a_bucket_at_most(length: int, width: int) -> None:
    """However long the series is, the width of the chart bounds what is drawn."""
    kept = thinned([at % 7 / 7 for at in range(length)], range(length), width)

    assert len(kept) <= 4 * -(-length // width)
