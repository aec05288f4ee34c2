"""Calendar rules of the definitions: months behind, and the vendor's patch day."""

import calendar
from datetime import date, timedelta

_TUESDAY = calendar.TUESDAY


def whole_months(since: date, until: date) -> int:
    """Count the calendar months from `since` to `until`, rounded down; 0 if not later.

    A month is over when the same day of the next month is reached, or that month's last
    day where it is shorter (31 January to 28 February is one month).
    """
    months = (until.year - since.year) * 12 + until.month - since.month
    last_day = calendar.monthrange(until.year, until.month)[1]
    if until.day < min(since.day, last_day):
        months -= 1
    return max(months, 0)


def patch_day(year: int, month: int) -> date:
    """The second Tuesday of a month, the vendor's day for security updates."""
    first = date(year, month, 1)
    return first + timedelta(days=(_TUESDAY - first.weekday()) % 7 + 7)


def patch_day_after(day: date) -> date:
    """The first patch day that lies after `day`."""
    this_month = patch_day(day.year, day.month)
    if this_month > day:
        return this_month
    return patch_day(day.year + day.month // 12, day.month % 12 + 1)
