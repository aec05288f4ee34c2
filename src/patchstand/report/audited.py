"""An audit for machines: `patchstand/audit/1`."""

from patchstand.model.audited import AuditedServer
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
        "undetermined": [
            {"wanted": each.wanted, "cves": list(each.cves)} for each in server.undetermined
        ],
        "files": {
            "read": list(server.read),
            "skipped": [{"file": each.file, "why": each.why} for each in server.skipped],
            "unknown": list(server.unknown),
        },
    }
