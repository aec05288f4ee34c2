import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.observe.importers.samples import COLLECTED, HEALTH_CHECKER, read

from patchstand.errors import UsageError
from patchstand.identify import identify
from patchstand.model import Knowledge
from patchstand.model.record import Record, Rejected
from patchstand.observe.importers import collector
from patchstand.observe.importers.collector import IMPORTER

FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
CLIXML = """<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">
<Obj RefId="0"><ToString>EX05</ToString><Props><S N="Name">EX05</S>
<S N="Fqdn">EX05.example.org</S><Obj N="AdminDisplayVersion" RefId="1">
<ToString>Version 15.2 (Build 1544.4)</ToString></Obj></Props></Obj></Objs>"""
TABLE = """
Name  AdminDisplayVersion
----  -------------------
EX06  Version 15.2 (Build 1118.7)
EX07  Version 15.1 (Build 2507.6)
"""
EX_SETUP = """
FileVersion : 15.02.1544.011
FileName    : C:\\Program Files\\Microsoft\\Exchange Server\\V15\\bin\\ExSetup.exe
"""


def bundle(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_names_servers_and_builds(tmp_path: Path, encoding: str) -> None:
    """Format-List output is read in the encodings that PowerShell writes."""
    good, rejected = read(IMPORTER, tmp_path, COLLECTED.encode(encoding), "servers.txt")

    assert rejected == []
    assert [(each.target, each.evidence[0].text) for each in good] == [
        ("ex01", "Version 15.2 (Build 1118.7)"),
        ("ex02", "Version 15.1 (Build 2507.6)"),
    ]


def test_a_table_names_servers_and_builds(tmp_path: Path) -> None:
    """Format-Table output is read as well."""
    good, _ = read(IMPORTER, tmp_path, TABLE, "servers.txt")

    assert [each.target for each in good] == ["ex06", "ex07"]


def test_clixml_names_the_full_name(tmp_path: Path) -> None:
    """Export-Clixml output gives the fully qualified name."""
    (record,), _ = read(IMPORTER, tmp_path, CLIXML.encode("utf-16"), "servers.xml")

    assert record.target == "ex05.example.org"
    assert record.evidence[0].text == "Version 15.2 (Build 1544.4)"


def test_health_checker_says_when(tmp_path: Path, known: Knowledge) -> None:
    """HealthChecker's JSON gives ExSetup's file version, which names the update, and a time."""
    (record,), _ = read(IMPORTER, tmp_path, json.dumps(HEALTH_CHECKER), "hc.json")

    assert record.observed_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    (node,) = identify(record.evidence, known, date(2026, 11, 22)).nodes
    assert [str(build) for build in node.builds] == ["15.2.1748.36"]


def test_a_file_name_says_when(tmp_path: Path) -> None:
    """Without a time inside, the one in the file's name counts."""
    (one, _), _ = read(IMPORTER, tmp_path, COLLECTED, "HealthChecker-EX01-20260916140211.txt")

    assert one.observed_at == datetime(2026, 9, 16, 14, 2, 11, tzinfo=UTC)


def test_a_bundle_puts_one_server_together(tmp_path: Path, known: Knowledge) -> None:
    """The displayed version and ExSetup's of the only server in a bundle narrow to one build."""
    path = bundle(tmp_path / "b.zip", {"a/servers.xml": CLIXML, "a/ExSetup.txt": EX_SETUP})

    (record,) = [row for row in IMPORTER.read(path) if isinstance(row, Record)]

    (node,) = identify(record.evidence, known, date(2026, 11, 22)).nodes
    assert [str(build) for build in node.builds] == ["15.2.1544.11"]
    assert node.conflicts == ()


def test_a_build_of_no_server_is_rejected(tmp_path: Path) -> None:
    """With several servers in a bundle, a build that names none belongs to none of them."""
    path = bundle(tmp_path / "b.zip", {"servers.txt": COLLECTED, "ExSetup.txt": EX_SETUP})

    rows = list(IMPORTER.read(path))

    assert [type(row) for row in rows].count(Record) == 2
    (rejected,) = [row for row in rows if isinstance(row, Rejected)]
    assert rejected.line == 2
    assert "ExSetup.txt" in rejected.reason


def test_a_damaged_member_costs_itself_only(tmp_path: Path) -> None:
    """A file that cannot be read is rejected; the others of the bundle are kept."""
    members = {"a.xml": CLIXML[:-30], "b.txt": COLLECTED, "c.json": '{"HealthChecker": '}
    path = bundle(tmp_path / "b.zip", {**members})

    rows = list(IMPORTER.read(path))

    assert [type(row) for row in rows].count(Record) == 2
    assert {row.reason.split()[0] for row in rows if isinstance(row, Rejected)} == {
        "a.xml",
        "c.json",
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing",
        b"PK\x03\x04junk",
        b"<Objs/>",
        b"{}",
        CLIXML.replace("EX05<", "&x;<").encode(),
    ],
)
def test_a_file_that_says_nothing_is_a_usage_error_or_rejected(
    tmp_path: Path, content: bytes
) -> None:
    """Nothing is made of a file that names no server."""
    try:
        good, rejected = read(IMPORTER, tmp_path, content, "x.xml")
    except UsageError:
        return
    assert good == [] or good[0].target == "ex05.example.org"
    assert rejected or good


def test_a_bomb_gives_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member that grows beyond its limits, or too many members: one line, and no record."""
    zeros = bundle(tmp_path / "a.zip", {"a.txt": COLLECTED, "b.txt": bytes(20 << 20)})
    with pytest.raises(UsageError, match="times its size"):
        list(IMPORTER.read(zeros))

    monkeypatch.setattr(collector, "MEMBERS", 1)
    with pytest.raises(UsageError, match="more than 1 files"):
        list(IMPORTER.read(zeros))

    monkeypatch.setattr(collector, "MEMBERS", 9)
    monkeypatch.setattr(collector, "BUNDLE_BYTES", 1000)
    with pytest.raises(UsageError, match="unpacks to more"):
        list(IMPORTER.read(zeros))


def test_the_real_server(shared: Path, known: Knowledge, tmp_path: Path) -> None:
    """A real server's exports, cmdlet by cmdlet, give one server with its build."""
    files = (shared / "real/server_e16/Exchange").glob("*.xml")
    path = bundle(tmp_path / "real.zip", {each.name: each.read_bytes() for each in files})

    (record,) = IMPORTER.read(path)

    assert isinstance(record, Record)
    assert record.target == "solo-e16a.solo.local"
    (node,) = identify(record.evidence, known, date(2026, 11, 22)).nodes
    assert [str(build) for build in node.builds] == ["15.1.2375.7"]


@FOLDER
@given(
    content=st.sampled_from([COLLECTED.encode(), CLIXML.encode(), CLIXML.encode("utf-16")]),
    at=st.integers(0, 500),
    length=st.integers(0, 30),
    insert=st.binary(max_size=20),
)
def test_any_damage_ends_well(
    tmp_path: Path, content: bytes, at: int, length: int, insert: bytes
) -> None:
    """A damaged file gives records, rejections or one usage error, never anything else."""
    try:
        good, rejected = read(IMPORTER, tmp_path, content[:at] + insert + content[at + length :])
    except UsageError:
        return
    assert good or rejected
