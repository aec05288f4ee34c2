"""Vulnerable servers leave the store: who is in the list, under which name, in which form."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.certificates import NOW, Person
from tests.workflow.present import DAY, OLD, PATCHED, seen, store_with

from patchstand.assess import judge
from patchstand.errors import UsageError
from patchstand.identify import identify
from patchstand.model import (
    Assessment,
    Build,
    Evidence,
    EvidenceKind,
    Identity,
    Knowledge,
    Place,
    ProductLine,
    Record,
)
from patchstand.observe.importers.shadowserver import IMPORTER
from patchstand.report.harmonization import problems
from patchstand.report.shadowserver import COLUMNS
from patchstand.store.folder import Folder
from patchstand.store.present import window
from patchstand.store.state import State
from patchstand.workflow.export import (
    Export,
    Naming,
    export_sealed,
    export_to_file,
    export_to_stream,
)
from patchstand.workflow.judged import vulnerable
from patchstand.workflow.store import Store

OWN = Naming("anna", "list for our patch day", own=True)
TODAY = DAY.date()
FIRST = ProductLine.V2013
"""From this line on three parts name a cumulative update."""
HOSTILE = ['a,b"c', "=1+1", "@SUM(A1)", "line\nbreak", "\tx", "'", ";", "ä€", "<script>"]


def exported(store: Store, form: str, naming: Naming | None = None, as_of: date = TODAY) -> bytes:
    sink = io.BytesIO()
    export_to_stream(Export(store, window(None, as_of), form, naming), sink, NOW)
    return sink.getvalue()


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def events(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def imported(content: bytes, folder: Path) -> list[Record]:
    path = folder / "2024-09-10-scan_exchange-test.csv"
    path.write_bytes(content)
    found = list(IMPORTER.read(path))
    assert all(isinstance(each, Record) for each in found)
    return [each for each in found if isinstance(each, Record)]


@pytest.fixture
def store(tmp_path: Path, known: Knowledge) -> Store:
    """Two vulnerable servers and one that lacks nothing, all one's own."""
    looks = [
        seen(1, authority="own"),
        seen(2, "15.2.1118", target="mail.stadtwerke.de", authority="own"),
        seen(3, PATCHED, authority="own"),
    ]
    return store_with(tmp_path / "s", known, looks)


def test_only_vulnerable_servers_leave(store: Store) -> None:
    """A server that lacks nothing as of the day is in neither list."""
    assert [each["ip"] for each in rows(exported(store, "shadowserver", OWN))] == [
        "9.9.0.1",
        "9.9.0.2",
    ]
    assert [each["source.ip"] for each in events(exported(store, "intelmq", OWN))] == [
        "9.9.0.1",
        "9.9.0.2",
    ]


def test_servers_are_judged_anew(tmp_path: Path, known: Knowledge) -> None:
    """What was stored as not vulnerable is in the list a day after the next update came out."""
    build = "15.2.1544.11"
    store = store_with(tmp_path / "s", known, [seen(1, build, DAY + timedelta(days=55))])
    release = date(2024, 11, 12)

    before = exported(store, "shadowserver", as_of=release - timedelta(days=1))
    after = exported(store, "shadowserver", as_of=release)

    assert (len(rows(before)), len(rows(after))) == (0, 1)
    assert before.startswith(b'"timestamp","severity"')


def test_what_is_seen_later_changes_nothing(tmp_path: Path, known: Knowledge) -> None:
    """The same bytes, whatever was observed after the day."""
    store = store_with(tmp_path / "s", known, [seen(1), seen(2)])
    before = [exported(store, form) for form in ("shadowserver", "intelmq")]
    later = [seen(1, PATCHED, DAY + timedelta(1)), seen(9, OLD, DAY + timedelta(2))]
    store_with(tmp_path / "s", known, later, "20240912T083000Z-3fa9c1")

    assert [exported(store, form) for form in ("shadowserver", "intelmq")] == before


def test_the_importer_reads_the_same_servers_and_builds(tmp_path: Path, known: Knowledge) -> None:
    """For each published build, and each set behind three parts, the way there and back is none."""
    out = [row for row in known.updates if row.released <= TODAY]
    shown = [str(row.build) for row in out]
    shown += sorted({str(Build(row.build.cu_key)) for row in out if row.line.rank >= FIRST.rank})
    looks = [seen(number, build, authority="own") for number, build in enumerate(shown)]
    store = store_with(tmp_path / "s", known, looks)
    with store.open() as (folder, _):
        judged = vulnerable(folder, window(None, TODAY), known, None)

    records = imported(exported(store, "shadowserver", OWN), tmp_path)

    assert len(judged) > 400
    assert [(each.target, each.ports) for each in records] == [
        (each.address, "") for each in judged
    ]
    read = [identify(each.evidence, known, TODAY).nodes[0].builds for each in records]
    assert read == [each.verdict.identity.builds for each in judged]
    assert {len(builds) > 1 for builds in read} == {True, False}
    assert {each.observed_at for each in records} == {DAY}


