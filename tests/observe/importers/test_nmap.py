import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.observe.importers.samples import NMAP, read

from patchstand.errors import UsageError
from patchstand.identify import identify
from patchstand.model import Knowledge, Outcome
from patchstand.model.record import Record
from patchstand.observe.importers.nmap import IMPORTER

FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
WHOLE = [
    ("192.0.2.10", "smtp=25", Outcome.ANSWERED),
    ("192.0.2.10", "imap=143", Outcome.ANSWERED),
    ("192.0.2.10", "", Outcome.ANSWERED),
    ("192.0.2.10", "https=8443", Outcome.TIMED_OUT),
    ("2001:db8::1", "", Outcome.REFUSED),
]


def shown(records: list[Record]) -> list[tuple[str, str, Outcome]]:
    return [(record.target, record.ports, record.outcome) for record in records]


def test_each_port_that_says_something_is_a_record(tmp_path: Path) -> None:
    """Web and mail ports that answered, refused or stayed silent are records; SSH is none."""
    good, rejected = read(IMPORTER, tmp_path, NMAP)

    assert rejected == []
    assert shown(good) == WHOLE
    assert good[0].observed_at == datetime.fromtimestamp(1795000060, UTC)


@pytest.mark.parametrize(
    ("at", "lines", "builds"),
    [
        (0, ["2019", "SE"], []),
        (1, ["2013", "2016", "2019", "SE"], []),
        (2, ["2019"], ["15.2.1118.40"]),
    ],
)
def test_what_it_says_identifies_the_server(
    tmp_path: Path, known: Knowledge, at: int, lines: list[str], builds: list[str]
) -> None:
    """EHLO, capabilities and headers mean the same as when they are asked for directly."""
    good, _ = read(IMPORTER, tmp_path, NMAP)

    (node,) = identify(good[at].evidence, known, date(2026, 11, 22)).nodes

    assert node.is_exchange
    assert [line.value for line in node.lines] == lines
    assert [str(build) for build in node.builds] == builds


def test_the_certificate_is_named_by_its_der_form(tmp_path: Path) -> None:
    """The SHA-256 is that of the bytes within the PEM text."""
    good, _ = read(IMPORTER, tmp_path, NMAP)

    assert good[2].certificate == hashlib.sha256(b"certificate").hexdigest()


@FOLDER
@given(kept=st.integers(NMAP.index("<host "), len(NMAP) - 1))
def test_a_cut_file_keeps_the_servers_before(tmp_path: Path, kept: int) -> None:
    """Servers that are complete before the cut are kept; the rest is rejected with its line."""
    part = NMAP[:kept]

    good, rejected = read(IMPORTER, tmp_path, part)

    complete = [0, 4, 5][part.count("</host>")]
    assert shown(good) == WHOLE[:complete]
    if "</nmaprun>" not in part:
        (one,) = rejected
        assert one.line in (part.count("\n"), part.count("\n") + 1)


@pytest.mark.parametrize(
    ("old", "new", "element", "left"),
    [
        ('portid="25"', 'portid="0"', 'portid="25"', 4),
        ('portid="143"', 'portid="99999"', 'portid="143"', 4),
        ('addr="192.0.2.10"', 'addr="192.0.2.300"', '<host starttime="1795000001"', 1),
        ('endtime="1795000070"', 'endtime="soon"', '<host starttime="1795000061"', 4),
        ('endtime="1795000070"', 'endtime="99999999999"', '<host starttime="1795000061"', 4),
    ],
)
def test_a_bad_value_costs_its_port_or_host_only(
    tmp_path: Path, old: str, new: str, element: str, left: int
) -> None:
    """A bad port costs the port, a bad address or time the host; each is told with its line."""
    line = NMAP[: NMAP.index(element)].count("\n") + 1
    content = NMAP.replace(old, new, 1)

    good, rejected = read(IMPORTER, tmp_path, content)

    assert len(good) == left
    assert [each.line for each in rejected] == [line]


@pytest.mark.parametrize(
    "content",
    [
        "", "<html/>", NMAP.encode("utf-16"),
        NMAP.replace("nmaprun>", 'nmaprun [<!ENTITY a "b">]>', 1),
        '<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]><nmaprun>&x;</nmaprun>',
    ],
)  # fmt: skip
def test_other_files_and_entities_are_refused(tmp_path: Path, content: str | bytes) -> None:
    """A file that is not nmap's, or that declares entities, is a usage error."""
    with pytest.raises(UsageError):
        read(IMPORTER, tmp_path, content)


def test_many_hosts_are_read_one_by_one(tmp_path: Path) -> None:
    """A file of many hosts gives the records of each, none twice and none lost."""
    start, end = NMAP.index("<host "), NMAP.index("<runstats>")
    path = tmp_path / "many.xml"
    path.write_text(NMAP[:start] + NMAP[start:end] * 2000 + NMAP[end:], encoding="utf-8")

    assert sum(1 for _ in IMPORTER.read(path)) == 2000 * len(WHOLE)
