"""census: national figures over a store, as of a day (docs/census.md).

observations of a month -> runs (cached, any number of machines)
runs -> intervals -> population of the day; distinct sights -> judged once
statistics over both -> figures; cube -> series
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from patchstand import knowledge
from patchstand.assess import is_stale
from patchstand.census import statistics
from patchstand.census.columns import give_back
from patchstand.census.cube import cube
from patchstand.census.intervals import intervals
from patchstand.census.looks import WINDOW
from patchstand.census.reading import Source as FileContent
from patchstand.census.series import series
from patchstand.census.sources import seen_by
from patchstand.census.statistic import Asked, Statistic
from patchstand.census.tables import JUDGED, Remember, Tables, made_anew, tables
from patchstand.errors import ScopeError, UsageError
from patchstand.model import Basis, Census, Knowledge, SkippedMonth, Source
from patchstand.plugins import declared
from patchstand.store.content import content_of
from patchstand.store.folder import Folder
from patchstand.workflow.derived import Made, cached, clear, digest, keep, tidy
from patchstand.workflow.judged_tables import judged_tables
from patchstand.workflow.months import (
    SIMULATION,
    OnMonth,
    Piece,
    Runs,
    all_runs,
    digest_of,
    permits,
    pieces,
)
from patchstand.workflow.sightings import shown_by_key

_VERSIONS = 3
"""Of how many days the derived tables are kept side by side."""


def _silent(_done: int, _of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class CensusPlan:
    """What to count: where, as of when, with what knowledge, and what besides the figures.

    `only`: names of statistics (`statistic_names`); empty: all.
    """

    store: Path
    as_of: date
    override: Path | None = None
    asked: Asked = field(default_factory=Asked)
    country: str | None = None
    only: tuple[str, ...] = ()
    with_series: bool = False
    skip_damaged: bool = False
    rebuild: bool = False


def census(plan: CensusPlan, pool: Executor | None = None, on_month: OnMonth = _silent) -> Census:
    """Count a store as of a day; `pool` turns months into runs, `on_month` is told of each.

    Raises:
        UsageError: no store, nothing observed by then, an unknown country or statistic.
        ScopeError: observations were allowed for other purposes only.
        StoreError: a file is damaged, and such are not to be skipped.
    """
    chosen = _chosen(plan.only)
    folder = Folder.open(plan.store)
    tidy(folder)
    if plan.rebuild:
        clear(folder)
    known = knowledge.load(plan.override)
    wanted = pieces(folder, known, plan.override, plan.as_of)
    rows, skipped = _intervals(folder, wanted, plan, pool, on_month)
    if not len(rows):
        raise UsageError(_nothing(folder, plan, wanted) + said_of(skipped))
    rows = _of_country(rows, plan.country)
    first = _day(pc.min(rows["first_day"]))
    good = _without(wanted, skipped)
    remember = _remember(folder, wanted, plan, known, whole=not skipped)
    more = _judged(rows, known, first, plan.as_of, remember)
    more["seen_by"] = remember("seen-by", partial(_seen_by, good, known, plan.as_of))
    give_back()
    with tables(rows, more, plan.as_of, first, remember) as opened:
        opened.one_country = plan.country is not None
        trend = {}
        if plan.with_series:  # first: what it takes is free again for the others
            trend["series"] = series(opened, _cube(folder, rows, wanted, plan, whole=not skipped))
        if skipped:  # who was not looked at then has neither gone nor come back
            chosen = tuple(name for name in chosen if name != "movement")
        return Census(
            as_of=plan.as_of,
            covered_until=min(known.covered_until, plan.as_of),
            knowledge=known.version,
            stale=is_stale(known, plan.as_of),
            population=opened.population,
            first=first,
            last=_day(pc.max(rows["last_day"])),
            country=plan.country,
            skipped=skipped,
            parts=_parts(opened, plan.asked, chosen) | trend,
            basis=_basis(opened, good, plan.as_of),
            sights=_sights(opened),
            sql=opened.sql(),
        )


def _without(wanted: Sequence[Piece], skipped: Sequence[SkippedMonth]) -> list[Piece]:
    left_out = {each.month for each in skipped}
    return [piece for piece in wanted if piece.month not in left_out]


@dataclass(slots=True)
class _Coming:
    """The runs of the months, handed on one by one, and what else is told of them."""

    skipped: list[SkippedMonth] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def tables(self, months: Iterable[Runs | SkippedMonth]) -> Iterator[pa.Table]:
        """The tables of the months that could be read."""
        for each in months:
            if isinstance(each, SkippedMonth):
                self.skipped.append(each)
            else:
                self.refused.update(each.refused)
                yield each.table


def _intervals(
    folder: Folder,
    wanted: Sequence[Piece],
    plan: CensusPlan,
    pool: Executor | None,
    on_month: OnMonth,
) -> tuple[pa.Table, tuple[SkippedMonth, ...]]:
    """The intervals of all servers; from the derived tables where nothing has changed."""
    made = ("intervals", digest_of(wanted))
    found = cached(folder, made)
    if found is not None:
        return found, ()
    coming = _Coming()
    months = all_runs(folder, wanted, pool, on_month, skip_damaged=plan.skip_damaged)
    rows = intervals(coming.tables(months))
    _refuse(coming.refused)
    if not coming.skipped and all(piece.until is None for piece in wanted):
        keep(folder, made, rows, _VERSIONS)
    return rows, tuple(_within(folder, each) for each in coming.skipped)


def _within(folder: Folder, skipped: SkippedMonth) -> SkippedMonth:
    """With paths within the store in its reason: the census goes to others, the store does not."""
    return replace(skipped, why=skipped.why.replace(f"{folder.root.absolute()}{os.sep}", ""))


def said_of(skipped: Sequence[SkippedMonth]) -> str:
    """The end of an error that may come of months that were left out."""
    months = ", ".join(each.month for each in skipped)
    return f"; left out, since they are damaged: {months}" if months else ""


def _refuse(permits: set[str]) -> None:
    if permits:
        raise ScopeError(
            f"observations were allowed by {'; '.join(sorted(permits))}: a census is none of those"
            " purposes; name `census` in the scope before the servers are asked"
        )


def _nothing(folder: Folder, plan: CensusPlan, wanted: Sequence[Piece]) -> str:
    """Why there is nothing to count."""
    months = sorted({file.month for file in folder.files("observations")})
    if not months:
        return f"{plan.store} holds no observation yet; scan or import some"
    if not wanted or all(piece.until is not None for piece in wanted):
        return f"nothing was observed until {plan.as_of}; the store begins in {months[0]}"
    return f"until {plan.as_of} the store holds no observation of an Exchange server"


def _of_country(rows: pa.Table, country: str | None) -> pa.Table:
    if country is None:
        return rows
    countries = rows["country"].cast(pa.string())
    known = sorted(each for each in countries.unique().to_pylist() if each)
    if country not in known:
        listed = ", ".join(known) or "none: give --places to scan and import"
        raise UsageError(f"--country {country}: no server is known to be there; known: {listed}")
    return rows.filter(pc.equal(countries, country))


def _remember(
    folder: Folder, wanted: Sequence[Piece], plan: CensusPlan, known: Knowledge, *, whole: bool
) -> Remember:
    """Keeps tables of this day beside the store, unless they rest on a part of it only."""
    if not whole or plan.override is not None:
        return made_anew
    what = digest(digest_of(wanted), known.edition, plan.as_of, plan.country)
    return lambda name, make: _kept(folder, (name, what), make)


def _kept(folder: Folder, made: Made, make: Callable[[], pa.Table]) -> pa.Table:
    found = cached(folder, made)
    if found is None:
        found = make()
        keep(folder, made, found, _VERSIONS)
    return found


def _judged(
    rows: pa.Table, known: Knowledge, first: date, as_of: date, remember: Remember
) -> dict[str, pa.Table]:
    """The tables of what was seen means; made together when the first of them is missing."""
    made: dict[str, pa.Table] = {}

    def make(name: str) -> pa.Table:
        if not made:
            sights = rows["shown"].cast(pa.string()).unique().to_pylist()
            made.update(judged_tables(sights, known, first, as_of))
        return made[name]

    return {name: remember(name, partial(make, name)) for name in JUDGED}


_VULNERABLE_ONLY = frozenset({Source.SHADOWSERVER.value})
"""Sources whose reports name vulnerable servers and no others."""
_SOURCES = """
SELECT list_sort(list(DISTINCT source)) AS sources, count(*) FROM (
    SELECT server, source FROM server LEFT JOIN seen_by USING (address, ports)
) GROUP BY server
"""


def _basis(opened: Tables, wanted: Sequence[Piece], as_of: date) -> Basis:
    """What saw the servers of the population, and what allowed it."""
    sql = f"SELECT sources, count(*) FROM ({_SOURCES}) GROUP BY sources ORDER BY sources"  # noqa: S608  our own query
    found = [(set(sources), n) for sources, n in opened.ask("sources", sql)]
    counts = Counter[str]()
    for sources, n in found:
        counts.update(dict.fromkeys(sources - {None}, n))
    given = permits(_recent_files(wanted, as_of))
    return Basis(
        simulated=any(each["granted_by"] == SIMULATION for each in given),
        sources=dict(sorted(counts.items())),
        vulnerable_only=sum(n for sources, n in found if sources <= _VULNERABLE_ONLY),
        permits=tuple(given),
    )


def _recent_files(wanted: Sequence[Piece], as_of: date) -> Iterator[FileContent]:
    begin = as_of - timedelta(days=WINDOW)
    for piece in wanted:
        if piece.month >= f"{begin:%Y-%m}":
            yield from (FileContent(path, content_of(path)) for path in piece.observations)


def _seen_by(wanted: Sequence[Piece], known: Knowledge, as_of: date) -> pa.Table:
    """Which sources saw which server in the days for which a look counts."""
    end = datetime.combine(as_of + timedelta(days=1), datetime.min.time(), UTC)
    begin = end - timedelta(days=WINDOW + 1)
    recent = [piece for piece in wanted if piece.month >= f"{begin:%Y-%m}"]
    shown = shown_by_key([path for piece in recent for path in piece.identities], known)
    return seen_by(_recent_files(wanted, as_of), shown, begin, end)


def statistic_names() -> tuple[str, ...]:
    """The names of all statistics."""
    return tuple(declared(statistics, "STATISTIC"))


def _chosen(only: Sequence[str]) -> tuple[str, ...]:
    known = statistic_names()
    wrong = [name for name in only if name not in known]
    if wrong:
        raise UsageError(f"there is no statistic {wrong[0]!r}; known: {', '.join(known)}")
    return tuple(only) or known


def _parts(opened: Tables, asked: Asked, chosen: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, each in declared(statistics, "STATISTIC").items():
        statistic: Statistic = each
        if name in chosen:
            found |= statistic.run(opened, asked)
    return found


def _cube(
    folder: Folder, rows: pa.Table, wanted: Sequence[Piece], plan: CensusPlan, *, whole: bool
) -> pa.Table:
    """The cube up to the last day on which anybody counts."""
    last = pc.max(rows["last_day"]).cast(pa.int32()).as_py() + WINDOW
    if not whole:
        return cube(rows, last)
    made = ("cube", digest(digest_of(wanted), plan.country))
    return _kept(folder, made, partial(cube, rows, last))


def _sights(opened: Tables) -> dict[str, int]:
    asked = opened.duck.execute("SELECT shown, count(*) FROM server GROUP BY 1 ORDER BY 1")
    return dict(asked.fetchall())


def _day(value: pa.Scalar) -> date:
    found: date = value.as_py()
    return found
