"""A simulation for machines and for people."""

from collections.abc import Mapping
from datetime import date

from rich.console import Console

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.paper import Paper


def simulated_document(
    population: str, what: tuple[str, date, date], counts: Mapping[str, int | None]
) -> Document:
    """`patchstand/simulate/1`: batch, days, counts; what was not written is null."""
    batch, first, last = what
    return {
        "schema": "patchstand/simulate/1",
        "population": population,
        "batch": batch,
        "first": first.isoformat(),
        "last": last.isoformat(),
        **counts,
    }


def print_simulated(console: Console, document: Document, cat: Catalog) -> None:
    """What was simulated, or would be."""
    paper = Paper(console, cat)
    span = {
        "population": document["population"],
        "servers": cat.number(document["servers"]),
        "first": cat.date(date.fromisoformat(document["first"])),
        "last": cat.date(date.fromisoformat(document["last"])),
    }
    paper.line(cat.text("simulated.span", **span))
    if document["observations"] is None:
        paper.line(cat.text("simulated.nothing_written"))
        return
    names = ("observations", "servers_ever", "builds", "bytes")
    paper.facts([(f"simulated.{name}", cat.number(document[name])) for name in names])
