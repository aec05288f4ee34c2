"""Figures of a census document in words, with their signs: shares as intervals, servers.

A figure is `{n, n_high, of, low, high}`, or `{suppressed: true, of}` where a published cell
would be so small that it points at somebody. How bounds are rounded is in `census_numbers`.
"""

from patchstand.model import FEWEST
from patchstand.report import census_numbers as numbers
from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.census_basis import doubts, within
from patchstand.report.census_numbers import Part, day, down, is_hidden, month
from patchstand.report.clean import clean


def percent(share: float, cat: Catalog) -> str:
    """One exact share, `34,3 %`; never 0 for a few, nor 100 for nearly all."""
    return cat.text("chart.percent", share=numbers.about(share, cat))


def at_least(share: float, cat: Catalog) -> str:
    """A lower bound that stands alone, rounded down; never 0 for a few."""
    tenths = down(share)
    if share and not tenths:
        return cat.text("chart.percent", share=f"< {numbers.percent(1, cat)}")
    return cat.text("chart.percent", share=numbers.percent(tenths, cat))


def rounded(share: float, cat: Catalog) -> str:
    """A share of a scale, without decimals."""
    return cat.text("chart.percent", share=round(share * 100))


def between(low: float | None, high: float | None, cat: Catalog) -> str:
    """`34,3-76,8 %` with a dash, one share where both are the same, words where there is none."""
    if low is None or high is None:
        return cat.text("chart.none")
    return cat.text("chart.percent", share=numbers.interval(low, high, cat))


def interval(figure: Part, cat: Catalog) -> str:
    """The share of a figure: certain to at most."""
    if is_hidden(figure):
        return cat.text("chart.suppressed")
    return between(figure["low"], figure["high"], cat)


def servers(figure: Part, cat: Catalog) -> str:
    """`15.501-34.648` with a dash: how many servers, certain to at most."""
    if is_hidden(figure):
        return ""
    low, high = cat.number(figure["n"]), cat.number(figure["n_high"])
    return low if low == high else f"{low}\u2013{high}"


def counted(figure: Part, cat: Catalog) -> str:
    """`15.501-34.648 von 45.147` with a dash."""
    if is_hidden(figure):
        return cat.text("chart.of_only", of=figure["of"])
    return cat.text("chart.of", n=servers(figure, cat), of=figure["of"])


def crowd(n: int, cat: Catalog) -> str:
    """The size of a group; a small one points at its members as any small cell does."""
    return cat.text("chart.fewer", n=FEWEST) if 0 < n < FEWEST else cat.number(n)


def named(kind: str, key: str, cat: Catalog) -> str:
    """The catalog's name for a key of the document, or the key itself, made harmless."""
    return cat.either(f"{kind}.{key}", clean(key, 60))


def notes(document: Document, cat: Catalog, *, daily: bool = False) -> list[str]:
    """What stands below every chart: the day, the servers, what was known, what is left out.

    `daily`: the chart shows many days, and each is judged by what was known on it.
    """
    found = [
        *doubts(document, cat),
        cat.text(
            "chart.note_daily" if daily else "chart.note",
            as_of=day(document["as_of"], cat),
            where=within(document, cat),
            population=document["population"],
            covered=day(document["covered_until"], cat),
            knowledge=clean(document["knowledge"]["version"]),
        ),
    ]
    if document["stale"]:
        found.append(cat.text("chart.note_stale"))
    if document["skipped"]:
        found.append(cat.text("chart.note_skipped", months=skipped(document, cat)))
    return found


def skipped(document: Document, cat: Catalog) -> str:
    """The months that were left out, in words."""
    return cat.join([month(each["month"], cat) for each in document["skipped"]])
