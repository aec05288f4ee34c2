"""Definitions that decide figures, each on a store small enough to count by hand."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from pathlib import Path

import pytest
from tests.census.asking import (
    LACKING,
    PATCHED,
    UNKNOWN,
    Pair,
    asked,
    at,
    in_state,
    known_until,
    looks,
    pair,
    printed,
    stored,
)
from tests.workflow.present import failed, other_product, seen

from patchstand.model import Knowledge, Record, Source

NO, MAYBE, YES = (0, 0), (0, 1), (1, 1)


def populations(root: Path, *days: str) -> list[int]:
    """How many servers there are on each day; 0 where the program says that there is none."""
    found = [printed(root, day, "--only", "classes") for day in days]
    assert all(code == 0 or "no server was seen" in err for code, _, err in found)
    return [json.loads(out)["population"] if code == 0 else 0 for code, out, _ in found]


def test_days_end_at_midnight_utc(tmp_path: Path, known: Knowledge) -> None:
    """A server counts from the UTC day of its look to the 14th day after it, and no longer."""
    berlin = timezone(timedelta(hours=2))
    last = datetime(2024, 9, 10, 23, 59, 59, 999999, tzinfo=UTC)
    moments = (last, last + timedelta(microseconds=1), datetime(2024, 9, 11, 1, 30, tzinfo=berlin))
    root = stored(tmp_path, [seen(n, at=moment) for n, moment in enumerate(moments)], known)

    days = ("2024-09-10", "2024-09-11", "2024-09-24", "2024-09-25", "2024-09-26")

    assert populations(root, *days) == [2, 3, 3, 1, 0]


@pytest.mark.parametrize(
    ("morning", "evening", "vulnerable"),
    [
        (seen(1, LACKING), seen(1, PATCHED), [0]),
        (seen(1, PATCHED), seen(1, LACKING), [1]),
        (seen(1, LACKING), failed(1, at("2024-09-10")), [1]),
        (other_product(1, at("2024-09-10")), seen(1, LACKING), [1]),
        (seen(1, LACKING), other_product(1, at("2024-09-10")), []),
        (seen(1, LACKING), seen(1, PATCHED, target="mail.example.org"), [0]),
        (seen(1, LACKING), replace(seen(1, PATCHED), ports=""), [0]),
    ],
    ids=["patched", "rolled back", "failed", "became one", "was one", "by name", "usual port"],
)
def test_the_last_look_of_a_day_decides(
    tmp_path: Path, known: Knowledge, morning: Record, evening: Record, vulnerable: list[int]
) -> None:
    """Later looks at one address and port replace earlier ones; failed looks replace nothing."""
    day = "2024-09-10"
    pairs = (replace(morning, observed_at=at(day, 8)), replace(evening, observed_at=at(day, 16)))
    root = stored(tmp_path, [*reversed(pairs), seen(2, LACKING, at(day))], known)

    found = asked(root, day, "--only", "classes")

    assert found["population"] == 1 + len(vulnerable)
    assert pair(found["classes"]["vulnerable"]) == (1 + sum(vulnerable),) * 2


@pytest.mark.parametrize(
    ("one", "other", "classes"),
    [
        (seen(1, LACKING), seen(1, PATCHED), {"vulnerable"}),
        (seen(1, UNKNOWN), seen(1, PATCHED), {"undetermined"}),
        (seen(1, LACKING), seen(1, UNKNOWN), {"vulnerable"}),
        (seen(1, PATCHED), other_product(1, at("2024-09-10")), {"not_vulnerable"}),
        (seen(1, LACKING), failed(1, at("2024-09-10")), {"vulnerable"}),
        (seen(1, "15.1.2507.39"), seen(1, "15.1.2507.6"), {"vulnerable"}),
    ],
    ids=["patched", "unknown", "both bad", "other product", "failed", "both vulnerable"],
)
def test_of_looks_at_one_moment_the_worst_decides(
    tmp_path: Path, known: Knowledge, one: Record, other: Record, classes: set[str]
) -> None:
    """Whatever comes first, and whether two reports say it or one: the same, and the worse."""
    batches = ("20240910T083000Z-00000a", "20240910T083000Z-00000b")
    moment, day = at("2024-09-10"), "2024-09-10"
    pair = [replace(each, observed_at=moment) for each in (one, other)]
    bystander = seen(2, PATCHED, moment)
    found = []
    for n, (first, second) in enumerate((pair, pair[::-1])):
        apart = stored(tmp_path / f"apart-{n}", [first, bystander], known, batches[0])
        stored(apart, [second], known, batches[1])
        together = stored(tmp_path / f"together-{n}", [first, second, bystander], known)
        found += [asked(root, day) for root in (apart, together)]

    assert all(each == found[0] for each in found)
    assert found[0]["population"] == 2
    shares = found[0]["classes"]
    assert {name for name in shares if shares[name]["n"]} == classes | {"not_vulnerable"}
    worse = asked(stored(tmp_path / "alone", [pair[0], bystander], known), day)["behind"]
    assert one.evidence or found[0]["behind"] == worse


def test_a_failed_look_prolongs_nothing(tmp_path: Path, known: Knowledge) -> None:
    """Fourteen days count from the last look that showed an Exchange server."""
    later = at("2024-09-20")
    root = stored(tmp_path, [seen(1, at=at("2024-09-10")), failed(1, later)], known)

    assert populations(root, "2024-09-24", "2024-09-25") == [1, 0]


def test_an_address_has_as_many_servers_as_ports(tmp_path: Path, known: Knowledge) -> None:
    """Two ports of one address are two servers, each with its own build."""
    other = replace(seen(1, PATCHED), ports="https=8443")
    found = asked(stored(tmp_path, [seen(1, LACKING), other], known), "2024-09-10")

    assert found["population"] == 2
    assert pair(found["classes"]["vulnerable"]) == (1, 1)


@pytest.mark.parametrize("build", ["15.20.7595.16", "15.21.1.1"])
def test_exchange_online_is_never_counted(tmp_path: Path, known: Knowledge, build: str) -> None:
    """Servers of Exchange Online are no servers of anybody's own."""
    root = stored(tmp_path, [*looks(1, build, at("2024-09-10"), [0]), seen(2)], known)

    assert asked(root, "2024-09-10")["population"] == 1


