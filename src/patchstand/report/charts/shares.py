"""Figures of a census document in words: shares as intervals, numbers of servers.

A figure is `{n, n_high, of, low, high}`, or `{suppressed: true, of}` where a published cell
would be so small that it points at somebody.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from patchstand.model import FEWEST
from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.clean import clean

FigureDocument = Mapping[str, Any]
_LEAST, _MOST = 0.0005, 0.9995
"""Shares beyond these would be rounded to nothing, or to everything."""


def percent(share: float, cat: Catalog) -> str:
    """`34,3 %`; never 0 for a few, nor 100 for nearly all."""
    return cat.text("chart.percent", share=_bare(share, cat))


def _bare(share: float, cat: Catalog) -> str:
    if share in {0, 1}:
        return str(round(share * 100))
    if share < _LEAST:
        return f"<{cat.number(0.1)}"
    if share >= _MOST:
        return f">{cat.number(99.9)}"
    return cat.number(round(share * 100, 1))


def rounded(share: float, cat: Catalog) -> str:
    """A share of a scale, without decimals."""
    return cat.text("chart.percent", share=round(share * 100))


def between(low: float | None, high: float | None, cat: Catalog) -> str:
    """`34,3-76,7 %` with a dash, one share where both are the same, a dash where there is none."""
    if low is None or high is None:
        return cat.text("chart.none")
    lower, upper = _bare(low, cat), _bare(high, cat)
    if lower == upper:
        return percent(low, cat)
    return cat.text("chart.percent", share=f"{lower}\u2013{upper}")


def is_suppressed(figure: FigureDocument) -> bool:
    """True for a cell that is not published."""
    return bool(figure.get("suppressed"))


def interval(figure: FigureDocument, cat: Catalog) -> str:
    """The share of a figure: certain to at most."""
    if is_suppressed(figure):
        return cat.text("chart.suppressed")
    return between(figure["low"], figure["high"], cat)


def servers(figure: FigureDocument, cat: Catalog) -> str:
    """`15.501-34.648` with a dash: how many servers, certain to at most."""
    if is_suppressed(figure):
        return ""
    low, high = cat.number(figure["n"]), cat.number(figure["n_high"])
    return low if low == high else f"{low}\u2013{high}"


def counted(figure: FigureDocument, cat: Catalog) -> str:
    """`15.501-34.648 von 45.147` with a dash."""
    if is_suppressed(figure):
        return cat.text("chart.of_only", of=figure["of"])
    return cat.text("chart.of", n=servers(figure, cat), of=figure["of"])


def crowd(n: int, cat: Catalog) -> str:
    """The size of a group; a small one points at its members as any small cell does."""
    return cat.text("chart.fewer", n=FEWEST) if 0 < n < FEWEST else cat.number(n)


def day(text: str, cat: Catalog) -> str:
    """A day of the document (`2024-09-10`) as it is written in the language."""
    return cat.date(date.fromisoformat(text))


def named(kind: str, key: str, cat: Catalog) -> str:
    """The catalog's name for a key of the document, or the key itself, made harmless."""
    return cat.either(f"{kind}.{key}", clean(key, 60))


def notes(document: Document, cat: Catalog) -> list[str]:
    """What stands below every chart: the day, the servers, what was known, what is left out."""
    found = [
        cat.text(
            "chart.note",
            as_of=day(document["as_of"], cat),
            population=document["population"],
            covered=day(document["covered_until"], cat),
            knowledge=clean(document["knowledge"]["version"]),
        )
    ]
    if document["stale"]:
        found.append(cat.text("chart.note_stale"))
    if document["skipped"]:
        found.append(cat.text("chart.note_skipped", months=skipped(document, cat)))
    return found


def skipped(document: Document, cat: Catalog) -> str:
    """The months that were left out, in words."""
    return cat.join([month(each["month"], cat) for each in document["skipped"]])


def month(text: str, cat: Catalog) -> str:
    """`2026-11` as `November 2026`."""
    year, _, number = text.partition("-")
    return f"{cat.month(int(number))} {year}"
