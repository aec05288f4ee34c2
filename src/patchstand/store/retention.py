"""What is old enough to go: raw answers, month by month."""

from calendar import monthrange
from datetime import date, timedelta

from patchstand.store.folder import Folder, TableFile

RAW_DAYS = 90
"""Days for which raw answers and the pages and certificates in them are kept by default."""
_RAW_TABLES = ("answers", "contents")


def outdated(folder: Folder, today: date, raw_days: int = RAW_DAYS) -> list[TableFile]:
    """The files of raw answers all of whose rows are older than so many days.

    A month goes as a whole, when its last day is old enough; each month's contents are
    referred to by its own answers only.
    """
    last_day_kept = today - timedelta(days=raw_days)
    return [
        each
        for table in _RAW_TABLES
        for each in folder.files(table)
        if (last := _last_day(each.month)) is not None and last < last_day_kept
    ]


def _last_day(month: str) -> date | None:
    """The last day of `2026-11`; None for a folder that is no month."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        return None
    return first.replace(day=monthrange(first.year, first.month)[1])