@pytest.mark.parametrize(
    ("build", "line"),
    [
        ("14.3.513.0", "2010"),
        ("15.0.1497.48", "2013"),
        ("15.1.2507.39", "2016"),
        ("15.2.1748.39", "2019"),
        ("15.2.2561.1", "2019"),
        ("15.2.2562.17", "SE"),
    ],
)
def test_the_line_follows_from_the_build(
    tmp_path: Path, known: Knowledge, build: str, line: str
) -> None:
    """15.2 is 2019 below build 2562, and SE from there on."""
    root = stored(tmp_path, looks(1, build, at("2025-11-20"), [0]), known)
    found = asked(root, "2025-11-20", "--only", "lines")

    assert {name: pair(figure) for name, figure in found["lines"].items()} == {line: YES}


@pytest.mark.parametrize(
    ("build", "seen_on", "day", "vulnerable", "behind"),
    [
        # CU12 until January 2023: April 2022 to Jan23SU, of which the last lacks nothing
        ("15.2.1118", "2023-01-15", "2023-01-20", MAYBE, {1: MAYBE, 6: MAYBE, 12: NO}),
        ("15.2.1118", "2023-02-10", "2023-02-13", MAYBE, {1: MAYBE, 6: MAYBE, 12: NO}),
        # on 14 February all of them lack Feb23SU: it came after the evidence
        ("15.2.1118", "2023-02-10", "2023-02-14", YES, {1: MAYBE, 6: MAYBE, 12: NO}),
        # seen on the day itself, it may have what came out that day
        ("15.2.1118", "2022-08-08", "2022-08-09", YES, {1: MAYBE, 2: MAYBE, 3: NO}),
        ("15.2.1118", "2022-08-09", "2022-08-09", MAYBE, {1: MAYBE, 2: MAYBE, 3: NO}),
        # no update for CU12 after Nov23SU: from Mar24SU on, all of CU12 lacks it
        ("15.2.1118", "2024-03-10", "2024-03-11", MAYBE, {1: MAYBE, 22: MAYBE, 23: NO}),
        ("15.2.1118", "2024-03-12", "2024-03-12", YES, {1: MAYBE, 22: MAYBE, 23: NO}),
        ("15.2.1118", "2024-04-12", "2024-04-12", YES, {1: YES, 2: MAYBE, 23: MAYBE}),
        # not a published build: SP3 RU30 or a later one, but none that came after the evidence
        ("14.3.487.0", "2020-05-15", "2020-05-20", NO, {1: NO}),
        # seen before it came out, and newer than any: no build
        ("15.2.2562.17", "2025-06-25", "2025-07-01", MAYBE, {1: MAYBE, 24: MAYBE}),
        ("15.2.2562.17", "2025-07-01", "2025-07-01", NO, {1: NO}),
        ("15.2.2562.99", "2026-10-14", "2026-10-14", MAYBE, {1: MAYBE, 24: MAYBE}),
        (UNKNOWN, "2024-09-10", "2024-09-12", MAYBE, {1: MAYBE, 24: MAYBE}),
    ],
)
def test_what_came_out_after_the_evidence_is_no_member(
    tmp_path: Path,
    known: Knowledge,
    *,
    build: str,
    seen_on: str,
    day: str,
    vulnerable: Pair,
    behind: dict[int, Pair],
) -> None:
    """Low: all builds that the server could have when it was seen; high: any of them."""
    root = stored(tmp_path, looks(1, build, at(seen_on), [0]), known)

    found = asked(root, day, "--only", "classes,behind", "--months", ",".join(map(str, behind)))

    assert pair(found["classes"]["vulnerable"]) == vulnerable
    assert {int(n): pair(figure) for n, figure in found["behind"].items()} == behind


