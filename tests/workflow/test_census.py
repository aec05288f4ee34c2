"""census as a whole: what it refuses, what it leaves out, and what changes nothing."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.census.worlds import World, world

from patchstand import knowledge
from patchstand.errors import ScopeError, StoreError, UsageError
from patchstand.model import (
    Evidence,
    EvidenceKind,
    Knowledge,
    Outcome,
    Permit,
    Place,
    Record,
)
from patchstand.report.as_json import encode
from patchstand.store.folder import Folder
from patchstand.store.writer import BatchWriter
from patchstand.workflow.census import CensusPlan, census
from patchstand.workflow.conclude import Concluding
from patchstand.workflow.store import Store, erase

NOON = datetime(2024, 9, 10, 12, tzinfo=UTC)
PATCHED, LACKING = "15.1.2507.39", "15.1.2507.35"


@pytest.fixture(scope="module")
def known() -> Knowledge:
    return knowledge.load()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, known: Knowledge) -> World:
    return world(tmp_path_factory.mktemp("world") / "store", known, 150, seed=9, days=120)


def look(number: int, build: str = LACKING, at: datetime = NOON) -> Record:
    return Record(
        target=f"240.0.0.{number}",
        ports="",
        address=None,
        observed_at=at,
        outcome=Outcome.ANSWERED,
        evidence=(Evidence(EvidenceKind.BUILD, build),),
        place=Place("DE", "DE-BY"),
    )


def stored(root: Path, known: Knowledge, records: list[Record], batch: str = "batch") -> Path:
    writer = BatchWriter(Folder.open(root, NOON), batch, journaled=False, segment_rows=5000)
    concluding = Concluding(known, NOON.date())
    for record in records:
        writer.add(record, concluding.of(record))
    writer.seal()
    return root


def printed(root: Path, day: date, override: Path | None = None) -> bytes:
    """Everything a census says, as bytes."""
    found = census(CensusPlan(root, day, override, with_series=True))
    return encode({"census": repr(found)})


def test_an_empty_store_is_said(tmp_path: Path) -> None:
    """Without any observation there is nothing to count, and that is said."""
    Folder.open(tmp_path / "store", NOON)

    with pytest.raises(UsageError, match="no observation yet"):
        census(CensusPlan(tmp_path / "store", NOON.date()))


def test_a_day_before_the_first_observation_is_said(tmp_path: Path, known: Knowledge) -> None:
    """Before anything was observed no figure is made up, in the same month and before it."""
    root = stored(tmp_path / "store", known, [look(1)])

    for day in (date(2024, 9, 9), date(2020, 1, 1)):
        with pytest.raises(UsageError, match="nothing was observed"):
            census(CensusPlan(root, day))


def test_one_observation_is_a_population_of_one(tmp_path: Path, known: Knowledge) -> None:
    """One server counts as one for 14 days after it was seen, and then no more."""
    root = stored(tmp_path / "store", known, [look(1)])

    sizes = [
        census(CensusPlan(root, NOON.date() + timedelta(days=days))).population
        for days in (0, 14, 15)
    ]

    assert sizes == [1, 1, 0]


def test_servers_nobody_knows_the_build_of_are_undetermined(
    tmp_path: Path, known: Knowledge
) -> None:
    """All undetermined: nothing is sure, everything is possible."""
    root = stored(tmp_path / "store", known, [look(n, "Microsoft Exchange") for n in range(7)])

    parts = census(CensusPlan(root, NOON.date())).parts

    assert parts["classes"]["undetermined"].n == 7
    for figure in (parts["classes"]["vulnerable"], parts["behind"]["6"], parts["rce"]):
        assert (figure.n, figure.n_high, figure.of) == (0, 7, 7)


def test_an_unknown_country_names_the_known_ones(tmp_path: Path, known: Knowledge) -> None:
    """A country without servers is refused, with those that have some."""
    root = stored(tmp_path / "store", known, [look(1)])

    assert census(CensusPlan(root, NOON.date(), country="DE")).population == 1
    with pytest.raises(UsageError, match="known: DE"):
        census(CensusPlan(root, NOON.date(), country="AT"))


def test_observations_for_other_purposes_are_refused(tmp_path: Path, known: Knowledge) -> None:
    """A scope without `census` among its purposes allows no census; one with it does."""
    permit = Permit("240.0.0.1", "scope", "statutory", "BSIG 15", ("inform",))
    told = replace(look(1), permit=permit)
    allowed = replace(permit, purposes=("inform", "census"))

    with pytest.raises(ScopeError, match="census"):
        census(CensusPlan(stored(tmp_path / "a", known, [told, look(2)]), NOON.date()))
    good = stored(tmp_path / "b", known, [replace(told, permit=allowed)])
    assert census(CensusPlan(good, NOON.date())).population == 1


def test_later_observations_for_other_purposes_refuse_no_earlier_day(
    tmp_path: Path, known: Knowledge
) -> None:
    """Up to the day before it a look counts for nothing, its permit included; then it does."""
    permit = Permit("240.0.0.1", "scope", "statutory", "BSIG 15", ("inform",))
    later = NOON + timedelta(days=4)
    allowed = replace(look(1), permit=replace(permit, purposes=("inform", "census")))
    told = replace(look(2, at=later), permit=permit)
    apart = stored(tmp_path / "a", known, [allowed])
    stored(apart, known, [told], "later")
    together = stored(tmp_path / "b", known, [allowed, told])

    for root in (apart, together):
        before = later.date() - timedelta(days=1)
        assert census(CensusPlan(root, before)).population == 1
        for day in (later.date(), later.date() + timedelta(days=30)):
            with pytest.raises(ScopeError, match="census"):
                census(CensusPlan(root, day))


def test_a_damaged_month_is_said_or_left_out_and_named(tmp_path: Path, known: Knowledge) -> None:
    """A damaged file ends the census; with skip_damaged its month is left out, and named."""
    later = NOON + timedelta(days=40)
    root = stored(tmp_path / "store", known, [look(1), look(2, at=later)])
    assert census(CensusPlan(root, later.date())).population == 1
    (path,) = (root / "observations" / "month=2024-09").glob("*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    path.write_bytes(content)

    with pytest.raises(StoreError, match="2024-09"):
        census(CensusPlan(root, later.date()))
    found = census(CensusPlan(root, later.date(), skip_damaged=True))
    assert [each.month for each in found.skipped] == ["2024-09"]
    assert found.population == 1


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 119))
def test_what_is_observed_later_changes_nothing(
    made: World, known: Knowledge, tmp_path_factory: pytest.TempPathFactory, at: int
) -> None:
    """A census of a day is the same, byte by byte, with and without what came after it."""
    first = min(record.observed_at for record in made.records).date()
    day = first + timedelta(days=at)
    until = [record for record in made.records if record.observed_at.date() <= day]
    root = stored(tmp_path_factory.mktemp("until") / "store", known, until)

    assert printed(root, day) == printed(made.root, day)


def test_what_becomes_known_later_changes_nothing(
    made: World, known: Knowledge, tmp_path: Path
) -> None:
    """Advisories published after a day do not change the figures of that day."""
    day = date(2024, 1, 20)
    rows = json.loads((files("patchstand.knowledge") / "data/cves.json").read_bytes())
    early = [row for row in rows["cves"] if row["known_from"] <= day.isoformat()]
    (tmp_path / "cves.json").write_text(json.dumps(rows | {"cves": early}), encoding="utf-8")

    assert 0 < len(early) < len(rows["cves"])
    assert printed(made.root, day, tmp_path) == printed(made.root, day)


def own_knowledge(folder: Path) -> Path:
    """Updates by which 15.2.1544.9 came out a day after NOON: nobody can have had it then."""
    rows = json.loads((files("patchstand.knowledge") / "data/updates.json").read_bytes())
    for row in rows["updates"]:
        if row["build"] == "15.2.1544.9":
            row["released"] = "2024-09-11"
    folder.mkdir()
    (folder / "updates.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


def test_other_knowledge_of_the_same_version_is_other_knowledge(
    tmp_path: Path, known: Knowledge
) -> None:
    """What servers are is concluded anew where files of one's own win; without them it is not."""
    root = stored(tmp_path / "store", known, [look(1, "15.2.1544.9", NOON)])

    shipped = census(CensusPlan(root, NOON.date()))
    own = census(CensusPlan(root, NOON.date(), own_knowledge(tmp_path / "own")))
    again = census(CensusPlan(root, NOON.date()))

    assert shipped.parts["classes"]["not_vulnerable"].n == 1
    assert own.parts["classes"]["undetermined"].n == 1
    assert own.knowledge == shipped.knowledge == known.version
    assert repr(again) == repr(shipped)


