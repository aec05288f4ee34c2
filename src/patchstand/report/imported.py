"""An import for machines and for people: what was read, stored and rejected."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rich.console import Console

from patchstand.model import Rejected
from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog
from patchstand.report.paper import Paper

MOST_LISTED = 1000
"""Rejected rows in the JSON document; `rejected_count` is complete."""


class ImportedFile(Protocol):
    """What the import of one file tells."""

    @property
    def format(self) -> str:
        """The importer's name."""

    @property
    def batch(self) -> str:
        """The batch its rows belong to."""

    @property
    def already(self) -> bool:
        """True when the same file had been imported before."""

    @property
    def read(self) -> int:
        """Rows read."""

    @property
    def stored(self) -> int:
        """Rows stored."""

    @property
    def rejected(self) -> Sequence[Rejected]:
        """Rows that could not be used."""

    @property
    def lines(self) -> Mapping[str, int]:
        """Exchange servers by line."""

    @property
    def classes(self) -> Mapping[str, int]:
        """Exchange servers by class."""


def import_document(name: str, done: ImportedFile) -> Document:
    """`patchstand/import/1`: one imported file."""
    return {
        "schema": "patchstand/import/1",
        "file": name,
        "format": done.format,
        "scan": done.batch,
        "already_imported": done.already,
        "read": done.read,
        "stored": done.stored,
        "rejected_count": len(done.rejected),
        "rejected": [
            {"line": row.line, "reason": row.reason} for row in done.rejected[:MOST_LISTED]
        ],
        "lines": dict(done.lines),
        "classes": dict(done.classes),
    }


def print_import(console: Console, name: str, done: ImportedFile, cat: Catalog) -> None:
    """One imported file: counts, then lines and classes of the servers."""
    paper = Paper(console, cat)
    if done.already:
        paper.line(cat.text("import.already", file=name, scan=done.batch))
        return
    counts = {"n": done.stored, "read": done.read, "rejected": len(done.rejected)}
    paper.line(cat.text("import.stored", file=name, format=done.format, **counts))
    shown = [
        f"{cat.number(number)} {cat.text(f'class.{key}')}" for key, number in done.classes.items()
    ]
    if shown:
        paper.line(", ".join(shown), indent=2)