def test_months_end_on_the_same_day_or_on_the_last(tmp_path: Path, known: Knowledge) -> None:
    """After an update of 31 October: one month on 30 November, four on 29 February."""
    rows = json.loads((files("patchstand.knowledge") / "data/updates.json").read_bytes())
    for row in rows["updates"]:
        if row["build"] == "15.1.2507.35":
            row["released"] = "2023-10-31"
    override = tmp_path / "knowledge"
    override.mkdir()
    (override / "updates.json").write_text(json.dumps(rows), encoding="utf-8")
    days = {"2023-11-29": 0, "2023-11-30": 1, "2024-02-28": 3, "2024-02-29": 4, "2024-03-30": 4}
    records = [look for day in days for look in looks(1, "15.1.2507.34", at(day), [0])]
    root = stored(tmp_path / "store", records, known)

    for day, months in days.items():
        words = ("--only", "behind", "--months", "1,2,3,4,5", "--knowledge", override)
        found = asked(root, day, *words)["behind"]
        assert sum(figure["n"] for figure in found.values()) == months, day


def test_undetermined_is_a_class_of_its_own(tmp_path: Path, known: Knowledge) -> None:
    """It is part of no other lower bound, and of both upper ones."""
    builds = [LACKING] * 1 + [PATCHED] * 2 + [UNKNOWN] * 3
    records = [seen(number, build) for number, build in enumerate(builds)]

    found = asked(stored(tmp_path, records, known), "2024-09-10", "--only", "classes")["classes"]

    assert {name: pair(figure) for name, figure in found.items()} == {
        "vulnerable": (1, 4),
        "undetermined": (3, 3),
        "not_vulnerable": (2, 5),
    }


