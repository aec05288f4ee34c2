"""The columns of the Parquet tables, and how records and conclusions become rows."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Any

import msgspec
import pyarrow as pa

from patchstand.model import Conclusion, Evidence, Outcome, Permit, Record, Transcript

Row = tuple[Any, ...]

_WORD = pa.dictionary(pa.int32(), pa.string())
"""Text with few distinct values."""
_WORDS = pa.list_(pa.string())

OBSERVATIONS = pa.schema(
    {
        "target": pa.string(),
        "ports": _WORD,
        "address": pa.string(),
        "observed_at": pa.timestamp("ms", "UTC"),
        "scan": _WORD,
        "source": _WORD,
        "vantage_point": _WORD,
        "permit": _WORD,
        "outcome": _WORD,
        "detail": _WORD,
        "requests": pa.int16(),
        "identity": pa.int64(),
        "nodes": pa.string(),
        "certificate": pa.int64(),
        "country": _WORD,
        "state": _WORD,
        "asn": pa.int64(),
        "sector": _WORD,
    }
)
IDENTITIES = pa.schema(
    {
        "key": pa.int64(),
        "scan": _WORD,
        "seen_on": pa.date32(),
        "evidence": pa.string(),
        "is_exchange": pa.bool_(),
        "line": pa.string(),
        "lines": _WORDS,
        "builds": _WORDS,
        "or_later": pa.bool_(),
        "precision": pa.string(),
        "clues": _WORDS,
        "conflicts": _WORDS,
        "reason": pa.string(),
        "look_alike": pa.string(),
        "node_count": pa.int16(),
        "class": pa.string(),
        "behind_low": pa.int32(),
        "behind_high": pa.int32(),
        "as_of": pa.date32(),
        "knowledge": pa.string(),
    }
)
ANSWERS = pa.schema(
    {
        "target": pa.string(),
        "ports": _WORD,
        "observed_at": pa.timestamp("ms", "UTC"),
        "service": _WORD,
        "question": _WORD,
        "outcome": _WORD,
        "detail": _WORD,
        "connection": pa.int16(),
        "milliseconds": pa.float32(),
        "tls_version": _WORD,
        "tls_cipher": _WORD,
        "certificate": pa.int64(),
        "truncated": pa.bool_(),
        "head": pa.binary(),
        "body": pa.int64(),
    }
)
HEAD = ANSWERS.names.index("head")
CONTENTS = pa.schema({"key": pa.int64(), "bytes": pa.binary()})
SCHEMAS = {
    "observations": OBSERVATIONS,
    "identities": IDENTITIES,
    "answers": ANSWERS,
    "contents": CONTENTS,
}


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 (UTC)."""
    return int(moment.timestamp() * 1000)


def observation_row(record: Record, scan: str, identity: int) -> Row:
    """A record as a row of `observations`."""
    place = record.place
    return (
        record.target,
        record.ports,
        None if record.address == record.target else record.address,
        milliseconds(record.observed_at),
        scan,
        record.source,
        record.vantage_point,
        permit_text(record.permit) if record.permit else None,
        record.outcome,  # members of these enums are text; asking for it costs a microsecond
        record.detail or None,
        record.requests,
        identity,
        " ".join(record.nodes) or None,
        short_certificate(record.certificate) if record.certificate else None,
        place.country,
        place.state,
        place.asn,
        place.sector,
    )


def identity_row(conclusion: Conclusion, scan: str) -> Row:
    """A conclusion as a row of `identities`; a key is drawn once in each scan."""
    return (
        conclusion.key,
        scan,
        conclusion.seen_on.toordinal() - _EPOCH,
        evidence_text(conclusion.evidence),
        conclusion.is_exchange,
        conclusion.line.value if conclusion.line else None,
        [line.value for line in conclusion.lines],
        [str(build) for build in conclusion.builds],
        conclusion.or_later,
        conclusion.precision.value,
        list(conclusion.clues),
        list(conclusion.conflicts),
        conclusion.reason,
        conclusion.look_alike,
        conclusion.node_count,
        conclusion.server_class.value if conclusion.server_class else None,
        conclusion.behind_low,
        conclusion.behind_high,
        conclusion.as_of.toordinal() - _EPOCH,
        conclusion.knowledge,
    )


_EPOCH = 719_163
"""1970-01-01 as an ordinal; Parquet counts days from there."""


def answer_rows(record: Record) -> Iterator[tuple[Row, dict[int, bytes]]]:
    """The raw answers of a record as rows, each with the contents it refers to."""
    whose = (record.target, record.ports, milliseconds(record.observed_at))
    for answer in record.answers:
        if answer.answer or answer.outcome is not Outcome.BUDGET_SPENT:
            yield _answer_row(whose, answer)


def _answer_row(whose: Row, answer: Transcript) -> tuple[Row, dict[int, bytes]]:
    head, body = _parted(answer)
    tls = answer.tls
    certificate = tls.certificate if tls else None
    contents: dict[int, bytes] = {}
    body_key = content_key(body) if body else None
    certificate_key = None
    if body_key is not None:
        contents[body_key] = body
    if certificate:
        certificate_key = short_certificate(sha256(certificate).hexdigest())
        contents[certificate_key] = certificate
    row = (
        *whose,
        answer.service,
        answer.question,
        answer.outcome,
        answer.detail or None,
        answer.connection,
        answer.milliseconds,
        tls.version if tls else None,
        tls.cipher if tls else None,
        certificate_key,
        answer.truncated,
        head,
        body_key,
    )
    return row, contents


def _parted(answer: Transcript) -> tuple[bytes, bytes]:
    """Head and body of an HTTP answer: bodies repeat, heads do not. Dialogues are all head."""
    if answer.service != "https":
        return answer.answer, b""
    head, end, body = answer.answer.partition(b"\r\n\r\n")
    return head + end, body


@lru_cache(maxsize=1024)
def content_key(body: bytes) -> int:
    """The key of a content: 64 bits of its BLAKE2b digest, remembered for what repeats."""
    return int.from_bytes(blake2b(body, digest_size=8).digest(), "big", signed=True)


def short_certificate(digest: str) -> int:
    """The first eight bytes of a SHA-256 given in hexadecimal digits."""
    return int.from_bytes(bytes.fromhex(digest[:16]), "big", signed=True)


def permit_text(permit: Permit) -> str:
    """Who allowed it, on what basis, as JSON; the address is that of the row."""
    return _permit_text(permit.granted_by, permit.authority, permit.legal_basis, permit.purposes)


@lru_cache(maxsize=256)
def _permit_text(
    granted_by: str, authority: str, legal_basis: str, purposes: tuple[str, ...]
) -> str:
    row = {
        "granted_by": granted_by,
        "authority": authority,
        "legal_basis": legal_basis,
        "purposes": purposes,
    }
    return msgspec.json.encode(row).decode()


def evidence_text(evidence: tuple[Evidence, ...]) -> str:
    """Evidence as JSON: a list of kind, text, source, connection, server name."""
    rows = [
        (item.kind.value, item.text, item.source, item.connection, item.server_name)
        for item in evidence
    ]
    return msgspec.json.encode(rows).decode()
