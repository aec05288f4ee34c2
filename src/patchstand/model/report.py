"""What one `check` found: the value that every report renders."""

from dataclasses import dataclass

from patchstand.model.assessment import (
    Assessment,
    CertificateFacts,
    Exposure,
    Finding,
    ServerClass,
)
from patchstand.model.evidence import Conflict, Identity
from patchstand.model.observation import Observation


@dataclass(frozen=True, slots=True)
class CheckedNode:
    """One node behind the address; `assessment` is None when it is no Exchange server."""

    identity: Identity
    assessment: Assessment | None


@dataclass(frozen=True, slots=True)
class CheckedServer:
    """One address after `check`: what was seen, what it is, what follows.

    `is_exchange` is that of the nodes together: True if any node is one. `server_class`
    is None when it is no Exchange server or nobody can tell. `worst` is the index of the
    node that counts. `findings` are those of this node and those that only others have, most
    severe first.
    """

    observation: Observation
    is_exchange: bool | None
    nodes: tuple[CheckedNode, ...]
    worst: int | None
    server_class: ServerClass | None
    exposure: tuple[Exposure, ...]
    certificate: CertificateFacts | None
    tls_versions: tuple[str, ...]
    findings: tuple[Finding, ...]
    conflicts: tuple[Conflict, ...] = ()