def test_the_form_is_the_one_of_scan_exchange(store: Store) -> None:
    """17 columns in order, every cell in quotes, line feeds, times without a zone, tags sorted."""
    content = exported(store, "shadowserver", OWN)
    first, second = rows(content)

    lines = content.decode().split("\n")
    assert lines[0] == ",".join(f'"{name}"' for name in COLUMNS)
    assert (len(COLUMNS), len(lines), lines[-1]) == (17, 4, "")
    assert "\r" not in content.decode()
    assert all(line.count('","') == 16 for line in lines[:-1])
    assert first["timestamp"] == "2024-09-10 08:30:00"
    assert (first["version"], second["version"]) == ("15.2.1118.7", "15.2.1118")
    tags = first["tag"].split(";")
    assert tags[0] == "exchange"
    assert tags[1:] == sorted(tags[1:]) == [each.lower() for each in tags[1:]]
    assert "cve-2024-26198" in tags
    assert (first["severity"], first["protocol"], first["port"]) == ("critical", "tcp", "443")
    assert (second["hostname"], second["url"]) == (
        "mail.stadtwerke.de",
        "https://mail.stadtwerke.de/",
    )
    assert (first["asn"], first["geo"], first["region"]) == ("64500", "DE", "DE-BY")


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_stay_in_their_cell(value: str, tmp_path: Path, known: Knowledge) -> None:
    """Commas, quotes, line breaks and formulas of others break neither form."""
    one = seen(1, authority="own")
    looks = [
        replace(one, place=replace(one.place, sector=value, state=value)),
        seen(2, authority="own"),
    ]
    store = store_with(tmp_path / "s", known, looks)

    content = exported(store, "shadowserver", OWN)
    first, _ = rows(content)
    found = events(exported(store, "intelmq", OWN))

    formula = value.startswith(("=", "@", "\t"))
    assert first["sector"] == ("'" + value if formula else value)
    assert [each.target for each in imported(content, tmp_path)] == ["9.9.0.1", "9.9.0.2"]
    assert [problem for each in found for problem in problems(each)] == []


def test_events_are_valid_and_say_what_a_notice_needs(store: Store) -> None:
    """Each event fits the harmonization; product, age, certainty and CVEs are there."""
    first, second = events(exported(store, "intelmq", OWN))

    assert problems(first) == problems(second) == []
    assert first["time.source"] == "2024-09-10T08:30:00+00:00"
    assert (first["product.vendor"], first["product.name"]) == ("microsoft", "exchange_server")
    assert first["product.version"] == "15.2.1118.7"
    assert first["product.full_name"] == "Microsoft Exchange Server 2019 CU12"
    assert "product.version" not in second
    assert "cve-2024-26198" in first["product.vulnerabilities"].split(";")
    assert (first["extra.patch_date"], first["extra.behind_since"]) == ("2022-04-20", "2022-05-10")
    assert first["extra.days_behind"] == (TODAY - date(2022, 5, 10)).days
    assert (first["extra.confidence"], second["extra.confidence"]) == ("high", "medium")
    assert second["extra.days_behind_high"] > second["extra.days_behind"]
    assert second["source.fqdn"] == "mail.stadtwerke.de"
    assert first["classification.identifier"] == "vulnerable-exchange-server"


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("exchange", Place("Germany", None, 0, None)),
        ("exchange", Place("", "", 1 << 40, "")),
        ("_sip.mail.example.org.", Place(None, None, -1, None)),
        ("2001:db8::1", Place("de", " ", None, " ")),
    ],
)
def test_what_breaks_a_rule_is_left_out(
    target: str, place: Place, tmp_path: Path, known: Knowledge
) -> None:
    """Odd names and places of users' files leave an event valid."""
    look = replace(seen(1, authority="own"), target=target, address=None, place=place)
    store = store_with(tmp_path / "s", known, [look])

    (found,) = events(exported(store, "intelmq", OWN))

    assert problems(found) == []
    assert "source.geolocation.cc" not in found
    assert "source.asn" not in found


