"""The nouns of patchstand: frozen, slotted dataclasses and enums; stdlib only.

Target, Scope, Permit -> Observation (Transcripts, Outcomes)   observation.py
Evidence -> Clue -> Identity (a set of Builds)                 evidence.py, build.py
Update, Cve, SupportPhase in Knowledge                         knowledge.py
BuildAssessment -> Assessment, Finding                         assessment.py
CheckedServer (all of one address, for the reports)            report.py
Record (one row of the store)                                  record.py
"""

from patchstand.model.assessment import (
    Assessment,
    Behind,
    BuildAssessment,
    CertificateFacts,
    CveVerdict,
    Exposure,
    Finding,
    MissingUpdate,
    Remedy,
    ServerClass,
    Severity,
    Status,
    Support,
    Why,
)
from patchstand.model.build import ON_PREMISES, Build, ProductLine
from patchstand.model.census import FEWEST, Basis, Census, Figure, SkippedMonth
from patchstand.model.evidence import (
    Clue,
    Conflict,
    Evidence,
    EvidenceKind,
    Identity,
    IdentityPrecision,
    Sighted,
)
from patchstand.model.fingerprint import Fingerprint, FingerprintMeaning
from patchstand.model.knowledge import (
    Condition,
    Cve,
    Knowledge,
    LineFix,
    PhaseName,
    Precision,
    RejectedBuild,
    SupportPhase,
    Update,
    UpdateKind,
)
from patchstand.model.observation import (
    HERE,
    Observation,
    Outcome,
    Permit,
    Scope,
    Target,
    TlsFacts,
    Transcript,
)
from patchstand.model.record import (
    NOWHERE,
    Conclusion,
    Place,
    Record,
    Rejected,
    Source,
    usual_ports,
)
from patchstand.model.report import CheckedNode, CheckedServer

__all__ = [
    "FEWEST",
    "HERE",
    "NOWHERE",
    "ON_PREMISES",
    "Assessment",
    "Basis",
    "Behind",
    "Build",
    "BuildAssessment",
    "Census",
    "CertificateFacts",
    "CheckedNode",
    "CheckedServer",
    "Clue",
    "Conclusion",
    "Condition",
    "Conflict",
    "Cve",
    "CveVerdict",
    "Evidence",
    "EvidenceKind",
    "Exposure",
    "Figure",
    "Finding",
    "Fingerprint",
    "FingerprintMeaning",
    "Identity",
    "IdentityPrecision",
    "Knowledge",
    "LineFix",
    "MissingUpdate",
    "Observation",
    "Outcome",
    "Permit",
    "PhaseName",
    "Place",
    "Precision",
    "ProductLine",
    "Record",
    "Rejected",
    "RejectedBuild",
    "Remedy",
    "Scope",
    "ServerClass",
    "Severity",
    "Sighted",
    "SkippedMonth",
    "Source",
    "Status",
    "Support",
    "SupportPhase",
    "Target",
    "TlsFacts",
    "Transcript",
    "Update",
    "UpdateKind",
    "Why",
    "usual_ports",
]
