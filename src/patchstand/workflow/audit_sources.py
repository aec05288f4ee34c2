"""What an audit reads: bundles by name, single files as one server, and those of an inbox.

A bundle with manifest.json is compared with it on the way. A zip of the inbox is read once, so
that what is verified is what is judged.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509

from patchstand.collect.bundle import (
    Archive,
    Member,
    archive,
    is_bundle,
    member,
    members,
    members_of,
)
from patchstand.collect.manifest import CHANGED, LARGEST, MISSING, NAME, UNLISTED, read_manifest
from patchstand.collect.manifest import compared as compared_files
from patchstand.collect.markup import UnreadableError
from patchstand.collect.signature import certificates_in, wrong
from patchstand.errors import UsageError
from patchstand.model.bundled import Manifest, Provenance, RefusedBundle, Signature
from patchstand.model.inside import ServerState, Skipped

_ENDING, _SIGNED = ".zip", ".p7s"
_LARGEST_SIGNATURE = 1024 * 1024
_ALTERED = frozenset({MISSING, UNLISTED, CHANGED})
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one server: a folder or zip, or single files; `is_received`: of the inbox."""

    name: str
    paths: tuple[Path, ...]
    is_received: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """The files of a source, and where they come from as far as it is known before reading."""

    files: Iterable[Member | Skipped]
    provenance: Provenance


def sources(paths: Sequence[Path], inbox: Path | None = None) -> tuple[Source, ...]:
    """Each folder and zip is a server; single files together are one; then the inbox by name.

    Raises:
        UsageError: the inbox cannot be listed.
    """
    single = tuple(path for path in paths if not is_bundle(path))
    found = [Source(path.name, (path,)) for path in paths if path not in single]
    if single:
        found.append(Source(single[0].name, single))
    return (*found, *(_received(inbox) if inbox is not None else ()))


def _received(inbox: Path) -> Iterator[Source]:
    try:
        names = sorted(path.name for path in inbox.iterdir())
    except OSError as error:
        raise UsageError(f"--inbox {inbox}: {error.strerror}") from error
    for name in names:
        if name.lower().endswith(_ENDING):
            yield Source(name, (inbox / name,), is_received=True)


def open_source(source: Source, certificates: Path | None = None) -> Opened | RefusedBundle:
    """The files of a source; one of the inbox is refused when the certificates do not fit.

    Raises:
        UsageError: it cannot be opened.
    """
    if source.is_received:
        return _opened_received(source, certificates)
    whole = len(source.paths) == 1 and is_bundle(source.paths[0])
    return _opened(source.paths[0]) if whole else Opened(members_of(source.paths), Provenance())


def _opened_received(source: Source, certificates: Path | None) -> Opened | RefusedBundle:
    whole = archive(source.paths[0])
    signature, why = _signature(whole, source.paths[0], certificates)
    if certificates is not None and signature is not Signature.VERIFIED:
        return RefusedBundle(source.name, why)
    opened = _opened(whole)
    return replace(opened, provenance=replace(opened.provenance, signature=signature, why=why))


def _opened(source: Path | Archive) -> Opened:
    manifest = _manifest(source)
    if manifest is None:
        return Opened(members(source), Provenance())
    return Opened(compared_files(members(source), manifest), Provenance(manifest))


def _manifest(source: Path | Archive) -> Manifest | None:
    file = member(source, NAME)
    if not isinstance(file, Member):
        return None
    if len(file.content) > LARGEST:
        raise UsageError(f"{NAME} is larger than {LARGEST >> 20} MB")
    try:
        return read_manifest(file.content)
    except UnreadableError as error:
        raise UsageError(f"{NAME}: {error}") from error


def _signature(whole: Archive, path: Path, certificates: Path | None) -> tuple[Signature, str]:
    try:
        with path.with_name(f"{path.name}{_SIGNED}").open("rb") as file:
            signature = file.read(_LARGEST_SIGNATURE)
    except FileNotFoundError:
        return Signature.NONE, "not signed"
    except OSError as error:
        raise UsageError(f"{path.name}{_SIGNED}: {error.strerror}") from error
    if certificates is None:
        return Signature.NOT_VERIFIED, "signed, but there is no certificate to verify it with"
    why = wrong(whole.content, signature, known_certificates(certificates))
    return (Signature.VERIFIED, "") if why is None else (Signature.WRONG, why)


def known_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates whose signatures count.

    Raises:
        UsageError: the file cannot be read, or holds none.
    """
    try:
        return certificates_in(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error


def compared_with(provenance: Provenance, state: ServerState) -> Provenance:
    """The same, with the files that turned out not to be as the manifest says."""
    found = tuple(file for file in state.skipped if file.why in _ALTERED)
    return replace(provenance, altered=found if provenance.manifest else ())


def altered(provenance: Provenance) -> str:
    """What was changed, in one line."""
    named = "; ".join(f"{file.file}: {file.why}" for file in provenance.altered[:_NAMED])
    more = len(provenance.altered) - _NAMED
    return f"{named}; {more} more" if more > 0 else named
