"""Courses of servers over time: how soon they are patched, who comes and goes; by hand."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from tests.census.asking import UNKNOWN, Document, asked, at, looks, stored
from tests.workflow.present import failed, other_product, seen

from patchstand.model import Knowledge, Record, Update

RELEASE = at("2024-03-12")
LACKS, HAS = "15.2.1544.4", "15.2.1544.9"
"""2019 CU14 as released in February, and with the update of 12 March 2024."""
CU_ONLY = "15.2.1544"
Spec = tuple[str, Iterable[int]]
Expected = tuple[int, int, int, int | None, int]
"""At risk, patched, not seen patched, days until the half was patched, left out."""
PATCHED_ON_5 = ((LACKS, range(-20, 5)), (HAS, range(5, 8)))
AFTER = [seen(99, "15.2.2562.17", RELEASE + timedelta(days=day)) for day in (-60, 28)]
"""Neither has nor lacks it: looks of these days only make the store older and newer."""


def course(number: int, specs: Iterable[Spec]) -> list[Record]:
    """What one server showed on days counted from the release."""
    return [look for build, days in specs for look in looks(number, build, RELEASE, days)]


def of_update(root: Path, day: str = "2024-04-10") -> Document:
    """The time to patch of the update of March 2024."""
    found: Document = asked(root, day, "--only", "time_to_patch")["time_to_patch"]["Mar24SU"]
    return found


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        # (at risk, events, censored, median, left out), beside one that was patched on day 5
        ([], (1, 1, 0, 5, 0)),
        ([(LACKS, range(-20, 3)), (HAS, range(3, 8))], (2, 2, 0, 3, 0)),
        ([(LACKS, range(-20, 21))], (2, 1, 1, 5, 0)),
        ([(LACKS, [0]), (HAS, [8])], (2, 2, 0, 5, 0)),
        ([(LACKS, [-14]), (HAS, [3])], (2, 2, 0, 3, 0)),
        ([(LACKS, [-15]), (HAS, [3])], (1, 1, 0, 5, 0)),
        ([(LACKS, [-15, 1]), (HAS, [3])], (1, 1, 0, 5, 0)),
        ([(LACKS, [8, 9])], (1, 1, 0, 5, 0)),
        ([(HAS, [8, 9])], (1, 1, 0, 5, 0)),
        ([(LACKS, range(-5, 0)), (HAS, [0, 1])], (1, 1, 0, 5, 0)),
        ([(LACKS, range(-5, 3)), (HAS, [3]), (LACKS, [4, 5, 9])], (2, 2, 0, 3, 0)),
        ([(LACKS, range(-5, 3)), (HAS, [26])], (2, 2, 0, 5, 0)),
        ([(LACKS, range(-5, 3)), (HAS, [40])], (2, 1, 1, 5, 0)),
        ([("15.1.2507.35", [-2, 0]), (HAS, [4])], (2, 2, 0, 4, 0)),
        ([("15.1.2375.37", [-2, 0, 9])], (2, 1, 1, 5, 0)),
        ([(LACKS, [-1, 1]), (CU_ONLY, [2]), (HAS, [3])], (2, 2, 0, 3, 0)),
        ([(LACKS, [-1, 1]), (UNKNOWN, [2, 20])], (2, 1, 1, 5, 0)),
        ([(UNKNOWN, [-2, 0]), (HAS, [3])], (1, 1, 0, 5, 1)),
        ([(CU_ONLY, [-1]), (HAS, [3])], (2, 2, 0, 3, 0)),
        ([(CU_ONLY, [0]), (HAS, [3])], (1, 1, 0, 5, 1)),
        ([("15.0.1497.48", [-1, 20])], (1, 1, 0, 5, 1)),
    ],
    ids=[
        "alone",
        "sooner",
        "never",
        "seen that day",
        "seen 14 days before",
        "seen 15 days before",
        "away on the day",
        "came later without",
        "came later with it",
        "has it on the day",
        "goes back",
        "silent and back",
        "patched after the day of the census",
        "to another line",
        "an old CU without a fix",
        "between the two",
        "unknown at the end",
        "unknown on the day",
        "a CU seen before the day lacks it",
        "a CU seen on the day may have it",
        "a line without the update",
    ],
)
def test_who_lacked_it_that_day_is_followed(
    tmp_path: Path, known: Knowledge, second: list[Spec], expected: Expected
) -> None:
    """At risk: who surely lacked it the day it came out; an event: the first look with it."""
    records = [*course(1, PATCHED_ON_5), *course(2, second), *AFTER]
    found = of_update(stored(tmp_path, records, known))

    names = ("at_risk", "events", "censored", "median", "left_out")
    assert tuple(found[name] for name in names) == expected
    assert (found["n"], found["of"]) == (found["events"], found["at_risk"])
    assert found["since"] == "2024-03-12"


def test_another_product_ends_the_following(tmp_path: Path, known: Knowledge) -> None:
    """A server that is no Exchange any more was last observed when it was one."""
    gone = [other_product(2, RELEASE + timedelta(days=day)) for day in (7, 9)]
    silent = [failed(2, RELEASE + timedelta(days=8))]
    lacking = course(2, [(LACKS, range(-20, 7))])
    records = [*course(1, PATCHED_ON_5), *lacking, *gone, *silent, *AFTER]
    found = of_update(stored(tmp_path, records, known))

    assert (found["events"], found["censored"], found["days_watched"]) == (1, 1, 5 + 6)


@pytest.mark.parametrize(("every", "width"), [(1, 1), (4, 4), (7, 7)])
def test_the_width_of_observation_is_stated(
    tmp_path: Path, known: Knowledge, every: int, width: int
) -> None:
    """With a look each week, nobody knows the day of the update closer than a week."""
    records = [
        look
        for number in range(9)
        for look in course(
            number, [(LACKS, range(-14, 14, every)), (HAS, range(-14 + 28, 29, every))]
        )
    ]
    assert of_update(stored(tmp_path, records, known))["interval_days"] == width


def test_a_flaw_told_later_than_its_fix_is_followed_from_then(
    tmp_path: Path, known: Knowledge
) -> None:
    """CVE-2023-36745 was told on 12 September, fixed since 8 August: early patchers had no risk."""
    first, old, new = at("2023-09-12"), "15.2.1258.16", "15.2.1258.23"
    records = [
        *looks(1, old, first, range(-60, -20)),
        *looks(1, new, first, range(-20, 20)),
        *looks(2, old, first, range(-60, 10)),
        *looks(2, new, first, range(10, 20)),
        *looks(3, old, first, range(-60, 20)),
    ]
    found = asked(stored(tmp_path, records, known), "2023-10-01")["time_to_patch"]

    flaw, update = found["CVE-2023-36745"], found["Aug23SU"]
    assert (flaw["since"], flaw["at_risk"], flaw["events"]) == ("2023-09-12", 2, 1)
    assert flaw["curve"][0][0] == 10
    assert (update["since"], update["at_risk"], update["events"]) == ("2023-08-08", 3, 2)
    assert [step[0] for step in update["curve"]] == [15, 45]


def test_two_updates_of_one_day_are_followed_apart(tmp_path: Path, known: Knowledge) -> None:
    """Of November 2023 and March 2024, a jump to the later one patches both on the same day."""
    old, both = "15.1.2507.34", "15.1.2507.37"
    records = [*looks(1, old, RELEASE, range(-150, 4)), *looks(1, both, RELEASE, [4, 5])]
    found = asked(stored(tmp_path, records, known), "2024-03-20")["time_to_patch"]

    steps = {name: found[name]["curve"][0][0] for name in ("Nov23SU", "Mar24SU")}
    assert steps == {"Nov23SU": (date(2024, 3, 16) - date(2023, 11, 14)).days, "Mar24SU": 4}


def estate(random: Random, known: Knowledge) -> list[Record]:
    """Servers of two lines with exact builds that install updates late, or vanish."""
    found: list[Record] = []
    for number in range(70):
        rows = [row for row in known.updates if row.line.value == random.choice(("2016", "2019"))]
        old = [row for row in rows if row.released < date(2023, 10, 1)][-12:]
        row, day = random.choice(old), random.randrange(30)
        every, until = random.choice((1, 2, 5, 9)), random.choice((60, 230, 230))
        while day < until:
            moment = at("2023-10-01", random.randrange(24)) + timedelta(days=day)
            newer = [one for one in rows if one.build > row.build and one.released <= moment.date()]
            if newer and random.random() < 0.05:
                row = random.choice(newer)
            found.append(seen(number, str(row.build), moment))
            day += every if random.random() < 0.97 else random.choice((15, 30))
    return found


def has(row: Update, family: str, known: Knowledge) -> bool:
    """Whether a build has an update: its own CU's row of it, or all that is newer than any."""
    rows = [one for one in known.updates if one.family == family and one.line == row.line]
    own = [one.build for one in rows if one.cu == row.cu]
    return row.build >= (min(own) if own else max(one.build for one in rows))


