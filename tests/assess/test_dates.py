from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.assess.dates import patch_day, patch_day_after, whole_months

DAYS = st.dates(date(1996, 1, 1), date(2040, 12, 31))


@pytest.mark.parametrize(
    ("since", "until", "months"),
    [
        (date(2023, 6, 13), date(2024, 3, 26), 9),
        (date(2024, 3, 12), date(2024, 4, 11), 0),
        (date(2024, 3, 12), date(2024, 4, 12), 1),
        (date(2023, 1, 31), date(2023, 2, 28), 1),
        (date(2024, 1, 31), date(2024, 2, 28), 0),
        (date(2024, 1, 31), date(2024, 2, 29), 1),
        (date(2024, 5, 1), date(2024, 4, 1), 0),
    ],
)
def test_months_are_calendar_months(since: date, until: date, months: int) -> None:
    """A month is over on the same day of the next one, or on that month's last day."""
    assert whole_months(since, until) == months


@given(DAYS, DAYS, DAYS)
def test_more_time_is_never_fewer_months(one: date, two: date, three: date) -> None:
    """Months behind never shrink as time goes on."""
    first, second, third = sorted((one, two, three))

    assert whole_months(first, second) <= whole_months(first, third)


@given(DAYS)
def test_patch_day_is_a_second_tuesday_after(day: date) -> None:
    """The next patch day is a Tuesday from the 8th to the 14th, at most 36 days away."""
    found = patch_day_after(day)

    assert found.weekday() == 1
    assert 8 <= found.day <= 14
    assert timedelta(0) < found - day <= timedelta(days=36)
    assert patch_day(found.year, found.month) == found
