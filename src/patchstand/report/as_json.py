"""Results as JSON documents; the shapes are written down in `docs/schema/`."""

from datetime import date, datetime
from typing import Any

import msgspec

from patchstand.model import (
    Assessment,
    Behind,
    BuildAssessment,
    CertificateFacts,
    CheckedNode,
    CheckedServer,
    Clue,
    Conflict,
    CveVerdict,
    Exposure,
    Finding,
    Identity,
    Observation,
    Sighted,
    Support,
)
from patchstand.model.inside import Reading

Document = dict[str, Any]

_encoder = msgspec.json.Encoder()


def encode(document: Document) -> bytes:
    """One line of JSON, UTF-8, without the line end."""
    return _encoder.encode(document)


def identity_document(
    sighted: Sighted, kind: str | None = None, source_line: int | None = None
) -> Document:
    """`patchstand/identity/1`: the first node's identity, and all of them in `nodes`.

    `source_line` is the line of the file the text came from, null for a single text.
    """
    document = {"schema": "patchstand/identity/1", **identity_part(sighted.nodes[0])}
    document |= {"kind": kind, "source_line": source_line}
    document["nodes"] = [identity_part(node) for node in sighted.nodes]
    return document


def identity_part(found: Identity) -> Document:
    """One node: what it is, its set of builds, and why."""
    return {
        "is_exchange": found.is_exchange,
        "line": found.line.value if found.line else None,
        "lines": [line.value for line in found.lines],
        "builds": [str(build) for build in found.builds],
        "or_later": found.or_later,
        "precision": found.precision.value,
        "evidence": [_clue(clue) for clue in found.evidence],
        "conflicts": [_conflict(conflict) for conflict in found.conflicts],
        "node": found.node,
        "look_alike": found.look_alike,
        "fronts": list(found.fronts),
        "reason": found.reason,
        "seen_on": _day(found.seen_on),
    }


def build_document(
    asked: str, identity: Identity, assessment: Assessment, note: str | None = None
) -> Document:
    """`patchstand/build/1`: what a build, or the set behind three parts, means at a date.

    For a set, `cu`, `update` and `released` are null where the members differ, `behind`
    is what holds for every member and `behind_at_most` what may hold. `note` is what the
    knowledge says of this number beyond its row.
    """
    members = assessment.members
    return {
        "schema": "patchstand/build/1",
        "build": asked,
        "line": identity.line.value if identity.line else None,
        "cu": _same([member.cu for member in members]),
        "update": _same([member.update for member in members]),
        "released": _same([str(member.released) for member in members]),
        **assessment_document(assessment),
        "note": note,
        "findings": [finding_document(finding) for finding in assessment.findings],
    }


def assessment_document(assessment: Assessment) -> Document:
    """The verdict: class, members, behind, support, CVEs, knowledge."""
    return {
        "as_of": str(assessment.as_of),
        "class": assessment.server_class.value,
        "reasons": list(assessment.reasons),
        "support": _support(assessment.support),
        "behind": _behind(assessment.low),
        "behind_at_most": _behind(assessment.high),
        "members": [_member(member) for member in assessment.members],
        "cves": [_cve(cve) for cve in assessment.cves],
        "knowledge": {
            "version": assessment.knowledge_version,
            "date": str(assessment.covered_until),
            "stale": assessment.stale,
        },
    }


Verdicts = dict[tuple[object, ...], msgspec.Raw]
"""Encoded verdicts by what they depend on: most servers share one of a few hundred."""


def check_document(server: CheckedServer, verdicts: Verdicts) -> Document:
    """`patchstand/check/1`: one server; `verdicts` is kept between servers."""
    observation = server.observation
    return {
        "schema": "patchstand/check/1",
        "target": observation.target.name,
        "address": observation.address,
        "observed_at": _moment(observation.observed_at),
        "vantage_point": observation.vantage_point,
        "outcome": observation.outcome.value,
        "detail": observation.detail or None,
        "requests": observation.requests,
        "scope": _permit(observation),
        "is_exchange": server.is_exchange,
        "class": server.server_class.value if server.server_class else None,
        "nodes": [
            {
                "identity": identity_part(node.identity),
                "assessment": _remembered(node.assessment, verdicts),
                "findings": [finding_document(finding) for finding in _findings(node)],
            }
            for node in server.nodes
        ],
        "exposure": [_exposure(exposure) for exposure in server.exposure],
        "certificate": _certificate(server.certificate),
        "tls_versions": list(server.tls_versions),
        "mail": None,
        "findings": [finding_document(finding) for finding in server.findings],
        "conflicts": [_conflict(conflict) for conflict in server.conflicts],
    }


