"""simulate: years of daily scans of a country that has published figures, into a store.

population -> quota of builds on the last day -> paths backwards -> servers
servers of a month -> looks -> columns -> one segment
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate, pairwise
from pathlib import Path
from shutil import rmtree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from patchstand import __version__, knowledge
from patchstand.errors import KnowledgeError, StoreError, UsageError
from patchstand.knowledge.populations import load_population
from patchstand.lab.country.looks import Looks, looks_of
from patchstand.lab.country.occupants import Occupants, Stays, settle
from patchstand.lab.country.paths import Builds, Country, Ints, builds_for, days, stretches
from patchstand.model import (
    ON_PREMISES,
    Build,
    Knowledge,
    Permit,
    ProductLine,
    Update,
    UpdateKind,
)
from patchstand.model.published import Cell, PublishedPopulation
from patchstand.store.batches import Batch, BatchKind
from patchstand.store.bulk import repeated, write_month
from patchstand.store.columns import OBSERVATIONS, permit_text
from patchstand.store.folder import MARK, Folder, is_full
from patchstand.store.integrity import under_way
from patchstand.workflow.published import builds_of
from patchstand.workflow.register import note_begin, note_end, noted, state_of
from patchstand.workflow.simulated_identities import Shown, identities_of

_OLDEST = ProductLine.V2010
_DAY = timedelta(days=1)
_PERMIT = permit_text(Permit("", "simulation", "own", "", ("census",)))
_LISTED_FROM = date(2021, 11, 3)
"""The catalogue of exploited flaws began that day: what was in it then was exploited before."""
_SOON = timedelta(days=30)
OnMonth = Callable[[int, int], None]
"""Told how many months are done, of how many."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What to simulate: a population by its name, how many servers and days, from which seed."""

    population: str
    servers: int
    days: int
    seed: int
    store: Path
    state: str | None = None
    override: Path | None = None


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was written; before that, the counts are None."""

    batch: str
    first: date
    last: date
    rows: int | None = None
    servers: int | None = None
    builds: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A country: the builds there are, its servers, and which had what from when to when."""

    builds: Builds
    country: Country
    occupants: Occupants
    stays: Stays


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a simulation rests on, read and checked; `cells`: the possible builds of each."""

    known: Knowledge
    population: PublishedPopulation
    span: Simulated
    cells: tuple[tuple[Build, ...], ...]


def preview(wanted: Simulation) -> Simulated:
    """What would be written.

    Raises:
        UsageError: there is no such population, it cannot be simulated for so long, or the
            store holds something else.
        KnowledgeError: its file is wrong.
    """
    span = _ground(wanted).span
    if (wanted.store / MARK).exists():
        _refuse_others(Folder.open(wanted.store), span.batch)
    return span


def simulate(wanted: Simulation, now: datetime, on_month: OnMonth) -> Simulated:
    """Write the observations; the same simulation again writes the same, and only what is missing.

    Raises:
        UsageError: as `preview`; or another simulation is writing into the store.
        KnowledgeError: as `preview`.
        StoreError: the disk is full; done again, the simulation goes on where it stopped.
    """
    ground = _ground(wanted)
    batch = ground.span.batch
    folder = Folder.open(wanted.store, now)
    with _alone(folder, batch), state_of(folder, wanted.state) as state:
        begun = Batch(
            batch, BatchKind.SIMULATION, now, knowledge=ground.known.version,
            origin=wanted.population,
        )  # fmt: skip
        note_begin(state, begun)
        with noted(state, batch, lambda: now), _room_is_asked_for():
            done = _written(folder, ground, _drawn_on(ground, wanted), wanted.seed, on_month)
        note_end(state, folder, batch, now, {"stored": done.rows or 0})
    return done


@contextmanager
def _alone(folder: Folder, batch: str) -> Iterator[None]:
    """Keep every other simulation off the store; what marks this one as begun goes at its end.

    Raises:
        UsageError: another run has it, or it holds something else.
    """
    with folder.alone(batch):
        try:
            _refuse_others(folder, batch)
        except UsageError:
            rmtree(folder.scan(batch), ignore_errors=True)
            raise
        yield
        rmtree(folder.scan(batch), ignore_errors=True)


def _refuse_others(folder: Folder, batch: str) -> None:
    """Refuse a store that holds, or is about to hold, something else.

    Raises:
        UsageError: it does.
    """
    others = {file.batch for file in folder.files("observations")} | set(under_way(folder))
    others -= {batch}
    if others:
        raise UsageError(
            f"{folder.root} holds something else ({min(others)}): name a folder of its own for"
            " a simulation"
        )


@contextmanager
def _room_is_asked_for() -> Iterator[None]:
    """Say of a full disk what helps here."""
    try:
        yield
    except StoreError as error:
        if is_full(error):
            raise StoreError(
                "the disk is full; make room and run the same again: it goes on where it stopped"
            ) from error
        raise


def _ground(wanted: Simulation) -> _Ground:
    known = knowledge.load(wanted.override)
    population = load_population(wanted.population, wanted.override)
    last = population.as_of
    first = last - timedelta(days=wanted.days - 1)
    if first.year < 2010:
        raise UsageError(f"--days {wanted.days}: nothing is simulated before 2010")
    cells = tuple(
        tuple(row.build for row in builds_of(cell, known, last)) for cell in population.cells
    )
    for cell, possible in zip(population.cells, cells, strict=True):
        if not possible and cell.share:
            lines = " and ".join(cell.lines)
            raise KnowledgeError(
                f"population {population.name}: no build of {lines} fits the cell of {cell.share}"
            )
    what = (
        population.name, population.digest, known.version, __version__,
        wanted.servers, wanted.days, wanted.seed,
    )  # fmt: skip
    batch = f"simulation-{sha256(repr(what).encode()).hexdigest()[:16]}"
    return _Ground(known, population, Simulated(batch, first, last), cells)


def draw(wanted: Simulation) -> Drawn:
    """The country of a simulation; nothing is written.

    Raises:
        UsageError: as `preview`.
        KnowledgeError: as `preview`.
    """
    return _drawn_on(_ground(wanted), wanted)


def _drawn_on(ground: _Ground, wanted: Simulation) -> Drawn:
    habits = ground.population.habits
    builds = _builds(ground.known, habits.large, habits.urgent)
    random = np.random.default_rng(wanted.seed)
    country = Country(days(ground.span.first), days(ground.span.last), habits, random)
    final = _final(builds, ground, wanted.servers, country)
    occupants, stays = settle(stretches(builds, final, country), wanted.servers, country)
    return Drawn(builds, country, occupants, stays)


@lru_cache(maxsize=4)
def _builds(known: Knowledge, large: float, urgent: float) -> Builds:
    """All builds that can be installed; `large` and `urgent` are the paces of some."""
    updates = [
        update
        for update in known.updates
        if update.line in ON_PREMISES
        and update.line.rank >= _OLDEST.rank
        and update.withdrawn_on is None
    ]
    paces = {True: urgent, False: 1.0}
    return builds_for(
        updates,
        [
            large if update.kind is UpdateKind.CU else paces[_is_urgent(update, known)]
            for update in updates
        ],
    )


def _is_urgent(update: Update, known: Knowledge) -> bool:
    """True when it closes a flaw that was exploited then, or within 30 days."""
    latest = max(update.released + _SOON, _LISTED_FROM)
    fixes = known.fixes(update.line)
    return any(
        (update.cu, update.build) in fixes[cve.id].fixed
        for cve in known.cves
        if cve.kev is not None and cve.kev <= latest and cve.id in fixes
    )


def _final(builds: Builds, ground: _Ground, servers: int, country: Country) -> Ints:
    """The build of each place on the last day, by the shares of the cells."""
    number = {update.build: at for at, update in enumerate(builds.updates)}
    counts = _quota(ground.population.cells, servers)
    final = [
        _drawn(np.array([number[build] for build in possible]), count, builds, country)
        for possible, count in zip(ground.cells, counts, strict=True)
        if count
    ]
    found: Ints = country.random.permutation(np.concatenate(final))
    return found


def _quota(cells: Sequence[Cell], servers: int) -> list[int]:
    """Split servers by the shares of the cells.

    The first cells together are off by half a server at most, whatever their number: published
    figures are mostly sums of neighbours.
    """
    until = [round(share * servers, 6) for share in accumulate(cell.share for cell in cells)]
    ends = [int(each + 0.5) for each in until]
    return [end - begin for begin, end in pairwise([0, *ends])]


def _drawn(possible: Ints, count: int, builds: Builds, country: Country) -> Ints:
    """Builds of a cell: newer ones are likelier, the older ones thin out over a year."""
    age = country.last - builds.released[possible]
    weight = np.exp(-(age - age.min()) / 300.0) + 0.01
    found: Ints = country.random.choice(possible, count, p=weight / weight.sum())
    return found


def _written(
    folder: Folder, ground: _Ground, drawn: Drawn, seed: int, on_month: OnMonth
) -> Simulated:
    """Write month after month; those that are there stay, and need not be made."""
    span = ground.span
    there = {file.month: file.path for file in folder.files("observations", span.batch)}
    complete = {file.month for file in folder.files("identities", span.batch)} & there.keys()
    months = list(_months(span.first, span.last))
    rows = size = 0
    for done, (first, last) in enumerate(months, 1):
        month = f"{first:%Y-%m}"
        path = there[month] if month in complete else None
        if path is None:
            looks = looks_in(drawn, first, last, seed)
            if len(looks.at):  # of a few servers, all can be missed in a month of one day
                path = _write(folder, ground, drawn, looks, month)
        if path is not None:
            rows, size = rows + _rows(path), size + path.stat().st_size
        on_month(done, len(months))
    return replace(
        span,
        rows=rows,
        servers=len(drawn.occupants.address),
        builds=len(np.unique(drawn.stays.build)),
        bytes=size,
    )


def _rows(path: Path) -> int:
    try:
        found: int = pq.read_metadata(path).num_rows
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise StoreError(f"{path}: {said}; run `patchstand store check`") from error
    return found


def looks_in(drawn: Drawn, first: date, last: date, seed: int) -> Looks:
    """The looks of a part of a month; each month draws from a chance of its own."""
    chance = np.random.default_rng((seed, days(first)))
    span = days(first), days(last)
    return looks_of(drawn.stays, drawn.occupants, span, drawn.country, chance)


def _write(folder: Folder, ground: _Ground, drawn: Drawn, looks: Looks, month: str) -> Path:
    """The looks of a month as files: what is identified before who shows it."""
    batch, updates = ground.span.batch, drawn.builds.updates
    shown = identities_of(looks, drawn.occupants.style, updates, ground.known, batch)
    observed = _observations(looks, drawn.occupants, shown, batch, ground.population)
    write_month(folder, "identities", month, batch, shown.rows)
    return write_month(folder, "observations", month, batch, observed)


def _months(first: date, last: date) -> "list[tuple[date, date]]":
    """The first and last day of each month in a period."""
    found = []
    while first <= last:
        end = (first.replace(day=1) + timedelta(days=32)).replace(day=1) - _DAY
        found.append((first, min(end, last)))
        first = end + _DAY
    return found


def _observations(
    looks: Looks,
    occupants: Occupants,
    shown: Shown,
    batch: str,
    population: PublishedPopulation,
) -> pa.Table:
    """The looks as rows of `observations`."""
    count, server = len(looks.at), looks.server
    here, place = np.unique(server, return_inverse=True)
    habits = population.habits
    columns = {
        "target": _words(place, occupants.address[here].tolist()),
        "ports": repeated("", count),
        "observed_at": pa.array(looks.at).cast(pa.timestamp("ms", "UTC")),
        "scan": repeated(batch, count),
        "source": repeated("scan", count),
        "vantage_point": repeated("simulation", count),
        "permit": repeated(_PERMIT, count),
        "outcome": repeated("answered", count),
        "requests": pa.array(np.full(count, 2, np.int16)),
        "identity": pa.array(shown.key_of_look),
        "certificate": pa.array(occupants.certificate[server]),
        "country": repeated("DE", count),
        "state": _words(occupants.state[server], list(habits.states)),
        "asn": pa.array(occupants.system[server]),
        "sector": _words(occupants.sector[server], list(habits.sectors)),
    }
    arrays = [
        columns[name].cast(kind) if name in columns else pa.nulls(count, kind)
        for name, kind in zip(OBSERVATIONS.names, OBSERVATIONS.types, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=OBSERVATIONS)


def _words(at: Ints, words: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(at.astype(np.int32)), pa.array(words))
