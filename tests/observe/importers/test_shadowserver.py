import gzip
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.observe.importers.samples import (
    SHADOWSERVER_COLUMNS,
    SHADOWSERVER_COLUMNS_2021,
    csv_line,
    read,
    shadowserver_report,
    shadowserver_row,
)

from patchstand.errors import UsageError
from patchstand.identify import identify
from patchstand.model import EvidenceKind, Knowledge
from patchstand.model.record import Place, Source
from patchstand.observe.importers.shadowserver import IMPORTER, LINES_OF_A_ROW

FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.mark.parametrize("columns", [SHADOWSERVER_COLUMNS, SHADOWSERVER_COLUMNS_2021])
def test_a_row_becomes_a_record(tmp_path: Path, columns: tuple[str, ...]) -> None:
    """Address, time, build, place and tag of a row are kept, with either header."""
    report = shadowserver_report(shadowserver_row(), columns=columns)

    (record,), rejected = read(IMPORTER, tmp_path, report)

    assert rejected == []
    assert (record.target, record.ports, record.source) == ("192.0.2.7", "", Source.SHADOWSERVER)
    assert record.observed_at == datetime(2026, 11, 20, 3, 14, 15, tzinfo=UTC)
    assert record.place == Place("DE", "BAYERN", 64500, "Government")
    (evidence,) = record.evidence
    assert (evidence.kind, evidence.text) == (EvidenceKind.BUILD, "15.2.721")
    assert evidence.seen_on == date(2026, 11, 20)
    assert "cve-2021-26855" in record.detail


@FOLDER
@given(order=st.permutations(SHADOWSERVER_COLUMNS))
def test_columns_stand_in_any_order(tmp_path: Path, order: list[str]) -> None:
    """The order of the columns changes nothing."""
    usual = read(IMPORTER, tmp_path, shadowserver_report(shadowserver_row()))

    other = read(IMPORTER, tmp_path, shadowserver_report(shadowserver_row(), columns=tuple(order)))

    assert other == usual


@pytest.mark.parametrize(
    ("values", "target", "ports"),
    [
        ({"ip": "2001:DB8:0::1"}, "2001:db8::1", ""),
        ({"ip": "::ffff:192.0.2.1"}, "192.0.2.1", ""),
        ({"port": "8443"}, "192.0.2.7", "https=8443"),
        ({"port": "80"}, "192.0.2.7", "http=80"),
    ],
)
def test_addresses_and_ports_are_canonical(
    tmp_path: Path, values: dict[str, str], target: str, ports: str
) -> None:
    """Addresses have one spelling; the port names the service unless it is the usual one."""
    (record,), _ = read(IMPORTER, tmp_path, shadowserver_report(shadowserver_row(**values)))

    assert (record.target, record.ports) == (target, ports)


@pytest.mark.parametrize("version", ["", "2016", "unknown", "15.2"])
def test_without_a_version_it_is_exchange_of_unknown_build(
    tmp_path: Path, known: Knowledge, version: str
) -> None:
    """A row without a usable version says that there is an Exchange server, and no build."""
    report = shadowserver_report(shadowserver_row(version=version))

    (record,), _ = read(IMPORTER, tmp_path, report)
    (node,) = identify(record.evidence, known, date(2026, 11, 22)).nodes

    assert node.is_exchange
    assert node.builds == ()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ip", ""), ("ip", "192.0.2.256"), ("ip", "192.0.2.01"), ("ip", "192.0.2.1\n"),
        ("ip", "fe80::1%eth0"), ("ip", "mail.example.org"), ("port", "0"), ("port", "65536"),
        ("port", "-1"), ("port", ""), ("port", "\u0664\u0664\u0663"), ("timestamp", ""),
        ("timestamp", "2026-02-30 00:00:00"), ("timestamp", "20 Nov 2026"),
        ("timestamp", "0001-01-01 00:00:00+14:00"), ("timestamp", "9999-12-31 23:59:59-14:00"),
    ],
)  # fmt: skip
def test_a_bad_value_costs_its_row_only(tmp_path: Path, column: str, value: str) -> None:
    """A row with a bad value is rejected with its line; its neighbours are kept."""
    rows = [shadowserver_row(ip=f"192.0.2.{number}") for number in (1, 2, 3)]
    rows[1][column] = value

    good, rejected = read(IMPORTER, tmp_path, shadowserver_report(*rows))

    assert [record.target for record in good] == ["192.0.2.1", "192.0.2.3"]
    assert [each.line for each in rejected] == [3]


