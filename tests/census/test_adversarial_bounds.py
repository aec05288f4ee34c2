"""Bounds that were too sure, and shares that were none: by small stores made by hand."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from tests.census.asking import (
    LACKING,
    PATCHED,
    UNKNOWN,
    Document,
    asked,
    at,
    in_state,
    known_until,
    looks,
    pair,
    printed,
    stored,
)
from tests.workflow.present import seen

from patchstand.model import Knowledge, Place, Record, Source

FIRST = "2024-09-10"
START = at(FIRST)


def always(until: int = 120) -> list[Record]:
    """Five servers that never change."""
    return [look for n in range(900, 905) for look in looks(n, LACKING, START, range(0, until, 5))]


def movement(root: Path, day: int) -> Document:
    """The movement of 30 days, so many days after the first look."""
    on = (date.fromisoformat(FIRST) + timedelta(days=day)).isoformat()
    found: Document = asked(root, on, "--only", "movement")["movement"]
    return found


def test_the_gone_are_a_share_of_those_who_were_there(tmp_path: Path, known: Knowledge) -> None:
    """When 20 of 21 servers vanish, 20 of 21 are gone, not 20 of the one that is left."""
    records = [*[seen(n) for n in range(20)], *looks(50, LACKING, START, (0, 10, 20))]

    found = movement(stored(tmp_path / "s", records, known), 20)["gone"]

    assert (found["n"], found["of"]) == (20, 21)


def test_a_server_is_new_or_back_and_never_both(tmp_path: Path, known: Knowledge) -> None:
    """First seen 20 days ago, silent, and seen again today: new, once."""
    records = [*always(), *looks(1, LACKING, START, [30, 50])]

    found = movement(stored(tmp_path / "s", records, known), 50)

    assert (found["new"]["n"], found["back"]["n"]) == (1, 0)


def moving(leaves: int, arrives: int) -> list[Record]:
    """One server that takes its certificate to another address."""

    def certified(number: int, days: Iterable[int]) -> list[Record]:
        found = looks(number, LACKING, START, days)
        return [replace(look, certificate="a" * 64) for look in found]

    return [*always(), *certified(1, range(0, leaves, 5)), *certified(2, range(arrives, 120, 5))]


def test_a_move_is_a_move_whenever_it_is_asked_for(tmp_path: Path, known: Knowledge) -> None:
    """Who left takes its certificate along: no report calls it gone, and no late arrival new."""
    early = stored(tmp_path / "early", moving(40, 40), known)
    late = stored(tmp_path / "late", moving(40, 70), known)

    assert [movement(early, day)["gone"]["n"] for day in range(50, 90, 10)] == [0, 0, 0, 0]
    assert [movement(late, day)["new"]["n"] for day in range(70, 110, 10)] == [0, 0, 0, 0]
    assert movement(late, 85)["moved"]["n"] == 1


def test_the_first_round_makes_nobody_new(tmp_path: Path, known: Knowledge) -> None:
    """Servers first seen while the store is young may be new, and none surely is."""
    records = [seen(n, at=START + timedelta(days=n % 5)) for n in range(50)]
    root = stored(tmp_path / "s", records, known)

    assert pair(movement(root, 5)["new"]) == (0, 50)
    assert pair(movement(root, 0)["new"]) == (0, 10)


def test_the_end_of_support_counts_whom_it_may_concern(tmp_path: Path, known: Knowledge) -> None:
    """Servers of the line without a known build certainly, those of an unknown line possibly."""
    builds = [LACKING] * 6 + ["15.2.1544.99"] * 5 + [UNKNOWN] * 3
    root = stored(tmp_path / "s", [seen(n, b) for n, b in enumerate(builds)], known)

    found = asked(root, FIRST)

    (of_2019,) = [each for each in found["support_end"] if each["line"] == "2019"]
    assert pair(of_2019["servers"]) == pair(found["support"]["supported"]) == (11, 14)
    assert of_2019["days"] == (date(2025, 10, 14) - date.fromisoformat(FIRST)).days


def test_the_series_reaches_the_day_of_the_census(tmp_path: Path, known: Knowledge) -> None:
    """The last day of the series has the figures of the census, though nobody was seen on it."""
    root = stored(tmp_path / "s", [seen(n) for n in range(8)], known)

    found = asked(root, "2024-09-12", "--series")

    assert found["series"]["days"][-1] == "2024-09-12"
    assert found["series"]["population"][-1] == found["population"] == 8


def test_stale_knowledge_opens_the_upper_bounds(tmp_path: Path, known: Knowledge) -> None:
    """Past a patch day that the knowledge does not cover, anything may be open on any server."""
    override = known_until(tmp_path / "knowledge", "2024-02-20")
    root = stored(tmp_path / "s", looks(1, "15.2.1544.4", at("2024-05-01"), [0]), known)

    found = asked(root, "2024-05-01", "--knowledge", override)

    assert found["stale"] is True
    bounds = [found[name] for name in ("any_cve", "rce", "known_exploited")]
    assert [pair(each) for each in (*bounds, found["behind"]["1"])] == [(0, 1)] * 4
    assert pair(found["behind"]["3"]) == (0, 0)  # the unknown patch day is 7 weeks old
    assert found["situation"]["level_high"] == "critical"


def test_the_step_lies_between_lacking_and_having(tmp_path: Path, known: Knowledge) -> None:
    """Looks that leave open whether the update is in do not make the step narrower."""
    release = at("2024-03-12")
    records = [
        *looks(1, "15.2.1544.4", release, [-1, 1]),
        *looks(1, "15.2.1544", release, [2, 3, 4]),
        *looks(1, "15.2.1544.9", release, [5, 6]),
        seen(9, "15.2.2562.17", at("2024-01-10")),
    ]

    found = asked(stored(tmp_path / "s", records, known), "2024-03-20")["time_to_patch"]

    assert found["Mar24SU"]["interval_days"] == 4


def test_days_of_exposure_are_those_of_the_exposed(tmp_path: Path, known: Knowledge) -> None:
    """A server that has been patched since has no part in them."""
    first = at("2022-09-30")
    records = [
        *looks(1, "15.2.1118.12", first, range(41)),
        *looks(1, "15.2.1118.20", first, range(41, 60)),
    ]

    found = asked(stored(tmp_path / "s", records, known), "2022-11-20")["exposed"]

    assert found["n"] == 0
    assert found["server_days"] == {"low": 0, "high": 0}
    assert found["median_days"] == {"certain": 0, "possible": 0}


def test_no_pair_of_sources_estimates_fewer_than_were_seen(
    tmp_path: Path, known: Knowledge
) -> None:
    """A third source saw servers that two others did not: their estimate is raised to them."""
    sources = {
        Source.SCAN: range(50),
        Source.MAIL: range(60),
        Source.SHADOWSERVER: [*range(50), *range(60, 70)],
    }
    records = [
        replace(seen(n), source=source) for source, numbers in sources.items() for n in numbers
    ]

    found = asked(stored(tmp_path / "s", records, known), FIRST)["unseen"]

    assert found["seen"] == 70
    assert all(each["low"] >= 70 for each in found["pairs"])


def test_a_country_with_few_servers_is_not_told(tmp_path: Path, known: Knowledge) -> None:
    """Figures of two servers would point at them, as a federal state with two would."""
    two = [replace(seen(80 + n), place=Place("AT", "AT-9", 1, "health")) for n in range(2)]
    root = stored(tmp_path / "s", [*in_state("DE-BY", range(20)), *two], known)

    code, out, said = printed(root, FIRST, "--country", "AT")

    assert (code, out) == (2, b"")
    assert "fewer than 5" in said


def test_withheld_cells_do_not_follow_from_the_others(tmp_path: Path, known: Knowledge) -> None:
    """One small cell takes another one with it, and the sum of both is no small one."""
    records = [
        *in_state("DE-BY", range(20)),
        *in_state("DE-HB", range(20, 21)),
        *in_state("DE-HB", range(21, 31), PATCHED),
        *in_state("DE-SL", range(31, 32)),
        *in_state("DE-SL", range(32, 42), PATCHED),
    ]

    found = asked(stored(tmp_path / "s", records, known), FIRST)["states"]

    assert [found[state]["rce"].get("suppressed") for state in sorted(found)] == [True] * 3
