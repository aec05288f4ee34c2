"""When raw answers go."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.store.conftest import BATCH, conclusion, record

from patchstand.store.folder import Folder, read_name
from patchstand.store.retention import RAW_DAYS, outdated
from patchstand.store.writer import BatchWriter


def filled(folder: Folder) -> None:
    writer = BatchWriter(folder, BATCH, journaled=False)
    for number, month in enumerate((6, 7, 8, 9, 10, 11)):
        made = record(number, datetime(2026, month, 3, tzinfo=UTC))
        writer.add(made, conclusion(made))
    writer.seal()


def test_a_month_goes_when_its_last_day_is_old_enough(folder: Folder) -> None:
    """On 29 November 31 August is 90 days old and stays; on the 30th it goes, with its contents."""
    filled(folder)

    stays = {each.month for each in outdated(folder, date(2026, 11, 29))}
    goes = {(each.table, each.month) for each in outdated(folder, date(2026, 11, 30))}

    assert stays == {"2026-06", "2026-07"}
    assert goes == {(t, f"2026-0{m}") for t in ("answers", "contents") for m in (6, 7, 8)}


@given(st.dates(date(2026, 1, 1), date(2027, 6, 1)), st.integers(0, 400))
def test_nothing_young_enough_ever_goes(today: date, days: int) -> None:
    """No day of a month that goes is younger than the limit."""

    class Listing(Folder):
        def files(self, table: str, batch: str | None = None) -> list:  # type: ignore[type-arg]
            path = self.root / table / "month=2026-08" / f"b-0001.{'a' * 16}.parquet"
            return [read_name(path)]

    from pathlib import Path  # noqa: PLC0415

    goes = outdated(Listing(Path("/nowhere")), today, days)

    assert bool(goes) is (today - date(2026, 8, 31) > timedelta(days=days))


def test_the_default_is_ninety_days() -> None:
    """The period the handbook names."""
    assert RAW_DAYS == 90
