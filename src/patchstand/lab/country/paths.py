"""Which build each place had, day by day: drawn backwards from the build of the last day.

Backwards, because the last day is what is known: its shares are published. Before it lies
the installation, some time after the build came out (soon where somebody cares, late where
nobody does, not over the holidays); before that the build that was there until then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from patchstand.model import ProductLine, Update
from patchstand.model.published import Habits

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_EPOCH = date(1970, 1, 1)
_EARLIER = 8
"""How many earlier builds may have been there before one, at most."""
_OF_A_FAMILY = 2
"""Cumulative updates from which one comes: the vendor serves the last two."""
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Country:
    """The first and the last day, how servers are run there, and what chance is drawn from."""

    first: int
    last: int
    habits: Habits
    random: np.random.Generator


@dataclass(frozen=True, slots=True)
class Builds:
    """The builds of the country: when each came out, and what was there before it.

    `released`: days. `pace`: so many times as fast as others it is installed. `earlier`: per
    build up to eight earlier ones of its line, the latest first, -1 for none; `older`: the
    same of the line before. `first_of_cu`: what a re-installation of its CU begins with.
    """

    updates: tuple[Update, ...]
    released: Ints
    pace: Floats
    earlier: Ints
    older: Ints
    first_of_cu: Ints


@dataclass(frozen=True, slots=True)
class Stretches:
    """A place had a build from a day to a day, both inclusive; one row each."""

    place: Ints
    build: Ints
    first: Ints
    last: Ints


def days(day: date) -> int:
    """A day as a number."""
    return (day - _EPOCH).days


def builds_for(updates: Sequence[Update], pace: Sequence[float]) -> Builds:
    """What can be installed, from the updates of all lines, and at what pace each of them is.

    None of the updates was withdrawn.
    """
    kept = tuple(updates)
    released = np.array([days(update.released_to) for update in kept], np.int64)
    earlier = np.full((len(kept), _EARLIER), -1, np.int64)
    older = earlier.copy()
    lines: dict[ProductLine, list[int]] = {}
    first_of: dict[tuple[ProductLine, str], int] = {}
    for at in sorted(range(len(kept)), key=lambda n: (released[n], kept[n].build)):
        lines.setdefault(kept[at].line, []).append(at)
        first_of.setdefault((kept[at].line, kept[at].cu), at)
    for at in range(len(kept)):
        for row, found in ((earlier, _before(kept, at, lines)), (older, _older(kept, at, lines))):
            row[at, : len(found)] = found
    is_first = earlier[:, 0] < 0
    earlier[is_first] = older[is_first]
    first_of_cu = np.array([first_of[update.line, update.cu] for update in kept])
    return Builds(kept, released, np.array(pace, float), earlier, older, first_of_cu)


def _before(
    updates: Sequence[Update], at: int, lines: Mapping[ProductLine, Sequence[int]]
) -> list[int]:
    """Earlier builds of the same line; `lines` has the builds of each in the order of release."""
    update = updates[at]
    return _latest(
        updates,
        [
            n
            for n in lines[update.line]
            if updates[n].released_to < update.released_from and updates[n].build < update.build
        ],
    )


def _older(
    updates: Sequence[Update], at: int, lines: Mapping[ProductLine, Sequence[int]]
) -> list[int]:
    """Earlier builds of the nearest older line that had any by then."""
    update = updates[at]
    for line in sorted(lines, key=lambda line: line.rank, reverse=True):
        if line.rank < update.line.rank:
            found = [n for n in lines[line] if updates[n].released_to < update.released_from]
            if found:
                return _latest(updates, found)
    return []


def _latest(updates: Sequence[Update], numbers: Sequence[int]) -> list[int]:
    """The latest few, the latest first; of one release those for the last two CUs only."""
    found: list[int] = []
    families: list[str] = []
    for n in reversed(numbers):
        if families.count(updates[n].family) < _OF_A_FAMILY:
            found.append(n)
            families.append(updates[n].family)
        if len(found) == _EARLIER:
            break
    return found


def stretches(builds: Builds, final: Ints, country: Country) -> Stretches:
    """The stretches of all places; `final` are the builds of the last day."""
    habits, random, first = country.habits, country.random, country.first
    place, build = np.arange(len(final)), final.copy()
    until = np.full(len(final), country.last, np.int64)
    quick = random.random(len(final)) < habits.quick
    found: list[tuple[Ints, Ints, Ints, Ints]] = []
    for _ in range(_MOST_STEPS):
        begin = _installed(builds, build, until, quick[place], country)
        before = _chosen(builds, build, until - begin, country)
        begin = np.where(before < 0, np.minimum(begin, first), begin)
        found.append((place, build, np.maximum(begin, first), until))
        goes_on = begin > first
        place, build, until = place[goes_on], before[goes_on], begin[goes_on] - 1
        if not len(place):
            break
    columns = [np.concatenate(part) for part in zip(*found, strict=True)]
    return _reinstalled(builds, Stretches(*columns), country)


def _installed(
    builds: Builds,
    build: Ints,
    until: Ints,
    quick: npt.NDArray[np.bool_],
    country: Country,
) -> Ints:
    """When a build was installed: after its release, at the latest on the last day it was there.

    The hazard is constant until then, its own for each update and each server; installations
    that fall on holidays come after them, where there is time.
    """
    habits, random, released = country.habits, country.random, builds.released[build]
    most = np.maximum(until - released, 0).astype(float)
    mean = np.where(quick, habits.quick_lag, habits.slow_lag) / builds.pace[build]
    lag = -mean * np.log1p(-random.random(len(released)) * -np.expm1(-most / mean))
    day = released + np.minimum(lag, most).astype(np.int64)
    later = day + _put_off(day, country)
    found: Ints = np.where(later <= until, later, day)
    return found


def _put_off(day: Ints, country: Country) -> Ints:
    """Days by which an installation is put off: over Christmas, in August, over a Sunday."""
    habits, random = country.habits, country.random
    dates = day.astype("datetime64[D]")
    in_year = (dates - dates.astype("datetime64[Y]")).astype(np.int64)
    months = dates.astype("datetime64[M]")
    to_september = ((months + 1).astype("datetime64[D]") - dates).astype(np.int64)
    chance = random.random(len(day))
    christmas = ((in_year >= 353) | (in_year <= 5)) & (chance < habits.holidays)
    august = (months.astype(np.int64) % 12 == 7) & (chance < habits.holidays / 2)
    sunday = (day + 3) % 7 == 6  # 1970-01-01 was a Thursday
    rest = np.where(in_year >= 353, 371 - in_year, 6 - in_year)
    put_off = np.where(christmas, rest + random.integers(0, 12, len(day)), 0)
    put_off = np.where(august, to_september + random.integers(0, 12, len(day)), put_off)
    found: Ints = np.where((put_off == 0) & sunday, random.integers(1, 5, len(day)), put_off)
    return found


def _chosen(builds: Builds, build: Ints, stayed: Ints, country: Country) -> Ints:
    """Which build was there before: the one before it, unless that was skipped, and so on.

    Now and then it was one of an older line; -1 where nothing was before.
    """
    habits, random = country.habits, country.random
    migrates = random.random(len(build)) < -np.expm1(-habits.migrated * (stayed + 1))
    migrates &= builds.older[build, 0] >= 0
    rows = np.where(migrates[:, None], builds.older[build], builds.earlier[build])
    skips = random.geometric(1 - habits.skipped, len(rows)) - 1
    most = (rows >= 0).sum(axis=1) - 1
    found: Ints = rows[np.arange(len(rows)), np.clip(skips, 0, np.maximum(most, 0))]
    return found


def _reinstalled(builds: Builds, rows: Stretches, country: Country) -> Stretches:
    """Now and then a server is set up anew: for some weeks it has its CU's first build."""
    random = country.random
    base = builds.first_of_cu[rows.build]
    long = (rows.last - rows.first > 60) & (base != rows.build)
    chosen = long & (random.random(len(rows.place)) < country.habits.reinstalled)
    begin = rows.first + random.integers(20, 40, len(rows.place))
    end = begin + random.integers(5, 20, len(rows.place))
    place, build = rows.place[chosen], rows.build[chosen]
    parts = [
        (rows.place[~chosen], rows.build[~chosen], rows.first[~chosen], rows.last[~chosen]),
        (place, build, rows.first[chosen], begin[chosen] - 1),
        (place, base[chosen], begin[chosen], end[chosen]),
        (place, build, end[chosen] + 1, rows.last[chosen]),
    ]
    return Stretches(*(np.concatenate(part) for part in zip(*parts, strict=True)))
