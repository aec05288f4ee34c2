"""simulate: years of daily scans of a country that has published figures, into a store.

population -> quota of builds on the last day -> paths backwards -> servers -> looks
looks of a month -> columns -> one segment
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa

from patchstand import knowledge
from patchstand.errors import UsageError
from patchstand.knowledge.populations import load_population
from patchstand.lab.country.looks import Looks, looks_of
from patchstand.lab.country.occupants import Occupants, settle
from patchstand.lab.country.paths import Builds, Country, Ints, builds_for, days, stretches
from patchstand.model import (
    ON_PREMISES,
    Knowledge,
    Permit,
    ProductLine,
)
from patchstand.model.published import Cell, PublishedPopulation
from patchstand.store.batches import Batch, BatchKind
from patchstand.store.bulk import repeated, write_month
from patchstand.store.columns import OBSERVATIONS, permit_text
from patchstand.store.folder import Folder
from patchstand.workflow.published import builds_of
from patchstand.workflow.register import note_begin, note_end, state_of
from patchstand.workflow.simulated_identities import Shown, identities_of

_OLDEST = ProductLine.V2010
_DAY = timedelta(days=1)
_PERMIT = permit_text(Permit("", "simulation", "own", "", ("census",)))
OnMonth = Callable[[int, int], None]


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

    @property
    def batch(self) -> str:
        """The batch is known by what was simulated."""
        what = (self.population, self.servers, self.days, self.seed)
        return f"simulation-{sha256(repr(what).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Simulated:
    """What was written, or would be (`rows` None)."""

    batch: str
    first: date
    last: date
    rows: int | None = None
    servers: int = 0
    builds: int = 0
    bytes: int = 0


def preview(wanted: Simulation) -> Simulated:
    """What would be written.

    Raises:
        UsageError: there is no such population, or it cannot be simulated for so long.
    """
    last = load_population(wanted.population, wanted.override).as_of
    first = last - timedelta(days=wanted.days - 1)
    if first.year < 2010:
        raise UsageError(f"--days {wanted.days}: nothing is simulated before 2010")
    return Simulated(wanted.batch, first, last)


def simulate(wanted: Simulation, now: datetime, on_month: OnMonth) -> Simulated:
    """Write the observations; the same simulation again writes the same, and only what is missing.

    Raises:
        UsageError: as `preview`, or the store holds something else.
        StoreError: the disk is full.
    """
    known = knowledge.load(wanted.override)
    population = load_population(wanted.population, wanted.override)
    span = preview(wanted)
    folder = _folder(wanted, now)
    country, builds, final = _country(population, known, wanted, span)
    occupants, stays = settle(stretches(builds, final, country), wanted.servers, country)
    rows = bytes_written = 0
    months = list(_months(span.first, span.last))
    with state_of(folder, wanted.state) as state:
        begun = Batch(
            wanted.batch, BatchKind.SIMULATION, now, knowledge=known.version,
            origin=wanted.population,
        )  # fmt: skip
        note_begin(state, begun)
        for done, (first, last) in enumerate(months, 1):
            looks = looks_of(stays, occupants, days(first), days(last), country)
            shown = identities_of(looks, occupants.style, builds.updates, known, wanted.batch)
            observed = _observations(looks, occupants, shown, wanted.batch, population)
            month = f"{first:%Y-%m}"
            write_month(folder, "identities", month, wanted.batch, shown.rows)
            path = write_month(folder, "observations", month, wanted.batch, observed)
            rows, bytes_written = rows + len(looks.at), bytes_written + path.stat().st_size
            on_month(done, len(months))
        note_end(state, folder, wanted.batch, now, {"stored": rows})
    alive = len(np.unique(stays.build))
    return Simulated(
        wanted.batch, span.first, span.last, rows, len(occupants.address), alive, bytes_written
    )


def _folder(wanted: Simulation, now: datetime) -> Folder:
    folder = Folder.open(wanted.store, now)
    others = {file.batch for file in folder.files("observations")} - {wanted.batch}
    if others:
        raise UsageError(
            f"{wanted.store} holds {len(others)} other batches; simulate into a store of its own"
        )
    return folder


def _country(
    population: PublishedPopulation, known: Knowledge, wanted: Simulation, span: Simulated
) -> tuple[Country, Builds, Ints]:
    """The country, the builds there are, and the build of each place on the last day."""
    builds = builds_for(
        [
            update
            for update in known.updates
            if update.line in ON_PREMISES and update.line.rank >= _OLDEST.rank
        ]
    )
    random = np.random.default_rng(wanted.seed)
    country = Country(days(span.first), days(span.last), population.habits, random)
    number = {update.build: at for at, update in enumerate(builds.updates)}
    final = []
    for cell, count in zip(population.cells, _quota(population.cells, wanted.servers), strict=True):
        possible = [number[row.build] for row in builds_of(cell, known, span.last)]
        if not possible:
            raise UsageError(f"population {population.name}: no build fits the cell {cell}")
        final.append(_drawn(np.array(possible), count, builds, country))
    return country, builds, random.permutation(np.concatenate(final))


def _quota(cells: Sequence[Cell], servers: int) -> list[int]:
    """Split servers by the shares of the cells: largest remainder first."""
    exact = [cell.share * servers for cell in cells]
    counts = [int(each + 1e-9) for each in exact]
    by_remainder = sorted(range(len(cells)), key=lambda at: counts[at] - exact[at])
    for at in by_remainder[: servers - sum(counts)]:
        counts[at] += 1
    return counts


def _drawn(possible: Ints, count: int, builds: Builds, country: Country) -> Ints:
    """Builds of a cell: newer ones are likelier, the older ones thin out over a year."""
    age = country.last - builds.released[possible]
    weight = np.exp(-(age - age.min()) / 300.0) + 0.01
    found: Ints = country.random.choice(possible, count, p=weight / weight.sum())
    return found


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
