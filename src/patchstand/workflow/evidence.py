"""From what was seen to evidence: transcripts become texts with their kind and connection."""

from collections.abc import Iterator
from datetime import date

from patchstand.model import Evidence, EvidenceKind, Observation, Outcome, Transcript

_MAIL = {"smtp": EvidenceKind.EHLO, "imap": EvidenceKind.IMAP, "pop": EvidenceKind.POP}
_MANIFEST = "exporttool"


def evidence_of(observation: Observation) -> list[Evidence]:
    """All texts of one observation that say something about the server."""
    seen_on = observation.observed_at.date()
    name = observation.target.name
    server_name = None if name == observation.address else name
    return [
        item
        for transcript in observation.transcripts
        if transcript.answer and transcript.outcome is Outcome.ANSWERED
        for item in _items(transcript, seen_on, server_name)
    ]


def _items(transcript: Transcript, seen_on: date, server_name: str | None) -> Iterator[Evidence]:
    kind = _MAIL.get(transcript.service)
    if kind is not None:
        yield _item(transcript, kind, transcript.answer, seen_on, server_name)
        return
    head, _, body = transcript.answer.partition(b"\r\n\r\n")
    yield _item(transcript, EvidenceKind.HTTP_HEADERS, head, seen_on, server_name)
    if b"<" in body:
        manifest = _MANIFEST in transcript.question
        body_kind = EvidenceKind.MANIFEST if manifest else EvidenceKind.HTML
        yield _item(transcript, body_kind, body, seen_on, server_name)


def _item(
    transcript: Transcript,
    kind: EvidenceKind,
    text: bytes,
    seen_on: date,
    server_name: str | None,
) -> Evidence:
    return Evidence(
        kind=kind,
        text=_decode(text),
        seen_on=seen_on,
        server_name=server_name,
        source=f"{transcript.service} {transcript.question}",
        connection=transcript.connection,
    )


def _decode(text: bytes) -> str:
    """UTF-8, else Latin-1, which reads every byte: greetings of old servers are neither."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")
