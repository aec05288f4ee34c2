"""The journal of disclosures, erasures, and the keys of pseudonyms.

The journal is a chain: each entry carries the SHA-256 over the digest of the entry before it
and its own content, so that an entry changed, removed or put in between breaks the chain.
Entries cut off at the end do not show: keep the last digest elsewhere to see that too.
"""

import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from patchstand.errors import StoreError
from patchstand.store.batches import upsert
from patchstand.store.database import alone
from patchstand.store.tables import disclosures, erasures, pseudonym_keys

START = "0" * 64
"""The digest before the first entry."""
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One output that names servers: who took what, for whom, and why.

    `tlp` is the marking of the Traffic Light Protocol 2.0, `rows` how many rows went out,
    `output` the SHA-256 of what went out, as hexadecimal digits.
    """

    at: datetime
    who: str
    what: str
    recipients: tuple[str, ...]
    tlp: str
    reason: str
    rows: int
    output: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A disclosure in its place in the journal; `number` counts from 1."""

    number: int
    previous: str
    digest: str
    disclosure: Disclosure


@dataclass(frozen=True, slots=True)
class Erasure:
    """A target whose rows were erased, under its pseudonym: it can be refused again later."""

    pseudonym: str
    at: datetime
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """A key for pseudonyms; one without `retired_at` is in use."""

    id: str
    created_at: datetime
    retired_at: datetime | None
    secret: bytes

    def __repr__(self) -> str:
        """The key without its secret: this text may end in a log."""
        return f"PseudonymKey({self.id!r})"


def digest_of(previous: str, number: int, disclosure: Disclosure) -> str:
    """SHA-256 over the digest before and the canonical JSON (keys sorted, no spaces)."""
    content = asdict(disclosure) | {"number": number}
    content["at"] = disclosure.at.astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(f"{previous}\n{text}".encode()).hexdigest()


def add_disclosure(connection: Connection, disclosure: Disclosure) -> Entry:
    """Append to the journal; the very same disclosure, written again, is not doubled."""
    alone(connection, disclosures)
    same = select(disclosures).where(
        disclosures.c.at == disclosure.at, disclosures.c.output == disclosure.output
    )
    for row in connection.execute(same):
        if (entry := _entry(row)).disclosure == disclosure:
            return entry
    last = connection.execute(
        select(disclosures).order_by(disclosures.c.number.desc()).limit(1)
    ).one_or_none()
    number, previous = (1, START) if last is None else (last.number + 1, last.digest)
    entry = Entry(number, previous, digest_of(previous, number, disclosure), disclosure)
    connection.execute(disclosures.insert(), _entry_row(entry))
    return entry


def journal(connection: Connection) -> Iterator[Entry]:
    """All entries, the first one first."""
    for row in connection.execute(select(disclosures).order_by(disclosures.c.number)):
        yield _entry(row)


def verify_journal(connection: Connection) -> Entry | None:
    """Recompute the chain; the last entry, None in an empty journal.

    Raises:
        StoreError: an entry was changed, removed or put in between; names the first one.
    """
    last: Entry | None = None
    for number, entry in enumerate(journal(connection), start=1):
        previous = START if last is None else last.digest
        expected = digest_of(previous, number, entry.disclosure)
        if (entry.number, entry.previous, entry.digest) != (number, previous, expected):
            raise StoreError(
                f"the journal of disclosures was altered at entry {number}: "
                "keep this database as evidence and compare it with a copy"
            )
        last = entry
    return last


def add_erasure(connection: Connection, erasure: Erasure) -> None:
    """Write down an erasure; the same one twice counts once."""
    connection.execute(upsert(connection, erasures), asdict(erasure))


def erased(connection: Connection) -> list[Erasure]:
    """All erasures, the oldest first."""
    query = select(erasures).order_by(erasures.c.at, erasures.c.pseudonym)
    return [Erasure(*row) for row in connection.execute(query)]


def keys(connection: Connection) -> list[PseudonymKey]:
    """All keys of pseudonyms, the oldest first; the last one is in use."""
    # Made at the same moment: the one in use (no end) comes last on both databases.
    rows = connection.execute(select(pseudonym_keys)).all()
    found = [PseudonymKey(*row) for row in rows]
    return sorted(found, key=lambda key: (key.retired_at is None, key.created_at, key.id))


def new_key(at: datetime) -> PseudonymKey:
    """A key that begins at a moment, of fresh randomness."""
    return PseudonymKey(secrets.token_hex(8), at, None, secrets.token_bytes(KEY_BYTES))


def rotate(connection: Connection, key: PseudonymKey) -> PseudonymKey:
    """Put a new key in use and retire the one before, so that one is in use at a time."""
    alone(connection, pseudonym_keys)
    row = {"id": key.id, "created_at": key.created_at, "secret": key.secret}
    connection.execute(upsert(connection, pseudonym_keys), row | {"retired_at": None})
    others = (pseudonym_keys.c.retired_at.is_(None)) & (pseudonym_keys.c.id != key.id)
    connection.execute(update(pseudonym_keys).where(others).values(retired_at=key.created_at))
    return key


def key_in_use(connection: Connection, fresh: PseudonymKey) -> PseudonymKey:
    """The key in use; where there is none yet, `fresh` becomes it."""
    alone(connection, pseudonym_keys)
    found = [key for key in keys(connection) if key.retired_at is None]
    return found[-1] if found else rotate(connection, fresh)


def forget_keys(connection: Connection, before: datetime) -> int:
    """Destroy keys retired before a moment: their pseudonyms lead to nobody any more."""
    old = pseudonym_keys.c.retired_at < before
    return connection.execute(delete(pseudonym_keys).where(old)).rowcount


def _entry(row: Row[Any]) -> Entry:
    recipients = tuple(json.loads(row.recipients))
    disclosure = Disclosure(
        row.at, row.who, row.what, recipients, row.tlp, row.reason, row.rows, row.output
    )
    return Entry(row.number, row.previous, row.digest, disclosure)


def _entry_row(entry: Entry) -> dict[str, Any]:
    chain = {"number": entry.number, "previous": entry.previous, "digest": entry.digest}
    content = asdict(entry.disclosure)
    return chain | content | {"recipients": json.dumps(entry.disclosure.recipients)}
