"""Paths of builds: nothing before its release, soon where somebody cares, not over holidays."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from tests.lab.country.drawn import drawn
from tests.workflow.countries import POPULATIONS

from patchstand.knowledge.populations import load_population
from patchstand.lab.country.paths import (
    Builds,
    Country,
    Ints,
    Stretches,
    builds_for,
    days,
    stretches,
)
from patchstand.model import Knowledge, ProductLine, Update
from patchstand.model.published import Habits

FIRST, LAST = days(date(2020, 8, 1)), days(date(2024, 9, 10))
HABITS = load_population("de-2024-09").habits


@pytest.fixture(scope="module")
def builds(known: Knowledge) -> Builds:
    rows = [
        each
        for each in known.updates
        if each.withdrawn_on is None and each.line.rank >= ProductLine.V2010.rank
    ]
    rows = [each for each in rows if each.line is not ProductLine.ONLINE]
    return builds_for(rows, [1.0] * len(rows))


@pytest.fixture(scope="module")
def known() -> Knowledge:
    from patchstand import knowledge  # noqa: PLC0415

    return knowledge.load()


def final(builds: Builds, places: int) -> Ints:
    """Builds of the last day: each that is out, again and again."""
    out = np.flatnonzero(builds.released <= LAST)
    return np.resize(out, places)


def walked(builds: Builds, habits: Habits, places: int = 4000, seed: int = 1) -> Stretches:
    country = Country(FIRST, LAST, habits, np.random.default_rng(seed))
    return stretches(builds, final(builds, places), country)


def installed(rows: Stretches) -> Ints:
    """The days of all installations within the time."""
    return rows.first[rows.first > FIRST]


# The tables


def test_what_was_there_before_is_older(builds: Builds) -> None:
    """Each earlier build has a lower number and came out before; those of an older line too."""
    for at, update in enumerate(builds.updates):
        for row in (builds.earlier[at], builds.older[at]):
            for other in (builds.updates[n] for n in row[row >= 0]):
                assert other.released_to < update.released_from
                assert other.line is not update.line or other.build < update.build
        older = [builds.updates[n].line.rank for n in builds.older[at] if n >= 0]
        assert all(rank < update.line.rank for rank in older)


def test_the_build_before_is_that_of_the_release_before(builds: Builds) -> None:
    """On one cumulative update each security update comes after the one before."""

    def before(name: str) -> str:
        (at,) = (n for n, each in enumerate(builds.updates) if str(each.build) == name)
        return str(builds.updates[builds.earlier[at, 0]].build)

    assert before("15.1.2507.37") == "15.1.2507.35"  # March 2024 after November 2023
    assert before("15.2.1544.4") == "15.2.1258.28"  # CU14 after CU13 with November 2023
    assert before("15.2.858.5") == "15.2.792.10"  # CU9 after CU8 with March 2021, not after RTM


def test_only_first_builds_of_the_oldest_line_have_nothing_before(builds: Builds) -> None:
    """Every path ends in a build of Exchange 2010 that was out before anything is simulated."""
    for at, update in enumerate(builds.updates):
        if builds.earlier[at, 0] < 0:
            assert update.line is ProductLine.V2010
            assert builds.released[at] < days(date(2010, 1, 1))


# The paths


@pytest.mark.parametrize("seed", range(5))
def test_no_server_has_a_build_before_its_release(builds: Builds, seed: int) -> None:
    """Whatever the seed, an installation is not before the day on which the update came out."""
    rows = walked(builds, HABITS, seed=seed)

    assert (rows.first >= builds.released[rows.build]).all()


@pytest.mark.parametrize("seed", range(5))
def test_each_place_has_one_build_a_day(builds: Builds, seed: int) -> None:
    """The stretches of a place follow each other without a gap, from the first to the last day."""
    rows = walked(builds, HABITS, places=500, seed=seed)
    order = np.lexsort((rows.first, rows.place))
    place, first, last = rows.place[order], rows.first[order], rows.last[order]
    begins = np.concatenate(([True], place[1:] != place[:-1]))
    ends = np.concatenate((begins[1:], [True]))

    assert (first[begins] == FIRST).all()
    assert (last[ends] == LAST).all()
    assert (first[~begins] == last[~ends] + 1).all()
    assert (first <= last).all()


def test_the_last_day_has_the_builds_that_were_asked_for(builds: Builds) -> None:
    """Whatever lies before, the build of the last day is the one that the quota gave."""
    rows = walked(builds, HABITS, places=900)
    on_last = rows.last == LAST

    assert Counter(rows.build[on_last].tolist()) == Counter(final(builds, 900).tolist())


def test_servers_that_are_looked_after_are_updated_sooner(builds: Builds) -> None:
    """Most installations of quick servers are within weeks, of slow ones within months."""
    lags = []
    for quick in (1.0, 0.0):
        rows = walked(builds, replace(HABITS, quick=quick))
        lag = (rows.first - builds.released[rows.build])[(rows.first > FIRST)]
        lags.append(float(np.median(lag)))

    assert lags[0] < 15
    assert lags[1] > 30


def test_each_update_has_a_pace_of_its_own(builds: Builds) -> None:
    """What is installed three times as fast is there in a fraction of the time."""
    (at,) = (n for n, each in enumerate(builds.updates) if str(each.build) == "15.2.1118.26")
    medians = []
    for pace in (1.0, 3.0):
        faster = builds.pace.copy()
        faster[at] = pace
        rows = walked(replace(builds, pace=faster), HABITS, places=20_000)
        lag = (rows.first - builds.released[rows.build])[(rows.build == at) & (rows.first > FIRST)]
        medians.append(float(np.median(lag)))

    assert medians[1] < 0.6 * medians[0]


def test_exploited_flaws_are_closed_sooner_and_large_updates_later() -> None:
    """Updates against flaws that were exploited go fast, cumulative ones slowly."""
    made = drawn().builds
    pace = {str(each.build): pace for each, pace in zip(made.updates, made.pace, strict=True)}

    assert pace["15.2.792.10"] == pace["15.1.2507.16"] == HABITS.urgent  # ProxyLogon, NotShell
    assert pace["15.2.1544.4"] == HABITS.large  # CU14
    assert pace["15.2.1118.25"] == 1.0  # its flaw was found to be exploited in 2026


def test_hardly_anything_is_installed_over_the_holidays(builds: Builds) -> None:
    """From 20 December to 6 January a fraction is installed of what would be without holidays."""
    with_them, without = (
        installed(walked(builds, replace(HABITS, holidays=share), places=20_000))
        for share in (HABITS.holidays, 0.0)
    )

    def over_christmas(rows: Ints) -> float:
        dates = rows.astype("datetime64[D]")
        in_year = (dates - dates.astype("datetime64[Y]")).astype(np.int64)
        return float(((in_year >= 353) | (in_year <= 5)).mean())

    def in_august(rows: Ints) -> float:
        months = rows.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        return float((months % 12 == 7).mean())

    assert over_christmas(with_them) < 0.5 * over_christmas(without)
    assert in_august(with_them) < 0.85 * in_august(without)


def test_few_installations_fall_on_sundays(builds: Builds) -> None:
    """Sundays have less than half of what other days have."""
    weekday = Counter(((installed(walked(builds, HABITS)) + 3) % 7).tolist())

    assert weekday[6] < 0.5 * min(weekday[day] for day in range(6))


def test_updates_are_skipped_now_and_then(builds: Builds) -> None:
    """Without skipping more updates are installed than with it."""
    never = walked(builds, replace(HABITS, skipped=0.0))
    often = walked(builds, replace(HABITS, skipped=0.7))

    assert len(often.place) < 0.7 * len(never.place)


def test_lines_change_over_the_years(builds: Builds) -> None:
    """Years before, more servers had an older line; without migration they keep theirs."""

    def first_lines(habits: Habits) -> float:
        rows = walked(builds, habits)
        earliest = rows.build[rows.first == FIRST]
        lines = [builds.updates[each].line for each in earliest.tolist()]
        older = [line for line in lines if line.rank < ProductLine.V2016.rank]
        return len(older) / len(lines)

    assert first_lines(HABITS) > first_lines(replace(HABITS, migrated=0.0)) + 0.05


def cu_of(builds: Builds, at: int) -> tuple[ProductLine, str]:
    update: Update = builds.updates[at]
    return update.line, update.cu


def test_a_server_set_up_anew_begins_with_the_first_build_of_its_cu(builds: Builds) -> None:
    """For some days to weeks it has the build of its CU that came out first, and then its own."""
    rows = walked(builds, replace(HABITS, reinstalled=1.0, migrated=0.0))
    order = np.lexsort((rows.first, rows.place))
    place, build = rows.place[order], rows.build[order]
    span = (rows.last - rows.first)[order]
    found = 0
    for at in np.flatnonzero((place[2:] == place[:-2]) & (build[2:] == build[:-2])).tolist():
        middle = at + 1
        if builds.released[build[middle]] >= builds.released[build[at]]:
            continue  # the build between two times of the first one, or the same
        assert build[middle] == builds.first_of_cu[build[at]]
        assert cu_of(builds, build[middle]) == cu_of(builds, build[at])
        assert 5 <= span[middle] <= 20
        found += 1

    assert found > 500


@pytest.mark.parametrize("population", POPULATIONS)
def test_every_population_has_a_path_for_years(population: str) -> None:
    """From any shipped population one can go back as far as anything is simulated."""
    made = drawn(population, 200, 4500, 1)

    assert made.stays.first.min() == made.country.first
    assert date(1970, 1, 1) + timedelta(days=made.country.first) < date(2014, 1, 1)
