"""The figures of a census on the terminal: what is asked first stands first."""

from collections.abc import Callable

from rich.console import Console

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.census_basis import country, doubts, permits, sources, within
from patchstand.report.census_numbers import day, month
from patchstand.report.census_terminal_beside import (
    show_compared,
    show_published,
    show_situation,
    show_sql,
    show_unseen,
)
from patchstand.report.census_terminal_figures import (
    BREAKDOWNS,
    show_breakdown,
    show_cumulative_updates,
    show_flaws,
    show_further,
    show_headline,
    show_lines,
)
from patchstand.report.census_terminal_times import (
    show_exposed,
    show_movement,
    show_support_end,
    show_times,
)
from patchstand.report.clean import clean
from patchstand.report.paper import Paper

Show = Callable[[Paper, Document], None]
_HEADLINE = ("classes", "behind", "any_cve", "rce", "known_exploited", "support")
_SHOWN: tuple[tuple[tuple[str, ...], Show], ...] = (
    (_HEADLINE, show_headline),
    (("situation",), show_situation),
    (("published",), show_published),
    (("compare",), show_compared),
    (("lines",), show_lines),
    (("cumulative_updates",), show_cumulative_updates),
    (("cves",), show_flaws),
    (("time_to_patch",), show_times),
    (("movement",), show_movement),
    (("exposed",), show_exposed),
    (("support_end",), show_support_end),
    (BREAKDOWNS, show_breakdown),
    (("unseen",), show_unseen),
    (("schema",), show_further),
    (("sql",), show_sql),
)
"""Parts of the document, in the order in which they are shown, and what shows them."""


def print_census(console: Console, document: Document, cat: Catalog) -> None:
    """The document `patchstand/census/1` for people; a part that is not in it is not shown."""
    paper = Paper(console, cat)
    _head(paper, document)
    for names, show in _SHOWN:
        if any(name in document for name in names):
            show(paper, document)
    _foot(paper)


def _head(paper: Paper, document: Document) -> None:
    cat = paper.cat
    title = cat.text(
        "census_text.title",
        day=day(document["as_of"], cat),
        where=within(document, cat),
        population=document["population"],
    )
    paper.line(paper.text(title, "bold"))
    _warnings(paper, document)
    observed, cut = document["observed"], cat.text("census_text.seen_within",
                                                   n=document["window_days"])  # fmt: skip
    facts = (
        ("population", f"{cat.text('census_text.servers', n=document['population'])}, {cut}"),
        ("observed", _days(observed["first"], observed["last"], cat)),
        ("knowledge", _knowledge(document, cat)),
        ("country", country(document, cat)),
    )
    rows = [(f"census_text.head.{name}", shown) for name, shown in facts]
    rows.append(("census_basis.sources", sources(document, cat)))
    rows += [("census_basis.permits", each) for each in permits(document, cat)]
    paper.facts(rows)


def _days(first: str, last: str, cat: Catalog) -> str:
    return cat.text("census_text.first_to_last", first=day(first, cat), last=day(last, cat))


def _knowledge(document: Document, cat: Catalog) -> str:
    return cat.text(
        "census_text.known",
        version=clean(document["knowledge"]["version"]),
        covered_until=day(document["covered_until"], cat),
    )


def _warnings(paper: Paper, document: Document) -> None:
    """What makes all figures doubtful, before any of them."""
    cat = paper.cat
    for doubt in doubts(document, cat):
        paper.line(paper.mark("!"), paper.text(doubt, "bold red"))
    if document["stale"]:
        said = cat.text("census_text.stale", covered_until=day(document["covered_until"], cat))
        paper.line(paper.mark("!"), paper.text(said, "bold yellow"))
    for each in document["skipped"]:
        named = month(each["month"], cat)
        said = cat.text("census_text.skipped", month=named, why=clean(each["why"]))
        paper.line(paper.mark("!"), paper.text(said, "bold red"))
    if document["skipped"]:
        paper.line(paper.mark("!"), cat.text("census_text.skipped_note"))


def _foot(paper: Paper) -> None:
    """What the numbers mean, and where the rules are."""
    paper.gap()
    paper.line(paper.text(paper.cat.text("census_text.legend"), "dim"))
    paper.line(paper.text(paper.cat.text("census_text.more"), "dim"))
