"""manifest.json: the files of a bundle as its collector wrote them, with their hashes.

A file that is not as the manifest says is left out: what was changed on its way must not be
judged. It shows damage and clumsy changes; against a forger only a signature helps.
"""

import hashlib
from collections.abc import Iterable, Iterator

import msgspec

from patchstand.collect.bundle import Member
from patchstand.collect.markup import UnreadableError
from patchstand.model.bundled import ListedFile, Manifest
from patchstand.model.inside import Skipped

NAME = "manifest.json"
SCHEMA = "patchstand/bundle/1"
LARGEST = 16 * 1024 * 1024
MISSING = "named in manifest.json, and not there"
UNLISTED = "not named in manifest.json"
CHANGED = "differs from manifest.json"


class _Listed(msgspec.Struct):
    name: str
    sha256: str
    size: int


class _Failed(msgspec.Struct):
    name: str
    why: str


class _Document(msgspec.Struct):
    schema: str
    collector: str = ""
    computer: str = ""
    collected_at: str = ""
    files: list[_Listed] = []
    failed: list[_Failed] = []


def read_manifest(content: bytes) -> Manifest:
    """What a manifest says.

    Raises:
        UnreadableError: it is no manifest of ours.
    """
    try:
        document = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=_Document)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise UnreadableError(f"no manifest: {str(error)[:200]}") from error
    if document.schema != SCHEMA:
        raise UnreadableError(f"no manifest: its schema is {document.schema[:40]!r}")
    files = {each.name: ListedFile(each.sha256.lower(), each.size) for each in document.files}
    failed = tuple(Skipped(each.name, each.why) for each in document.failed)
    return Manifest(document.computer, document.collector, document.collected_at, files, failed)


def compared(files: Iterable[Member | Skipped], manifest: Manifest) -> Iterator[Member | Skipped]:
    """The files of a bundle that are as the manifest says; the others say how they differ."""
    waiting = set(manifest.files)
    for file in files:
        waiting.discard(file.name if isinstance(file, Member) else file.file)
        yield _compared(file, manifest)
    yield from (Skipped(name, MISSING) for name in sorted(waiting))


def _compared(file: Member | Skipped, manifest: Manifest) -> Member | Skipped:
    if isinstance(file, Skipped) or file.name == NAME:
        return file
    listed = manifest.files.get(file.name)
    if listed is None:
        return Skipped(file.name, UNLISTED)
    digest = hashlib.sha256(file.content).hexdigest()
    is_same = digest == listed.sha256 and len(file.content) == listed.size
    return file if is_same else Skipped(file.name, CHANGED)