@pytest.mark.parametrize(
    ("build", "day", "phase", "vulnerable"),
    [
        ("15.1.2507.61", "2025-10-14", "supported", MAYBE),  # Extended Protection, from outside
        ("15.2.1748.39", "2025-10-14", "supported", NO),
        ("15.2.1748.39", "2025-10-15", "esu", MAYBE),
        ("15.2.1258.39", "2025-10-15", "ended", YES),
        ("15.1.2375.37", "2025-10-15", "ended", YES),
        ("15.2.1748.43", "2026-04-14", "esu", MAYBE),
        ("15.2.1748.43", "2026-04-15", "ended", MAYBE),
        ("15.2.1748.43", "2026-04-30", "ended", MAYBE),
        ("15.2.1748.43", "2026-05-01", "esu", MAYBE),
        ("15.2.1748.55", "2026-10-31", "esu", MAYBE),
        ("15.2.1748.55", "2026-11-01", "ended", MAYBE),
        ("15.2.2562.56", "2026-10-13", "supported", NO),
    ],
)
def test_support_goes_by_cumulative_update_and_period(
    tmp_path: Path, known: Knowledge, *, build: str, day: str, phase: str, vulnerable: Pair
) -> None:
    """Past public support none is "not vulnerable"; unsupported are those of ESU and ended."""
    root = stored(tmp_path, looks(1, build, at(day), [0]), known)
    found = asked(root, day, "--only", "classes,support")

    support = {name: pair(figure) for name, figure in found["support"].items()}
    unsupported = NO if phase == "supported" else YES
    expected = dict.fromkeys(("supported", "esu", "ended"), NO) | {phase: YES}
    assert support == expected | {"unsupported": unsupported}
    assert pair(found["classes"]["vulnerable"]) == vulnerable


def test_after_a_patch_day_beyond_the_knowledge_nobody_is_fine(
    tmp_path: Path, known: Knowledge
) -> None:
    """With knowledge until 20 February 2024, 12 March is the first day without a good verdict."""
    override = known_until(tmp_path / "knowledge", "2024-02-20")
    good, days = "15.2.1544.4", ("2024-03-11", "2024-03-12")
    root = stored(tmp_path / "store", looks(1, good, at("2024-03-11"), [0, 1]), known)

    before, after = (asked(root, day, "--knowledge", override) for day in days)

    assert (before["stale"], after["stale"]) == (False, True)
    assert before["covered_until"] == after["covered_until"] == "2024-02-20"
    assert pair(before["classes"]["not_vulnerable"]) == YES
    assert pair(after["classes"]["not_vulnerable"]) == MAYBE
    assert pair(after["classes"]["undetermined"]) == YES


@pytest.mark.parametrize(
    ("build", "day", "any_cve", "rce", "exploited"),
    [
        # ProxyNotShell, listed on 30 September 2022, fixed in November
        ("15.2.1118.15", "2022-10-20", YES, YES, YES),
        ("15.1.2507.13", "2022-10-20", YES, YES, YES),
        # five flaws of January 2023, none of them exploited or running code
        ("15.1.2507.16", "2023-01-20", YES, NO, NO),
        # those of August 2022 are closed by a setting that cannot be seen
        ("15.2.1118.20", "2022-11-20", MAYBE, NO, NO),
        # ADV190004 and ADV190007: nobody says whether code runs
        ("14.3.435.0", "2019-02-20", YES, MAYBE, NO),
        # Extended Protection cannot be seen: CVE-2024-21410, exploited, no code
        ("15.1.2507.39", "2024-09-10", MAYBE, NO, MAYBE),
    ],
)
def test_flaws_count_by_what_is_known_of_them(
    tmp_path: Path,
    known: Knowledge,
    *,
    build: str,
    day: str,
    any_cve: Pair,
    rce: Pair,
    exploited: Pair,
) -> None:
    """Unknown kind and unseen settings count for the upper bound only."""
    root = stored(tmp_path, looks(1, build, at(day), [0]), known)
    found = asked(root, day, "--only", "flaws,exposed")

    shown = [pair(found[name]) for name in ("any_cve", "rce", "known_exploited", "exposed")]
    assert shown == [any_cve, rce, exploited, exploited]


def test_a_flaw_is_exploited_from_the_day_it_is_listed(tmp_path: Path, known: Knowledge) -> None:
    """Two days before the list has ProxyNotShell, nothing is exploited; then days are counted."""
    root = stored(tmp_path, looks(1, "15.2.1118.12", at("2022-09-28"), range(10)), known)

    found = [
        asked(root, day, "--only", "exposed")["exposed"]
        for day in ("2022-09-29", "2022-09-30", "2022-10-04")
    ]

    assert [figure["n"] for figure in found] == [0, 1, 1]
    assert [figure["server_days"] for figure in found] == [
        {"low": days, "high": days} for days in (0, 1, 5)
    ]