def test_what_was_concluded_with_own_knowledge_is_concluded_anew_without(
    tmp_path: Path, known: Knowledge
) -> None:
    """What a scan concluded with files of one's own is not what the shipped knowledge says."""
    own = knowledge.load(own_knowledge(tmp_path / "own"))
    roots = [
        stored(tmp_path / name, each, [look(1, "15.2.1544.9", NOON)])
        for name, each in (("shipped", known), ("by-own", own))
    ]

    assert repr(census(CensusPlan(roots[0], NOON.date()))) == repr(
        census(CensusPlan(roots[1], NOON.date()))
    )


def test_derived_tables_are_made_anew_on_demand(made: World) -> None:
    """The figures are the same from derived tables, without them, and made anew."""
    day = max(record.observed_at for record in made.records).date()
    from_cache = printed(made.root, day)
    (made.root / "derived").rename(made.root.parent / "derived-aside")
    without = printed(made.root, day)
    rebuilt = census(CensusPlan(made.root, day, with_series=True, rebuild=True))

    assert from_cache == without == encode({"census": repr(rebuilt)})


def test_an_erased_server_is_in_no_derived_table(tmp_path: Path, known: Knowledge) -> None:
    """After an erasure no derived table names the server, and it is not counted."""
    root = stored(tmp_path / "store", known, [look(1), look(2)])
    assert census(CensusPlan(root, NOON.date())).population == 2

    erase(Store(root), ["240.0.0.1"], "asked for by the operator", NOON)

    assert census(CensusPlan(root, NOON.date())).population == 1
    kept = b"".join(path.read_bytes() for path in (root / "derived").rglob("*") if path.is_file())
    assert b"240.0.0.1" not in kept
