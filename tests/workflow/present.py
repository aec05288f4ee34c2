"""Stores whose servers have real builds, for tests of what is judged anew."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from patchstand.model import Evidence, EvidenceKind, Knowledge, Outcome, Permit, Place, Record
from patchstand.store.folder import Folder
from patchstand.store.writer import BatchWriter
from patchstand.workflow.conclude import Concluding
from patchstand.workflow.store import Store

DAY = datetime(2024, 9, 10, 8, 30, tzinfo=UTC)
BATCH = "20240910T083000Z-3fa9c1"
OLD, PATCHED = "15.2.1118.7", "15.2.1544.11"
"""2019 CU12 as released in April 2022; 2019 CU14 with its newest update of September 2024."""


def seen(
    number: int,
    build: str = OLD,
    at: datetime = DAY,
    *,
    target: str | None = None,
    authority: str = "statutory",
) -> Record:
    """One look at a server of a public address that showed a build."""
    address = f"9.9.{number >> 8}.{number & 255}"
    return Record(
        target=target or address,
        ports="https=443",
        address=address,
        observed_at=at,
        outcome=Outcome.ANSWERED,
        evidence=(Evidence(EvidenceKind.BUILD, build, at.date(), source="test"),),
        requests=2,
        permit=Permit(address, "scope", authority, "BSIG 15", ("inform", "census")),
        place=Place("DE", "DE-BY", 64500, "health"),
    )


def failed(number: int, at: datetime) -> Record:
    """A look at the same server that nobody answered."""
    return replace(seen(number, at=at), outcome=Outcome.TIMED_OUT, evidence=())


def other_product(number: int, at: datetime) -> Record:
    """A look that shows that something else stands there now."""
    banner = Evidence(EvidenceKind.IMAP, "* OK Dovecot ready.", at.date())
    return replace(seen(number, at=at), evidence=(banner,))


def store_with(
    root: Path, known: Knowledge, records: Iterable[Record], batch: str = BATCH
) -> Store:
    """A store with one batch of these records, judged when they were written."""
    writer = BatchWriter(Folder.open(root, DAY), batch, journaled=False)
    concluding = Concluding(known, DAY.date())
    for record in records:
        writer.add(record, concluding.of(record))
    writer.seal()
    return Store(root)
