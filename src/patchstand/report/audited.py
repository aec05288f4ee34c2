"""An audit for machines: `patchstand/audit/1`."""

import msgspec

from patchstand.model.audited import AuditedServer
from patchstand.model.bundled import Provenance, RefusedBundle
from patchstand.model.inside import Skipped
from patchstand.report.as_json import (
    Document,
    assessment_document,
    finding_document,
    identity_part,
)


def audit_document(server: AuditedServer) -> Document:
    """One server from inside: what it is, how it stands, what to do, what was not there."""
    return {
        "schema": "patchstand/audit/1",
        "name": server.name,
        "identity": identity_part(server.identity),
        "assessment": assessment_document(server.assessment),
        "findings": [finding_document(finding) for finding in server.findings],
        "extended_protection": msgspec.to_builtins(server.extended_protection),
        "extended_protection_summary": msgspec.to_builtins(server.extended_protection_summary),
        "mitigations": msgspec.to_builtins(server.mitigations),
        "undetermined": [
            {"wanted": each.wanted, "cves": list(each.cves)} for each in server.undetermined
        ],
        "files": {
            "read": list(server.read),
            "skipped": _skipped(server.skipped),
            "unknown": list(server.unknown),
        },
        "provenance": _provenance(server.provenance) if server.provenance else None,
    }


def refused_document(bundle: RefusedBundle) -> Document:
    """`patchstand/audit-refused/1`: a bundle that was not judged."""
    return {"schema": "patchstand/audit-refused/1", "name": bundle.name, "why": bundle.why}


def _provenance(found: Provenance) -> Document:
    manifest = found.manifest
    return {
        "manifest": manifest is not None,
        "computer": manifest.computer if manifest else None,
        "collected_at": manifest.collected_at if manifest else None,
        "collector": manifest.collector if manifest else None,
        "not_exported": _skipped(manifest.failed) if manifest else [],
        "altered": _skipped(found.altered),
        "signature": found.signature.value,
    }


def _skipped(files: tuple[Skipped, ...]) -> list[Document]:
    return [{"file": each.file, "why": each.why} for each in files]
