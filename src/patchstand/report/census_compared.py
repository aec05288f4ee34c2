"""Published figures and ours in words: what a figure is called, and its interval."""

from patchstand.report.catalog import Catalog
from patchstand.report.census_numbers import NOTHING, Part, interval, spoken, stated
from patchstand.report.clean import clean


def label(row: Part, cat: Catalog) -> str:
    """What a published figure is of; its own words or its id where nobody has named it."""
    figure = row["figure"]
    kind, _, number = figure.partition("_")
    if kind == "line":
        return cat.text("census_text.published_by.line", line=clean(number))
    if kind == "behind" and number.isdecimal():
        return cat.text("census_text.published_by.behind", months=int(number))
    words = spoken(row["why"], cat) if row["derivable"] else ""
    return cat.either(f"census_text.published_figure.{figure}", clean(words or figure))


def is_count(row: Part) -> bool:
    """True for a published number of servers; the others are shares."""
    return bool(row["published_high"] > 1)


def published(row: Part, cat: Catalog) -> str:
    """The published interval as it was stated: percents, or servers."""
    low, high = row["published_low"], row["published_high"]
    if is_count(row):
        least, most = cat.number(int(low)), cat.number(int(high))
        return least if low == high else f"{least}\u2013{most}"
    least, most = stated(low, cat), stated(high, cat)
    return f"{least} %" if low == high else f"{least}\u2013{most} %"


def ours(row: Part, whose: str, cat: Catalog) -> str:
    """Our interval, `ours` by their rule or `own` by our own; a dash where there is none."""
    low, high = row[f"{whose}_low"], row[f"{whose}_high"]
    return NOTHING if low is None or high is None else f"{interval(low, high, cat)} %"