def plain_course(
    records: list[tuple[datetime, Update]], family: str, since: date, day: date, known: Knowledge
) -> tuple[int, bool] | None:
    """Days until a server was seen with the update, or was last seen; None: not at risk."""
    until = [(at.date(), row) for at, row in sorted(records, key=lambda each: each[0])]
    until = [(on, row) for on, row in until if on <= day]
    before = [(on, row) for on, row in until if on <= since]
    if not before or (since - before[-1][0]).days > 14 or has(before[-1][1], family, known):
        return None
    last_of_day = dict(until)
    fixed = [on for on, row in last_of_day.items() if on > since and has(row, family, known)]
    end = min(fixed) if fixed else max(until[-1][0], since)
    return (end - since).days, bool(fixed)


def plain_curve(courses: list[tuple[int, bool]]) -> list[tuple[int, float, float, float]]:
    """Kaplan-Meier with a 95 % band (Greenwood, log-log), of the share that is patched."""
    steps, left, spread = [], 1.0, 0.0
    events = Counter(day for day, patched in courses if patched)
    for day in sorted(events):
        risk = sum(1 for end, _ in courses if end >= day)
        left *= 1 - events[day] / risk
        if left == 0:
            steps.append((day, 1.0, 1.0, 1.0))
            continue
        spread += events[day] / (risk * (risk - events[day]))
        wide = 1.959964 * math.sqrt(spread) / math.log(left)
        steps.append((day, 1 - left, 1 - left ** math.exp(wide), 1 - left ** math.exp(-wide)))
    return steps


