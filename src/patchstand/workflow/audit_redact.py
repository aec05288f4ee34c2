"""audit --redact: the bundle of a server for a third party, without the names in it.

Read twice: the first time for names, the second time to replace them. A file in which a name
would remain is left out. What comes out has a manifest of its own.
"""

import hashlib
import io
import secrets
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from patchstand.collect.bundle import Member, is_bundle, members, members_of
from patchstand.collect.manifest import NAME, SCHEMA
from patchstand.collect.markup import UnreadableError
from patchstand.collect.redaction.files import harvest, rewritten, why_left_out
from patchstand.collect.redaction.harvest import Harvest
from patchstand.collect.redaction.pseudonyms import Pseudonyms
from patchstand.collect.redaction.rewrite import Rewriting
from patchstand.model.inside import Skipped
from patchstand.workflow.files import write_bytes

_KEY_BYTES = 32
_STAMP = (2000, 1, 1, 0, 0, 0)
"""The time of every file in the zip: when it was made is nobody's business."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """How many files were written, how many names replaced, and what was left out."""

    files: int
    names: int
    left_out: tuple[Skipped, ...]


def redact(source: Path, target: Path, key: bytes | None = None) -> Redacted:
    """Write the bundle without names; `key` is random unless a test gives one.

    Raises:
        UsageError: there is no such bundle, or the zip cannot be written.
    """
    pseudonyms = Pseudonyms(key or secrets.token_bytes(_KEY_BYTES))
    noting = Harvest(pseudonyms)
    left_out = [file for file in _noted(source, noting) if isinstance(file, Skipped)]
    unread = {file.file for file in left_out}
    by = Rewriting(noting.names, pseudonyms)
    kept: list[Member] = []
    for file in _files(source):
        if isinstance(file, Skipped) or file.name in unread or file.name == NAME:
            continue
        try:
            kept.append(rewritten(file, by))
        except UnreadableError as error:
            left_out.append(Skipped(file.name, str(error)))
    write_bytes(target, _zipped([*kept, _manifest(source, kept, by)]))
    return Redacted(len(kept), len(pseudonyms), tuple(left_out))


def _files(source: Path) -> Iterator[Member | Skipped]:
    return members(source) if is_bundle(source) else members_of([source])


def _noted(source: Path, noting: Harvest) -> Iterator[Member | Skipped]:
    """Note every name; yields each file, or why it is left out."""
    for file in _files(source):
        if isinstance(file, Skipped):
            yield file
            continue
        why = why_left_out(file)
        if why is None:
            try:
                harvest(file, noting)
            except UnreadableError as error:
                why = str(error)
        yield file if why is None else Skipped(file.name, why)


def _manifest(source: Path, files: Sequence[Member], by: Rewriting) -> Member:
    """A manifest of what was written; of the old one only when it was collected."""
    old: dict[str, object] = {}
    for file in _files(source):
        if isinstance(file, Member) and file.name == NAME:
            old = msgspec.json.decode(file.content.removeprefix(b"\xef\xbb\xbf"))
    document = {
        "schema": SCHEMA,
        "collector": str(old.get("collector", "")),
        "computer": by.text(str(old.get("computer", "")), "computer"),
        "collected_at": str(old.get("collected_at", "")),
        "files": [
            {
                "name": file.name,
                "sha256": hashlib.sha256(file.content).hexdigest(),
                "size": len(file.content),
            }
            for file in files
        ],
        "failed": [],
    }
    return Member(NAME, msgspec.json.format(msgspec.json.encode(document)))


def _zipped(files: Sequence[Member]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name, _STAMP), file.content, zipfile.ZIP_DEFLATED)
    return whole.getvalue()
