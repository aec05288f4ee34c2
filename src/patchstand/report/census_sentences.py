"""The figures of a census as sentences of a notice, each with bounds, denominator and day."""

from collections.abc import Callable, Iterator

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog, Value
from patchstand.report.census_basis import doubts
from patchstand.report.census_numbers import Part, day, month
from patchstand.report.census_sentences_beside import say_compared, say_published, say_situation
from patchstand.report.census_sentences_times import (
    say_exposed,
    say_half_life,
    say_movement,
    say_times,
    say_unseen,
)
from patchstand.report.census_statement import Said, statement, when
from patchstand.report.clean import clean

Say = Callable[[Document, Catalog], Iterator[str]]
_CLASSES = ("vulnerable", "undetermined", "not_vulnerable")
_FLAWS = ("rce", "known_exploited", "any_cve")
_PHASES = ("supported", "esu", "ended", "unsupported")
_MAIN_LINE = 0.01
"""A line gets a sentence when so many servers, as a share, certainly run it."""


def sentences(document: Document, cat: Catalog) -> list[str]:
    """The document `patchstand/census/1` as sentences; a part that is not in it has none."""
    return [
        said
        for names, say in _SAID
        if any(name in document for name in names)
        for said in say(document, cat)
    ]


def _say_population(document: Document, cat: Catalog) -> Iterator[str]:
    yield from doubts(document, cat)
    window = cat.text("census_say.between.exactly", n=document["window_days"])
    yield cat.text("census_say.population.here", n=document["population"], window=window,
                   when=when(document, cat))  # fmt: skip
    if document["stale"]:
        covered = day(document["covered_until"], cat)
        yield cat.text("census_say.population.stale", covered_until=covered)
    months = [month(each["month"], cat) for each in document["skipped"]]
    if months:
        yield cat.text("census_say.population.skipped", n=len(months), months=cat.join(months))


def _figure(document: Document, figure: Part, name: str, cat: Catalog, **values: Value) -> str:
    """A figure as a sentence, and after it what the word in it means, where that is needed."""
    said = statement(figure, Said(name, values), when(document, cat), cat)
    key = f"census_say.{name}.more"
    return f"{said} {cat.text(key)}" if cat.has(key) else said


def _say_classes(document: Document, cat: Catalog) -> Iterator[str]:
    for name in _CLASSES:
        if name in document["classes"]:
            yield _figure(document, document["classes"][name], f"class_{name}", cat)


def _say_behind(document: Document, cat: Catalog) -> Iterator[str]:
    for months in sorted(map(int, document["behind"])):
        figure = document["behind"][str(months)]
        yield _figure(document, figure, "behind", cat, months=months)


def _say_flaws(document: Document, cat: Catalog) -> Iterator[str]:
    for name in _FLAWS:
        if name in document:
            yield _figure(document, document[name], name, cat)


def _say_lines(document: Document, cat: Catalog) -> Iterator[str]:
    for line, figure in document["lines"].items():
        if (figure["low"] or 0) >= _MAIN_LINE:
            yield _figure(document, figure, "line", cat, line=clean(line))


def _say_support(document: Document, cat: Catalog) -> Iterator[str]:
    for phase in _PHASES:
        if phase in document["support"]:
            yield _figure(document, document["support"][phase], f"support_{phase}", cat)


def _say_support_end(document: Document, cat: Catalog) -> Iterator[str]:
    """The next day on which support ends, for each line to which that happens."""
    ends = document["support_end"]
    for each in ends:
        if each["until"] == min(other["until"] for other in ends):
            yield _figure(
                document,
                each["servers"],
                "support_end",
                cat,
                line=clean(each["line"]),
                phase=cat.either(f"phase.{each['phase']}", clean(each["phase"])),
                until=day(each["until"], cat),
                days=cat.text("duration.days", n=each["days"]),
            )


_SAID: tuple[tuple[tuple[str, ...], Say], ...] = (
    (("population",), _say_population),
    (("classes",), _say_classes),
    (("behind",), _say_behind),
    (_FLAWS, _say_flaws),
    (("lines",), _say_lines),
    (("support",), _say_support),
    (("support_end",), _say_support_end),
    (("exposed",), say_exposed),
    (("time_to_patch",), say_times),
    (("half_life",), say_half_life),
    (("movement",), say_movement),
    (("unseen",), say_unseen),
    (("situation",), say_situation),
    (("published",), say_published),
    (("compare",), say_compared),
)
"""Parts of the document, in the order in which they are told, and what tells them."""