def _findings(node: CheckedNode) -> tuple[Finding, ...]:
    return node.assessment.findings if node.assessment else ()


def finding_document(finding: Finding) -> Document:
    """One finding; texts in the reader's language are made from `id` and `values`."""
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "values": dict(finding.values),
        "remedy": [{"action": remedy.action, **dict(remedy.values)} for remedy in finding.remedy],
        "references": list(finding.references),
        "cves": list(finding.cves),
        "read": [reading_document(each) for each in finding.read],
    }


def reading_document(reading: Reading) -> Document:
    """What was read where."""
    return {"file": reading.file, "path": reading.path, "value": reading.value}


def _remembered(assessment: Assessment | None, verdicts: Verdicts) -> msgspec.Raw | None:
    if assessment is None:
        return None
    builds = tuple(member.build for member in assessment.members)
    key = (builds, assessment.as_of, assessment.reasons)
    if key not in verdicts:
        verdicts[key] = msgspec.Raw(_encoder.encode(assessment_document(assessment)))
    return verdicts[key]


def _clue(clue: Clue) -> Document:
    return {
        "rule": clue.rule,
        "kind": clue.kind.value if clue.kind else None,
        "value": clue.value,
        "says": clue.says,
        "source": clue.source,
        "seen_on": _day(clue.seen_on),
    }


def _conflict(conflict: Conflict) -> Document:
    return {"rule": conflict.rule, "says": conflict.says, "values": list(conflict.values)}


def _behind(behind: Behind | None) -> Document | None:
    if behind is None:
        return None
    return {
        "since": _day(behind.since),
        "days": behind.days,
        "months": behind.months,
        "missing": [
            {
                "name": update.name,
                "released": str(update.released),
                "kb": update.kb,
                "unsupported": update.unsupported,
            }
            for update in behind.missing
        ],
    }


def _member(member: BuildAssessment) -> Document:
    return {
        "build": str(member.build),
        "line": member.line.value,
        "cu": member.cu,
        "update": member.update,
        "kb": member.kb,
        "released": str(member.released),
        "class": member.server_class.value,
        "days_behind": member.behind.days,
    }


def _support(support: Support | None) -> Document | None:
    if support is None:
        return None
    return {
        "phase": support.phase.value,
        "until": _day(support.until),
        "public": support.public,
    }


def _cve(cve: CveVerdict) -> Document:
    return {
        "id": cve.id,
        "status": cve.status.value,
        "why": cve.why.value,
        "rce": cve.rce,
        "kev": _day(cve.kev),
        "cvss": cve.cvss,
        "counts_for_class": cve.counts_for_class,
        "condition": cve.condition.value if cve.condition else None,
        "decide_by": cve.decide_by,
        "fixed_in": [str(build) for build in cve.fixed_in],
    }


def _exposure(exposure: Exposure) -> Document:
    return {
        "service": exposure.service,
        "port": exposure.port,
        "reachable": exposure.reachable,
        "status": exposure.status,
        "login_methods": list(exposure.login_methods),
        "encrypted": exposure.encrypted,
    }


def _certificate(facts: CertificateFacts | None) -> Document | None:
    if facts is None:
        return None
    return {
        "sha256": facts.sha256,
        "subject": facts.subject,
        "names": list(facts.names),
        "issuer": facts.issuer,
        "not_before": _day(facts.not_before),
        "not_after": _day(facts.not_after),
        "self_signed": facts.self_signed,
        "key": facts.key,
        "signature": facts.signature,
        "router": facts.router,
        "problem": facts.problem,
    }


def _permit(observation: Observation) -> Document | None:
    permit = observation.permit
    if permit is None:
        return None
    return {
        "granted_by": permit.granted_by,
        "authority": permit.authority,
        "legal_basis": permit.legal_basis,
        "purposes": list(permit.purposes),
    }


def _same(values: list[str]) -> str | None:
    return values[0] if len(set(values)) == 1 else None


def _day(day: date | None) -> str | None:
    return str(day) if day else None


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
