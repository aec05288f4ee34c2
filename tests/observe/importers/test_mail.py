from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.observe.importers.samples import EX01, EX02, ONLINE, POSTFIX, mail, read

from patchstand.errors import UsageError
from patchstand.identify import identify
from patchstand.model import Knowledge
from patchstand.observe.importers.mail import IMPORTER

FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
FROM = "From alice@example.org Fri Nov 20 10:00:00 2026\n"


def test_each_server_on_the_way_is_a_record(tmp_path: Path, known: Knowledge) -> None:
    """Every Exchange server gives its build at the date of its hop; others give nothing."""
    good, rejected = read(IMPORTER, tmp_path, mail(ONLINE, EX01, EX02, POSTFIX))

    assert rejected == []
    assert [record.target for record in good] == ["ex01.example.org", "ex02.example.org"]
    assert good[0].observed_at == datetime(2026, 11, 20, 9, 0, 5, tzinfo=UTC)
    (node,) = identify(good[0].evidence, known, date(2026, 11, 22)).nodes
    assert [str(build) for build in node.builds] == ["15.2.1118.40"]
    assert node.node == "ex01.example.org"
    (node,) = identify(good[1].evidence, known, date(2026, 11, 22)).nodes
    assert [str(build) for build in node.builds] == ["15.1.2507.39"]


def test_nobody_is_named(tmp_path: Path) -> None:
    """Neither people's addresses nor the client a mail came from are kept."""
    hop = EX01.replace("; Fri", " for <alice@example.org>; Fri")

    (record,), _ = read(IMPORTER, tmp_path, mail(hop))

    kept = repr(record)
    assert "alice" not in kept
    assert "secret" not in kept
    assert "EX02" not in kept


@pytest.mark.parametrize(
    ("received", "line"),
    [
        ([ONLINE], 1),
        ([POSTFIX], 1),
        ([], 1),
        ([POSTFIX, EX01.replace("Nov 2026", "Foo 2026")], 4),
        ([EX01.replace("by EX01.example.org", "by 192.0.2.1")], 1),
        ([EX01.replace(";", "")], 1),
    ],
)
def test_a_mail_without_a_usable_hop_is_rejected(
    tmp_path: Path, received: list[str], line: int
) -> None:
    """A mail that no Exchange server on premises wrote legibly on is rejected with its line."""
    good, rejected = read(IMPORTER, tmp_path, mail(*received))

    assert good == []
    assert [each.line for each in rejected] == [line]


def test_a_mailbox_is_read_mail_by_mail(tmp_path: Path) -> None:
    """Mails of a mailbox stand apart; a second mail of the same server, build and day is none."""
    box = FROM + mail(EX01) + "\n" + FROM + mail(EX02) + "\n" + FROM + mail(EX01, ONLINE) + "\n"

    good, rejected = read(IMPORTER, tmp_path, box.replace("\r\n", "\n"))

    assert [record.target for record in good] == ["ex01.example.org", "ex02.example.org"]
    assert rejected == []


def test_a_body_says_nothing(tmp_path: Path) -> None:
    """Received lines in a body, and `From ` in the middle of a paragraph, are text."""
    body = "Hello\n" + FROM + EX02 + "\n" + EX02

    good, _ = read(IMPORTER, tmp_path, mail(EX01, body=body))

    assert [record.target for record in good] == ["ex01.example.org"]


def test_junk_in_a_mailbox_costs_its_mail_only(tmp_path: Path) -> None:
    """A mail whose head is none is rejected with the line; those around it are kept."""
    junk = "\x00\x01binary\n\nmore\n\n"
    box = FROM + mail(EX01) + "\n" + FROM + junk + FROM + mail(EX02)

    good, rejected = read(IMPORTER, tmp_path, box.replace("\r\n", "\n"))

    assert [record.target for record in good] == ["ex01.example.org", "ex02.example.org"]
    (one,) = rejected
    assert one.line == (FROM + mail(EX01) + "\n").count("\n") + 2


@pytest.mark.parametrize("content", [b"", b"\xd0\xcf\x11\xe0\xa1\xb1", "Received".encode("utf-16")])
def test_what_is_no_text_is_a_usage_error(tmp_path: Path, content: bytes) -> None:
    """An empty file, Outlook's own format and UTF-16 are one clear line."""
    with pytest.raises(UsageError):
        read(IMPORTER, tmp_path, content)


@FOLDER
@given(cut=st.integers(1, len(mail(EX01)) - 1))
def test_a_head_that_is_cut_is_rejected(tmp_path: Path, cut: int) -> None:
    """A mail cut within a line of its head gives nothing but one rejection."""
    part = mail(EX01)[:cut]

    good, rejected = read(IMPORTER, tmp_path, part)

    if part.endswith("\n") or "\r\n\r" in part:
        assert len(good) == (cut >= len(EX01))
    else:
        assert good == []
        assert [each.line in (1, part.count("\n") + 1) for each in rejected] == [True]


@FOLDER
@given(
    at=st.integers(0, 600),
    length=st.integers(0, 40),
    insert=st.binary(max_size=20) | st.sampled_from([b"\n\n", b"From ", b"Received:", b"\n "]),
)
def test_damage_leaves_the_other_mails(tmp_path: Path, at: int, length: int, insert: bytes) -> None:
    """Whatever happens to one mail, those before and after it are read."""
    before = (FROM + mail(EX01) + "\n").encode()
    middle = (FROM + mail(EX02) + "\n").encode()
    after = (FROM + mail(EX01.replace("EX01", "EX09"))).encode()
    start = len(FROM)
    at = min(start + at, len(middle) - 4)
    damaged = middle[:at] + insert + middle[min(at + length, len(middle) - 4) :]

    good, _ = read(IMPORTER, tmp_path, before + damaged + after)

    assert {"ex01.example.org", "ex09.example.org"} <= {record.target for record in good}
