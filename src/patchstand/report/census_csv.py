"""The figures of a census as rows."""

from collections.abc import Iterator

from patchstand.report.as_json import Document


def census_csv(_document: Document) -> Iterator[str]:
    """To be written."""
    yield ""
