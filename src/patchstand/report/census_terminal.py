"""The figures of a census on the terminal."""

from rich.console import Console

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog


def print_census(_console: Console, _document: Document, _cat: Catalog) -> None:
    """To be written."""
