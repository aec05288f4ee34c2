"""The figures of a census as sentences."""

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog


def sentences(_document: Document, _cat: Catalog) -> list[str]:
    """To be written."""
    return []
