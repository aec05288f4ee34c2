"""CSV that a spreadsheet can open without running anything in it."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""


def csv_lines(
    header: Iterable[str], rows: Iterable[Iterable[Any]], *, dialect: str = "excel"
) -> Iterator[str]:
    """Lines of CSV, the header first; lists are joined by a blank, nothing stands for null.

    `dialect` is one of the module `csv`; `unix` puts every cell in quotes and ends lines
    with a line feed.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, dialect)
    for cells in chain([header], rows):
        writer.writerow([_cell(value) for value in cells])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = " ".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return value
