"""Published figures and ours in words: what a figure is called, and its interval."""

from math import ceil, floor

from patchstand.report.catalog import Catalog
from patchstand.report.census_numbers import NOTHING, Part, interval, spoken, stated
from patchstand.report.clean import clean

OUTCOMES = ("underivable", "uncounted", "yes", "no", "untold")
"""How a comparison ends; `untold`: too many servers of which the rule tells nothing."""
_LONGEST = 600


def label(row: Part, cat: Catalog) -> str:
    """What a published figure is of; its own words where nobody has named it."""
    figure = row["figure"]
    kind, _, number = figure.partition("_")
    if kind == "line":
        return cat.text("census_text.published_by.line", line=clean(number))
    if kind == "behind" and number.isdecimal():
        return cat.text("census_text.published_by.behind", months=int(number))
    words = clean(spoken(row["words"], cat), _LONGEST)
    return cat.either(f"census_text.published_figure.{figure}", words)


def reason(row: Part, cat: Catalog) -> str:
    """Why a figure does not agree, or cannot be derived; else what was published."""
    return clean(spoken({"en": row["why"], "de": row["why_de"]}, cat), _LONGEST)


def assumed(about: Part, cat: Catalog) -> list[str]:
    """What was assumed of a publication."""
    return [clean(spoken(each, cat), _LONGEST) for each in about["assumed"]]


def outcome(row: Part) -> str:
    """One of `OUTCOMES`."""
    if not row["derivable"]:
        return "underivable"
    if row["ours_low"] is None:
        return "uncounted"
    return {True: "yes", False: "no", None: "untold"}[row["agrees"]]


def is_share(row: Part) -> bool:
    """True for a published share; the others are numbers, of servers or of flaws."""
    return bool(row["unit"] == "share")


def published(row: Part, cat: Catalog) -> str:
    """The published interval as it was stated: percents, or servers."""
    low, high = row["published_low"], row["published_high"]
    if not is_share(row):
        return _number(row, low, high, cat)
    least, most = stated(low, cat), stated(high, cat)
    return f"{least} %" if low == high else f"{least}\u2013{most} %"


def ours(row: Part, whose: str, cat: Catalog) -> str:
    """Our interval, `ours` by their rule or `own` by our own; a dash where there is none."""
    low, high = row[f"{whose}_low"], row[f"{whose}_high"]
    if low is None or high is None:
        return NOTHING
    return f"{interval(low, high, cat)} %" if is_share(row) else _number(row, low, high, cat)


def _number(row: Part, low: float, high: float, cat: Catalog) -> str:
    least, most = cat.number(floor(low)), cat.number(ceil(high))
    shown = least if least == most else f"{least}\u2013{most}"
    key = f"census_text.compare.unit_{row['unit']}"
    return cat.text(key, n=ceil(high), shown=shown) if cat.has(key) else shown
