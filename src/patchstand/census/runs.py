"""From the observations of a month to runs: a server seen with the same conclusion, day by day.

A run is a server at a place, what its looks showed, and the first and last day of them. It
ends where something else is shown, or where the server was not seen for longer than the
window of a population. Looks that failed say nothing; one that surely shows no Exchange
server ends the run before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from patchstand.census.columns import codes, ends, integers, one, replaced
from patchstand.census.looks import DAY_MS, PLACE, WINDOW, Same, looks_of, servers
from patchstand.census.reading import Source, with_same
from patchstand.errors import StoreError

NO_EXCHANGE = "-"
"""What a look shows where surely no Exchange server stands."""
_WORD = pa.dictionary(pa.int32(), pa.string())

RUNS = pa.schema(
    {
        "address": _WORD,
        "ports": _WORD,
        "shown": _WORD,
        "first_day": pa.int32(),
        "last_day": pa.int32(),
        "certificate": pa.int64(),
        "country": _WORD,
        "state": _WORD,
        "asn": pa.int64(),
        "sector": _WORD,
    }
)
"""Days count from 1970-01-01."""
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Month:
    """The observation files of a month, and what each identity key shows (`lines|builds|doubt`).

    None is shown where nothing can be told. `badness`: how bad it is what is shown on a day.
    `until`: the first moment that is not looked at any more, None for the whole month.
    """

    name: str
    files: Sequence[Source]
    shown: Mapping[int, str | None]
    badness: Callable[[str | None, date], tuple[int, int]]
    until: datetime | None = None

    def badness_of(self, key: int, at: int) -> tuple[int, int]:
        """How bad it is what an identity shows at a time (milliseconds since 1970)."""
        return self.badness(self.shown.get(key), date.fromordinal(_EPOCH + at // DAY_MS))


def month_runs(month: Month) -> pa.Table:
    """The runs of a month, by server and time.

    Raises:
        StoreError: a file cannot be read, or identities are missing.
    """
    looks, same = looks_of(month.files, month.until, month.badness_of)
    if not len(looks):
        return RUNS.empty_table()
    return _fitted(_joined(_shown(looks, month)), same)


def _shown(looks: pa.Table, month: Month) -> pa.Table:
    """What each shows, and on which days; without those that show nothing."""
    keys = one(looks["identity"]).dictionary_encode()
    named = keys.dictionary.to_pylist()
    if missing := len(set(named) - month.shown.keys()):
        raise StoreError(
            f"{month.files[0].path.parent}: identities that its rows name ({missing}) are in no"
            " file of `identities`; run `patchstand store check`"
        )
    found = pa.array([month.shown[key] for key in named], pa.string())
    rows = replaced(looks, "shown", found.take(keys.indices).dictionary_encode())
    for day, moment in (("first_day", "first"), ("last_day", "last")):
        rows = replaced(rows, day, pa.array(integers(looks[moment]) // DAY_MS, pa.int32()))
    return rows.filter(rows["shown"].is_valid())


def _joined(rows: pa.Table) -> pa.Table:
    """Runs that show the same though their keys differ become one."""
    if not len(rows):
        return rows
    first_day, last_day = integers(rows["first_day"]), integers(rows["last_day"])
    columns = [codes(rows[name]) for name in ("shown", *PLACE) if name in rows.column_names]
    first, last = ends(servers(rows), first_day, last_day, columns, WINDOW)
    found = rows.take(pa.array(last))
    return replaced(found, "first_day", pa.array(first_day[first], pa.int32()))


def _fitted(rows: pa.Table, same: Same) -> pa.Table:
    """The rows with the columns of `RUNS`, in their order; `same` says the same in every row."""
    rows = with_same(rows, same, set(same) - set(rows.column_names))
    columns = [
        rows[name].cast(kind) if name in rows.column_names else pa.nulls(len(rows), kind)
        for name, kind in zip(RUNS.names, RUNS.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=RUNS)