def test_without_permission_nobody_is_named(tmp_path: Path, known: Knowledge) -> None:
    """By default addresses and names are pseudonyms in both forms; nodes and URLs are left out."""
    look = replace(seen(1, target="mail.stadtwerke.de"), nodes=("EX1",))
    store = store_with(tmp_path / "s", known, [look, seen(2)])

    content, found = exported(store, "shadowserver"), events(exported(store, "intelmq"))

    text = content.decode() + json.dumps(found)
    assert "stadtwerke" not in text
    assert "9.9." not in text
    assert "EX1" not in text
    assert all(each["ip"].startswith("p:") for each in rows(content))
    assert all(each["extra.pseudonym"].startswith("p:") for each in found)
    assert not any(set(each) & {"source.ip", "source.fqdn", "source.url"} for each in found)
    assert [problem for each in found for problem in problems(each)] == []
    assert [each["ip"] for each in rows(content)] == sorted(each["ip"] for each in rows(content))


def test_names_of_nobody_stay(tmp_path: Path, known: Knowledge) -> None:
    """Documentation addresses need no pseudonym and make a routable event."""
    look = replace(seen(1), target="192.0.2.1", address=None)
    store = store_with(tmp_path / "s", known, [look])

    (row,), (event,) = rows(exported(store, "shadowserver")), events(exported(store, "intelmq"))

    assert (row["ip"], event["source.ip"]) == ("192.0.2.1", "192.0.2.1")
    assert problems(event) == []


def test_servers_of_others_are_not_named_as_one_s_own(tmp_path: Path, known: Knowledge) -> None:
    """One look under another permit refuses the names."""
    store = store_with(tmp_path / "s", known, [seen(1, authority="own"), seen(2)])

    for form in ("shadowserver", "intelmq"):
        with pytest.raises(UsageError, match="1 of these"):
            exported(store, form, OWN)


@pytest.mark.parametrize("form", ["shadowserver", "intelmq"])
def test_a_sealed_list_names_servers_and_is_journaled(
    form: str, tmp_path: Path, known: Knowledge
) -> None:
    """Only the recipient reads the names; the journal knows the form, the rows and the TLP."""
    store = store_with(tmp_path / "s", known, [seen(1), seen(2), seen(3, PATCHED)])
    anna, out = Person.made(tmp_path, "anna"), tmp_path / "list.p7m"
    naming = Naming("anna", "warning", "amber+strict", (anna.path,))

    done = export_sealed(Export(store, window(None, TODAY), form, naming), naming, out, NOW)

    opened = anna.opens(out)
    assert opened is not None
    assert b"9.9.0.1" in opened
    assert b"9.9.0" not in out.read_bytes()
    assert done.rows == 2
    with State.open(store.url) as state:
        (entry,) = state.journal()
    assert (entry.disclosure.rows, entry.disclosure.tlp) == (2, "amber+strict")
    assert f"export {form}" in entry.disclosure.what
    if form == "intelmq":
        found = events(opened)
        assert {(each["tlp"], each["extra.tlp"]) for each in found} == {("RED", "amber+strict")}
        assert [problem for each in found for problem in problems(each)] == []


@pytest.mark.parametrize("form", ["shadowserver", "intelmq"])
def test_without_a_server_there_is_no_file(form: str, tmp_path: Path, known: Knowledge) -> None:
    """An empty store, and a day before the first observation, are errors and leave nothing."""
    Folder.open(tmp_path / "empty", DAY)
    store = store_with(tmp_path / "s", known, [seen(1)])
    place = tmp_path / "out"
    place.mkdir()

    for each, day in ((Store(tmp_path / "empty"), TODAY), (store, date(2024, 9, 9))):
        with pytest.raises(UsageError):
            export_to_file(Export(each, window(None, day), form), place / "a", NOW)
    assert list(place.iterdir()) == []


def test_nothing_is_judged_twice(
    tmp_path: Path, known: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred servers with two builds are two judgements."""
    judged: list[Identity] = []

    def counting(known: Knowledge, identity: Identity, as_of: date) -> Assessment:
        judged.append(identity)
        return judge(known, identity, as_of)

    monkeypatch.setattr("patchstand.workflow.judged.judge", counting)
    builds: Iterable[str] = (OLD if number % 2 else PATCHED for number in range(100))
    store = store_with(
        tmp_path / "s", known, [seen(number, build) for number, build in enumerate(builds)]
    )

    exported(store, "intelmq")

    assert len(judged) == 2


def test_the_worst_of_several_builds_is_not_assumed(tmp_path: Path, known: Knowledge) -> None:
    """A set of builds is vulnerable only when each of its members is."""
    evidence = (Evidence(EvidenceKind.BUILD, "15.2.1544", DAY.date(), source="test"),)
    look = replace(seen(1), evidence=evidence)
    store = store_with(tmp_path / "s", known, [look])

    assert rows(exported(store, "shadowserver")) == []
