"""Which build each place had, day by day: drawn backwards from the build of the last day.

Backwards, because the last day is what is known: its shares are published. Before it lies
the installation, some time after the build came out (soon where somebody cares, late where
nobody does, not over the holidays); before that the build that was there until then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from patchstand.model import Update
from patchstand.model.published import Habits

Ints = npt.NDArray[np.int64]
_EPOCH = date(1970, 1, 1)
_EARLIER = 8
"""How many earlier builds may have been there before one, at most."""
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

    `released`: days. `earlier`: per build up to eight earlier ones, the latest first, -1 for
    none. `first_of_cu`: the build that a re-installation of its CU begins with.
    """

    updates: tuple[Update, ...]
    released: Ints
    earlier: Ints
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


def builds_for(updates: Sequence[Update]) -> Builds:
    """What can be installed, from the updates of all lines; withdrawn ones are left out."""
    kept = tuple(update for update in updates if update.withdrawn_on is None)
    released = np.array([days(update.released_to) for update in kept], np.int64)
    earlier = np.full((len(kept), _EARLIER), -1, np.int64)
    first_of_cu = np.arange(len(kept))
    for at, update in enumerate(kept):
        found = _before(kept, at)[:_EARLIER]
        earlier[at, : len(found)] = found
        same = [n for n, other in enumerate(kept) if _cu(other) == _cu(update)]
        first_of_cu[at] = min(same, key=lambda n: (released[n], kept[n].build))
    return Builds(kept, released, earlier, first_of_cu)


def _cu(update: Update) -> tuple[str, str]:
    return update.line.value, update.cu


def _before(updates: Sequence[Update], at: int) -> list[int]:
    """Builds that came out earlier: of the same line, or where there is none of the line before."""
    update = updates[at]
    same = [
        n
        for n, other in enumerate(updates)
        if other.line is update.line
        and other.released_to < update.released_from
        and other.build < update.build
    ]
    older = [
        n
        for n, other in enumerate(updates)
        if other.line.rank < update.line.rank and other.released_to < update.released_from
    ]
    ranks = {updates[n].line.rank for n in older}
    nearest = [n for n in older if updates[n].line.rank == max(ranks)]
    return sorted(same or nearest, key=lambda n: updates[n].released_to, reverse=True)


def stretches(builds: Builds, final: Ints, country: Country) -> Stretches:
    """The stretches of all places; `final` are the builds of the last day."""
    habits, random, first = country.habits, country.random, country.first
    place, build = np.arange(len(final)), final.copy()
    until = np.full(len(final), country.last, np.int64)
    quick = random.random(len(final)) < habits.quick
    found: list[tuple[Ints, Ints, Ints, Ints]] = []
    for _ in range(_MOST_STEPS):
        begin = _installed(builds.released[build], until, quick[place], country)
        before = _chosen(builds.earlier[build], country)
        begin = np.where(before < 0, np.minimum(begin, first), begin)
        found.append((place, build, np.maximum(begin, first), until))
        goes_on = begin > first
        place, build, until = place[goes_on], before[goes_on], begin[goes_on] - 1
        if not len(place):
            break
    columns = [np.concatenate(part) for part in zip(*found, strict=True)]
    return _reinstalled(builds, Stretches(*columns), country)


def _installed(
    released: Ints,
    until: Ints,
    quick: npt.NDArray[np.bool_],
    country: Country,
) -> Ints:
    """When a build was installed: after its release, at the latest on the last day it was there.

    The lag is exponential, cut off there; installations over holidays come after them.
    """
    habits, random = country.habits, country.random
    most = np.maximum(until - released, 0).astype(float)
    mean = np.where(quick, habits.quick_lag, habits.slow_lag)
    lag = -mean * np.log1p(-random.random(len(released)) * -np.expm1(-most / mean))
    day = released + np.minimum(lag, most).astype(np.int64)
    later = day + _put_off(day, country)
    found: Ints = np.minimum(later, until)
    return found


def _put_off(day: Ints, country: Country) -> Ints:
    """Days by which an installation is put off: over Christmas, in August, over a Sunday."""
    habits, random = country.habits, country.random
    dates = day.astype("datetime64[D]")
    in_year = (dates - dates.astype("datetime64[Y]")).astype(np.int64)
    month: Ints = dates.astype("datetime64[M]").astype(np.int64) % 12
    chance = random.random(len(day))
    christmas = ((in_year >= 353) | (in_year <= 5)) & (chance < habits.holidays)
    august = (month == 7) & (chance < habits.holidays / 2)
    sunday = (day + 3) % 7 == 6  # 1970-01-01 was a Thursday
    rest = np.where(in_year >= 353, 371 - in_year, 6 - in_year)
    put_off = np.where(christmas, rest + random.integers(0, 12, len(day)), 0)
    put_off = np.where(august & ~christmas, random.integers(7, 35, len(day)), put_off)
    found: Ints = np.where((put_off == 0) & sunday, random.integers(1, 5, len(day)), put_off)
    return found


def _chosen(earlier: Ints, country: Country) -> Ints:
    """Which build was there before: the one before it, unless that was skipped, and so on."""
    skips = country.random.geometric(1 - country.habits.skipped, len(earlier)) - 1
    most = (earlier >= 0).sum(axis=1) - 1
    at = np.clip(skips, 0, np.maximum(most, 0))
    found: Ints = earlier[np.arange(len(earlier)), at]
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
