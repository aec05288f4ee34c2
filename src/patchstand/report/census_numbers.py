"""Numbers of a census as people read them: rounding never says more than what is certain.

A lower bound is rounded down and an upper one up, to a tenth of a percent. A share that is
exact is rounded to the nearest, but never to 0 or 100 % when it is neither.
"""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

from patchstand.report.catalog import Catalog

Part = Mapping[str, Any]
"""A piece of the document `patchstand/census/1`."""

WHOLE = 1000
"""Tenths of a percent in a whole."""
NOTHING = "-"
"""Stands for a number that there is not."""
HIDDEN = "*"
"""Stands for a number that is not told, so that it points at nobody."""


def down(share: float) -> int:
    """A lower bound (0 to 1) in tenths of a percent, never more than it is."""
    return _tenths(share, ROUND_FLOOR)


def up(share: float) -> int:
    """An upper bound (0 to 1) in tenths of a percent, never less than it is."""
    return _tenths(share, ROUND_CEILING)


def near(share: float) -> int:
    """A share (0 to 1) in tenths of a percent, to the nearest."""
    return _tenths(share, ROUND_HALF_EVEN)


def _tenths(share: float, rounding: str) -> int:
    # By its decimal digits: 0.145 is 14.5 %, though the float lies a little below.
    return int((Decimal(repr(share)) * WHOLE).to_integral_value(rounding))


def percent(tenths: int, cat: Catalog) -> str:
    """`32.5`, or `0` and `100` without decimals; the sign is the sentence's."""
    if tenths in (0, WHOLE):
        return str(tenths // 10)
    return cat.number(tenths / 10)


def about(share: float, cat: Catalog) -> str:
    """One exact share: `42.4`, `< 0.1` or `> 99.9`."""
    tenths = near(share)
    if tenths == 0 and share > 0:
        return f"< {percent(1, cat)}"
    if tenths == WHOLE and share < 1:
        return f"> {percent(WHOLE - 1, cat)}"
    return percent(tenths, cat)


def interval(low: float | None, high: float | None, cat: Catalog) -> str:
    """`32.5\u201336.9` percent, one number where the bounds are the same, a dash for nothing."""
    if low is None or high is None:
        return NOTHING
    if low == high:
        return about(low, cat)
    return f"{percent(down(low), cat)}\u2013{percent(up(high), cat)}"


def stated(share: float, cat: Catalog) -> str:
    """A share that somebody else stated, in percent with all the digits it has."""
    digits = format((Decimal(repr(share)) * 100).normalize(), "f")
    return digits.replace(".", cat.text("format.decimal"))


def share_of(figure: Part, cat: Catalog) -> str:
    """The share of a figure as `interval`; an asterisk where it is not told."""
    if is_hidden(figure):
        return HIDDEN
    return interval(figure["low"], figure["high"], cat)


def is_hidden(figure: Part) -> bool:
    """True for a cell that would point at a few servers."""
    return bool(figure.get("suppressed"))


def band(low: float | None, high: float | None, cat: Catalog) -> str:
    """`55\u201357`, `from 55` where there is no upper end; halves of nothing are a dash."""
    if low is None and high is None:
        return NOTHING
    if high is None:
        return cat.text("census_text.from", low=low or 0)
    if low is None:
        return cat.text("census_text.up_to", high=high)
    return cat.number(low) if low == high else f"{cat.number(low)}\u2013{cat.number(high)}"


def lower_days(days: float) -> float:
    """A lower bound of days, rounded down to a tenth."""
    return float((Decimal(repr(days)) * 10).to_integral_value(ROUND_FLOOR) / 10)


def upper_days(days: float) -> float:
    """An upper bound of days, rounded up to a tenth."""
    return float((Decimal(repr(days)) * 10).to_integral_value(ROUND_CEILING) / 10)


def day(text: str, cat: Catalog) -> str:
    """A day of the document as people of the language write it."""
    return cat.date(date.fromisoformat(text))


def short_day(text: str, cat: Catalog) -> str:
    """A day in ten characters, for narrow columns."""
    year, number, of_month = text.split("-")
    return cat.text("census_text.short_day", year=year, number=number, day=of_month)


def month(text: str, cat: Catalog) -> str:
    """`2024-03` as `March 2024`."""
    year, number = text.split("-")[:2]
    return cat.text("census_text.month", name=cat.month(int(number)), year=year)


def spoken(text: str | Mapping[str, str], cat: Catalog) -> str:
    """A text of the document, which may have one for each language."""
    return text if isinstance(text, str) else text[cat.lang]
