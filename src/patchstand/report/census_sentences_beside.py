"""Sentences about what stands beside the figures: our level, what others published."""

from collections.abc import Iterator
from math import ceil, floor

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.census_compared import is_share, label, outcome, reason
from patchstand.report.census_numbers import Part, about, day, down, percent, stated, up
from patchstand.report.census_statement import Said, statement, when
from patchstand.report.clean import clean
from patchstand.report.paper import LONGEST_LINE


def say_situation(document: Document, cat: Catalog) -> Iterator[str]:
    """Our own level, and what it rests on."""
    situation, on_day = document["situation"], when(document, cat)
    level, level_high = (
        cat.text(f"census_text.level.{situation[name]}") for name in ("level", "level_high")
    )
    said = [
        cat.text("census_say.situation.level", when=on_day, level=level),
        statement(situation["share"], Said("known_exploited", {}), on_day, cat),
    ]
    if level != level_high:
        said.append(cat.text("census_say.situation.level_high", level_high=level_high))
    yield " ".join(said)


def say_published(document: Document, cat: Catalog) -> Iterator[str]:
    """What authorities published, in their words."""
    for each in document["published"]:
        key = "with_level" if each["level"] else "without_level"
        yield cat.text(
            f"census_say.published.{key}",
            publisher=clean(each["publisher"]),
            number=clean(each["number"]),
            version=clean(each["version"]),
            day=day(each["date"], cat),
            level=clean(each["level"] or ""),
            title=clean(each["title"]),
            products=clean("; ".join(map(clean, each["products"])), LONGEST_LINE),
        )


def say_compared(document: Document, cat: Catalog) -> Iterator[str]:
    """Each published figure, and whether ours is consistent with it."""
    about_them = document["published_population"]
    for row in document["compare"]:
        said = cat.text(
            f"census_say.compare.{outcome(row)}",
            figure=label(row, cat),
            name=clean(about_them["name"]),
            day=day(about_them["as_of"], cat),
            published=_published(row, cat),
            ours=_ours(row, "ours", cat),
            why=reason(row, cat),
            when=when(document, cat),
        )
        own = _ours(row, "own", cat)
        yield f"{said} {cat.text('census_say.compare.own', own=own)}" if own else said


def _published(row: Part, cat: Catalog) -> str:
    low, high = row["published_low"], row["published_high"]
    if not is_share(row):
        return _number(row, low, high, cat)
    if low == high:
        return cat.text("census_say.compare.single", low=stated(low, cat))
    return cat.text("census_say.compare.interval", low=stated(low, cat), high=stated(high, cat))


def _ours(row: Part, whose: str, cat: Catalog) -> str:
    low, high = row[f"{whose}_low"], row[f"{whose}_high"]
    if low is None or high is None:
        return ""
    if not is_share(row):
        return _number(row, low, high, cat)
    if low == high:
        return cat.text("census_say.compare.single", low=about(low, cat))
    least, most = percent(down(low), cat), percent(up(high), cat)
    return cat.text("census_say.compare.interval", low=least, high=most)


def _number(row: Part, low: float, high: float, cat: Catalog) -> str:
    """A number of servers, or of flaws."""
    least, most, unit = floor(low), ceil(high), row["unit"]
    if least == most:
        return cat.text(f"census_say.compare.one_{unit}", n=least)
    return cat.text(f"census_say.compare.two_{unit}", low=least, high=most)