def test_days_in_which_nobody_stood_there_are_no_exposure(tmp_path: Path, known: Knowledge) -> None:
    """Seen on days 0 and 40, as of day 41: 15 days with the window, and two."""
    root = stored(tmp_path, looks(1, "15.2.1118.12", at("2022-10-10"), (0, 40)), known)

    found = asked(root, "2022-11-20", "--only", "exposed")["exposed"]

    assert found["server_days"] == found["longest_days"] == {"low": 17, "high": 17}


def test_the_own_scale_has_the_stated_steps(tmp_path: Path, known: Knowledge) -> None:
    """Each step begins with its share: 5 %, 15 %, 30 % of the servers surely exploitable."""
    shares = {0: "calm", 4: "calm", 5: "strained", 14: "strained", 15: "serious", 29: "serious",
              30: "critical"}  # fmt: skip
    for share, level in shares.items():
        builds = ["15.2.1118.12"] * share + ["15.2.1118.20"] * (100 - share)
        records = [seen(n, build, at("2022-11-20")) for n, build in enumerate(builds)]
        found = asked(
            stored(tmp_path / str(share), records, known), "2022-11-20", "--only", "situation"
        )
        assert found["situation"]["level"] == level, share


def captured(first: int, until: int, source: Source) -> list[Record]:
    """Servers by number, seen by one source."""
    return [replace(seen(number), source=source) for number in range(first, until)]


def test_unseen_servers_are_estimated_from_what_two_sources_share(
    tmp_path: Path, known: Knowledge
) -> None:
    """Chapman by hand: of 10 and 15 servers 5 are the same, 11 * 16 / 6 - 1 = 28.3."""
    records = captured(0, 10, Source.SCAN) + captured(5, 20, Source.MAIL)
    found = asked(stored(tmp_path, records, known), "2024-09-10", "--only", "unseen")["unseen"]

    (two,) = found["pairs"]
    assert (two["only_a"] + two["both"], two["only_b"] + two["both"]) == (15, 10)
    assert (two["both"], two["estimate"], found["estimate"], found["seen"]) == (5, 28, 28, 20)
    deviation = (11 * 16 * 5 * 10 / (6**2 * 7)) ** 0.5
    assert found["low"] == 20  # fewer than have been seen there cannot be
    assert abs(found["high"] - (28.333 + 1.96 * deviation)) < 1
    assert found["assumptions"]


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (captured(0, 10, Source.SCAN), "one_source"),
        (captured(0, 10, Source.NMAP) + captured(5, 15, Source.SHADOWSERVER), "one_source"),
        (captured(0, 10, Source.SCAN) + captured(10, 20, Source.MAIL), "no_overlap"),
    ],
    ids=["one", "two of a kind", "strangers"],
)
def test_without_an_overlap_of_independent_sources_nothing_is_estimated(
    tmp_path: Path, known: Knowledge, records: list[Record], why: str
) -> None:
    """One source, two imports, or two that share nobody: no number, and the reason."""
    found = asked(stored(tmp_path, records, known), "2024-09-10", "--only", "unseen")["unseen"]

    assert (found["estimate"], found["low"], found["high"], found["why"]) == (None, None, None, why)


def test_small_places_are_named_nowhere(tmp_path: Path, known: Knowledge) -> None:
    """A state with four servers is part of the others; in one with twelve, four are withheld."""
    records = [
        *in_state("DE-BY", range(20)),
        *in_state("DE-HB", range(20, 24)),
        *in_state(None, range(24, 31), PATCHED),
        *in_state("DE-SL", range(31, 35)),
        *in_state("DE-SL", range(35, 43), PATCHED),
    ]
    found = asked(stored(tmp_path, records, known), "2024-09-10", "--only", "states")["states"]

    assert {name: row["population"] for name, row in found.items()} == {
        "DE-BY": 20,
        "DE-SL": 12,
        "other": 11,
    }
    assert found["DE-SL"]["vulnerable"] == {
        "suppressed": True,
        "of": 12,
        "rule": "class_vulnerable",
    }
    assert "DE-HB" not in json.dumps(found)
