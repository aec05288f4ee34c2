"""What a bundle says of itself, and whether that is true of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from patchstand.model.inside import Skipped


class Signature(Enum):
    """Whether somebody known vouches for a bundle.

    NONE: there is no signature. NOT_VERIFIED: there is one, and no certificate to verify it
    with. VERIFIED: it is that of a certificate that was given. WRONG: it is not.
    """

    NONE = "none"
    NOT_VERIFIED = "not_verified"
    VERIFIED = "verified"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file in a manifest: SHA-256 in lower-case hex, and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """manifest.json: what the collector wrote of itself.

    `files`: by their paths in the bundle; `failed`: what could not be exported, and why.
    `collected_at` is a time in UTC as the collector wrote it.
    """

    computer: str
    collector: str
    collected_at: str
    files: Mapping[str, ListedFile] = field(default_factory=dict)
    failed: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a bundle comes from, as far as it tells and that could be checked.

    `manifest` None: the bundle has none, so nothing tells whether its files are unchanged.
    `altered`: files that differ from the manifest, are missing, or are not in it.
    """

    manifest: Manifest | None = None
    altered: tuple[Skipped, ...] = ()
    signature: Signature = Signature.NONE
    why: str = ""


@dataclass(frozen=True, slots=True)
class RefusedBundle:
    """A bundle that was not judged, and why, in one line."""

    name: str
    why: str
