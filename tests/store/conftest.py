"""A store folder, and records as scans bring them."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from patchstand.model import (
    Conclusion,
    Evidence,
    EvidenceKind,
    IdentityPrecision,
    Outcome,
    Record,
    Transcript,
)
from patchstand.store.folder import Folder

NOW = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)
BATCH = "20261122T213000Z-3fa9c1"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A new store."""
    return Folder.open(tmp_path / "store", NOW)


def record(number: int, at: datetime = NOW) -> Record:
    """The record of one server; servers of the same ten share their evidence and their page."""
    kind = number % 10
    page = Transcript("https", "GET /owa/", Outcome.ANSWERED, b"HTTP/1.1 200\r\n\r\npage %d" % kind)
    return Record(
        target=f"127.0.{number >> 8}.{number & 255}",
        ports="https=8443",
        address=f"127.0.{number >> 8}.{number & 255}",
        observed_at=at,
        outcome=Outcome.ANSWERED,
        evidence=(Evidence(EvidenceKind.BUILD, f"15.2.1118.{kind}"),),
        requests=2,
        answers=(page,),
    )


def conclusion(of: Record) -> Conclusion:
    """A conclusion whose key is that of the evidence."""
    return Conclusion(
        key=int(of.evidence[0].text.rpartition(".")[2]),
        seen_on=of.observed_at.date(),
        evidence=of.evidence,
        is_exchange=True,
        line=None,
        lines=(),
        builds=(),
        or_later=False,
        precision=IdentityPrecision.NONE,
        clues=("stated_build=15.2.1118",),
        conflicts=(),
        reason=None,
        look_alike=None,
        node_count=1,
        server_class=None,
        behind_low=None,
        behind_high=None,
        as_of=date(2026, 11, 22),
        knowledge="1",
    )