@pytest.mark.parametrize("seed", [1, 2])
def test_curves_equal_a_plain_computation(tmp_path: Path, known: Knowledge, seed: int) -> None:
    """On random courses: who is at risk, when they are patched, each step and its band."""
    records, day = estate(Random(seed), known), date(2024, 4, 20)
    by_build = {str(row.build): row for row in known.updates}
    servers: dict[str, list[tuple[datetime, Update]]] = {}
    for record in records:
        shown = by_build[record.evidence[0].text]
        servers.setdefault(record.target, []).append((record.observed_at, shown))
    found = asked(stored(tmp_path, records, known), day.isoformat())["time_to_patch"]

    for family in ("Oct23SU", "Nov23SU", "Mar24SU"):
        since = date.fromisoformat(found[family]["since"])
        each = (plain_course(one, family, since, day, known) for one in servers.values())
        courses = [one for one in each if one is not None]
        curve = plain_curve(courses)
        assert (found[family]["at_risk"], found[family]["events"]) == (
            len(courses),
            sum(patched for _, patched in courses),
        )
        assert found[family]["days_watched"] == sum(days for days, _ in courses)
        assert len(found[family]["curve"]) == len(curve)
        for got, plain in zip(found[family]["curve"], curve, strict=True):
            assert got == pytest.approx(plain, abs=1e-6)
        half = [step[0] for step in curve if step[1] >= 0.5]
        assert found[family]["median"] == (half[0] if half else None)


def movement(root: Path, day: int, days: int) -> dict[str, int]:
    """New, gone, back and moved as of a day counted from 10 September 2024."""
    on = (date(2024, 9, 10) + timedelta(days=day)).isoformat()
    found = asked(root, on, "--only", "movement", "--days", str(days))["movement"]
    return {name: found[name]["n"] for name in ("new", "gone", "back", "moved")}


def test_new_gone_and_back_have_half_open_days(tmp_path: Path, known: Knowledge) -> None:
    """Within the last 30 days: not the 30th before, but today; each server once."""
    first = at("2024-09-10")
    always = [look for n in range(5) for look in looks(n, LACKS, first, range(0, 120, 7))]
    root = stored(
        tmp_path,
        [
            *always,
            *looks(10, LACKS, first, range(40, 120, 7)),
            *looks(11, LACKS, first, range(0, 25, 4)),
            *looks(12, LACKS, first, [*range(0, 20, 3), *range(50, 120, 3)]),
        ],
        known,
    )
    still = {"new": 0, "gone": 0, "back": 0, "moved": 0}

    assert movement(root, 38, 30) == still | {"gone": 1}  # 12, last seen on day 18
    assert movement(root, 39, 30) == still | {"gone": 2}  # 11 as well, last seen on day 24
    assert movement(root, 40, 30) == still | {"new": 1, "gone": 2}
    assert movement(root, 50, 30) == still | {"new": 1, "gone": 1, "back": 1}
    assert movement(root, 68, 30) == still | {"new": 1, "gone": 1, "back": 1}
    assert movement(root, 69, 30) == still | {"new": 1, "back": 1}
    assert movement(root, 70, 30) == still | {"back": 1}
    assert movement(root, 80, 30) == still


def certified(records: list[Record], letter: str) -> list[Record]:
    """The same looks, with a certificate."""
    return [replace(record, certificate=letter * 64) for record in records]


def test_a_certificate_at_another_address_is_a_move(tmp_path: Path, known: Knowledge) -> None:
    """One that left its address is moved, neither new nor gone; one held by two is not."""
    first = at("2024-09-10")
    always = [look for n in range(5) for look in looks(n, LACKS, first, range(0, 120, 7))]
    moved = certified(looks(10, LACKS, first, range(0, 40, 5)), "a") + certified(
        looks(11, LACKS, first, range(40, 80, 5)), "a"
    )
    shared = certified(looks(20, LACKS, first, range(0, 80, 5)), "b") + certified(
        looks(21, LACKS, first, range(40, 80, 5)), "b"
    )
    root = stored(tmp_path, [*always, *moved, *shared], known)

    assert movement(root, 50, 30) == {"new": 1, "gone": 0, "back": 0, "moved": 1}
    assert movement(root, 69, 30) == {"new": 1, "gone": 0, "back": 0, "moved": 1}
