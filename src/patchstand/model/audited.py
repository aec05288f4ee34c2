"""One server seen from inside, with everything that follows from it."""

from dataclasses import dataclass

from patchstand.model.assessment import Assessment, Finding
from patchstand.model.bundled import Provenance
from patchstand.model.directories import DirectoryProtection, ProtectionSummary
from patchstand.model.evidence import Identity
from patchstand.model.inside import Skipped
from patchstand.model.seen_mitigations import SeenMitigation


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What could not be decided since an export is missing, and the CVEs that hang on it."""

    wanted: str
    cves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuditedServer:
    """One bundle: what it is, how it stands, what to do, and what was not there to read.

    `extended_protection`: each virtual directory, and their counts; empty and None where
    the configuration of IIS was not there. `mitigations`: how each known one stands.
    """

    name: str
    identity: Identity
    assessment: Assessment
    findings: tuple[Finding, ...]
    undetermined: tuple[OpenQuestion, ...]
    read: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    unknown: tuple[str, ...]
    extended_protection: tuple[DirectoryProtection, ...] = ()
    extended_protection_summary: ProtectionSummary | None = None
    mitigations: tuple[SeenMitigation, ...] = ()
    provenance: Provenance | None = None