@pytest.mark.parametrize(
    "line",
    ['"2026-11-20","half', "x", csv_line(["a"] * 16), csv_line(["a"] * 18), 'a"b",c', '"a"b'],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_broken_line_costs_itself_only(tmp_path: Path, line: str, end: str) -> None:
    """Too many or few columns and quotes that do not match are rejected with their line."""
    rows = [csv_line(list(shadowserver_row(ip=f"192.0.2.{n}").values())) for n in range(4)]
    header = csv_line(list(shadowserver_row()))
    content = header + rows[0] + line.rstrip("\n") + "\n" + "".join(rows[1:])

    good, rejected = read(IMPORTER, tmp_path, content.replace("\n", end))

    assert [record.target for record in good] == [f"192.0.2.{n}" for n in range(4)]
    assert [each.line for each in rejected] == [3]


def test_a_quoted_field_runs_over_lines(tmp_path: Path) -> None:
    """A line feed in quotes belongs to the field; lines after it are counted right."""
    rows = [shadowserver_row(hostname="a\nb\nc"), shadowserver_row(port="x")]

    good, rejected = read(IMPORTER, tmp_path, shadowserver_report(*rows))

    assert len(good) == 1
    assert [each.line for each in rejected] == [5]


@pytest.mark.parametrize("lines", [2, LINES_OF_A_ROW, 3000])
def test_an_open_quote_does_not_swallow_the_file(tmp_path: Path, lines: int) -> None:
    """Where fields have no quotes, one stray quote costs its line, however long the file is."""
    plain = ",".join(shadowserver_row().values()) + "\n"
    header = ",".join(shadowserver_row()) + "\n"

    good, rejected = read(IMPORTER, tmp_path, header + '"' + plain + plain * lines)

    assert len(good) == lines
    assert [each.line for each in rejected] == [2]


def test_bytes_that_are_no_utf8_are_read_as_latin1(tmp_path: Path) -> None:
    """A field in Latin-1 is read as such; the row is kept."""
    report = shadowserver_report(shadowserver_row(region="THÜRINGEN")).encode("latin-1")

    (record,), rejected = read(IMPORTER, tmp_path, report)

    assert (record.place.state, rejected) == ("THÜRINGEN", [])


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, mark: bytes) -> None:
    """UTF-8 with and without its mark is read alike."""
    good, _ = read(IMPORTER, tmp_path, mark + shadowserver_report(shadowserver_row()).encode())

    assert len(good) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n\n", b"a,b\n", shadowserver_report(shadowserver_row()).encode("utf-16"),
        shadowserver_report(shadowserver_row()).encode("utf-16-le"), b'"timestamp\n',
        b"timestamp,ip,port,version,ip\n", b"timestamp,ip,port\n", b"\x00" * 100,
    ],
)  # fmt: skip
def test_what_is_no_report_is_a_usage_error(tmp_path: Path, content: bytes) -> None:
    """An empty file, UTF-16, a missing or doubled column: one line, nothing read."""
    with pytest.raises(UsageError):
        read(IMPORTER, tmp_path, content)


def test_a_report_without_rows_is_no_error(tmp_path: Path) -> None:
    """The header alone is a report of no servers."""
    assert read(IMPORTER, tmp_path, shadowserver_report()) == ([], [])


@FOLDER
@given(cut=st.integers(1, 600))
def test_a_cut_file_keeps_whole_rows(tmp_path: Path, cut: int) -> None:
    """Wherever the file is cut, rows before are kept and no value is taken in part."""
    whole = shadowserver_report(*(shadowserver_row(ip=f"192.0.2.{n}") for n in range(8)))
    part = whole[: len(whole) - cut]

    good, rejected = read(IMPORTER, tmp_path, part)

    assert len(good) + len(rejected) == part.rstrip("\n").count("\n")
    assert [record.target for record in good] == [f"192.0.2.{n}" for n in range(len(good))]
    assert {record.evidence[0].text for record in good} == {"15.2.721"}


def test_an_unquoted_last_line_without_end_is_rejected(tmp_path: Path) -> None:
    """`15.2.111` could be the half of `15.2.1118.40`: without a line's end nobody knows."""
    columns = ("timestamp", "ip", "port", "url", "servername", "version")
    row = shadowserver_row(version="15.2.111")
    content = ",".join(columns) + "\n" + ",".join(row[name] for name in columns)

    assert [each.line for each in read(IMPORTER, tmp_path, content)[1]] == [2]
    assert len(read(IMPORTER, tmp_path, content + "\n")[0]) == 1


def test_a_cut_gz_keeps_what_lies_before(tmp_path: Path) -> None:
    """A packed report that ends early gives its rows up to there, and one rejection."""
    random = Random(1)
    rows = [shadowserver_row(hostname=str(random.random()), ip=f"192.0.2.{n}") for n in range(200)]
    packed = gzip.compress(shadowserver_report(*rows).encode())

    good, rejected = read(IMPORTER, tmp_path, packed[: len(packed) // 2], "report.csv.gz")

    assert 0 < len(good) < 200
    assert [each.line for each in rejected] == [len(good) + 2]


@FOLDER
@given(
    at=st.integers(0, 3000),
    length=st.integers(0, 40),
    insert=st.binary(max_size=20) | st.sampled_from([b'"', b'","', b"\n", b"\r", b'"\n"', b"\0"]),
)
def test_any_damage_leaves_the_other_rows(
    tmp_path: Path, at: int, length: int, insert: bytes
) -> None:
    """Rows before and after a damaged place are kept, and what is not kept is told."""
    rows = [shadowserver_row(ip=f"192.0.2.{number}") for number in range(12)]
    whole = shadowserver_report(*rows).encode()
    header = whole.index(b"\n") + 1
    at = min(header + at, len(whole) - 1)
    damaged = whole[:at] + insert + whole[at + length :]

    good, rejected = read(IMPORTER, tmp_path, damaged)

    first, last = whole[:at].count(b"\n") - 1, whole[: at + length].count(b"\n") - 1
    untouched = {f"192.0.2.{n}" for n in range(12) if n < first or n > last}
    assert untouched <= {record.target for record in good}
    assert all(1 < each.line <= damaged.count(b"\n") + 1 for each in rejected)
    if not set(insert) & set(b"\r\n") and length == 0:
        assert len(good) + len(rejected) == 12
