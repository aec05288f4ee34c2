"""audit: one server from inside: read, identify, judge, check, decide (docs/audit.md).

bundle -> members -> ServerState -> build -> Identity -> Assessment
ServerState + Assessment -> checks -> findings, decisions -> Assessment
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from patchstand import knowledge
from patchstand.assess import Subject, findings, judge, most_severe_first
from patchstand.assess.audit import audit as run_checks
from patchstand.assess.extended_protection import protection
from patchstand.assess.inside import Inside
from patchstand.assess.mitigations import seen_mitigations
from patchstand.collect.state import server_state
from patchstand.errors import UsageError
from patchstand.identify import identify
from patchstand.model import Evidence, EvidenceKind, Identity, Knowledge
from patchstand.model.audited import AuditedServer, OpenQuestion
from patchstand.model.bundled import RefusedBundle
from patchstand.model.inside import ServerState
from patchstand.workflow.audit_sources import (
    Source,
    altered,
    compared_with,
    known_certificates,
    open_source,
    sources,
)


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """What to audit: bundles and single files; `build` where no file tells it.

    `role`: of an Exchange 2013 server, `cas`, `mbx` or `both`, where no file tells it.
    `inbox`: a folder whose zips are bundles too; `certificates`: PEM, those that may have
    signed them.
    """

    paths: tuple[Path, ...]
    as_of: date
    build: str | None = None
    override: Path | None = None
    role: str | None = None
    inbox: Path | None = None
    certificates: Path | None = None


def audit(plan: AuditPlan) -> Iterator[AuditedServer | RefusedBundle]:
    """Audit every bundle; single files together are one.

    A bundle that cannot be opened is refused, and the others are judged; the only one raises.

    Raises:
        UsageError: there is no such file or folder, or the only bundle is no server's; the
            certificates are none.
    """
    found = sources_of(plan)
    for source in found:
        yield audit_source(source, plan, is_only=is_only(found))


def sources_of(plan: AuditPlan) -> tuple[Source, ...]:
    """What a plan names, once it is known that it can be carried out.

    Raises:
        UsageError: the inbox cannot be listed, the certificates are none.
    """
    if plan.certificates is not None:
        known_certificates(plan.certificates)
    return sources(plan.paths, plan.inbox)


def is_only(found: Sequence[Source]) -> bool:
    """True for a bundle that somebody named by itself: an inbox may hold anything."""
    return len(found) == 1 and not found[0].is_received


def audit_source(
    source: Source, plan: AuditPlan, *, is_only: bool = False
) -> AuditedServer | RefusedBundle:
    """Audit one bundle in whatever process this is.

    Raises:
        UsageError: as `audit`, when it is the only one.
    """
    try:
        return _audited_source(source, plan)
    except UsageError as error:
        if is_only:
            raise
        return RefusedBundle(source.name, str(error))


def _audited_source(source: Source, plan: AuditPlan) -> AuditedServer | RefusedBundle:
    known = _known(plan.override)
    opened = open_source(source, plan.certificates)
    if isinstance(opened, RefusedBundle):
        return opened
    state = server_state(source.name, opened.files, known.directories.directories)
    provenance = compared_with(opened.provenance, state)
    if plan.certificates is not None and source.is_received and provenance.altered:
        return RefusedBundle(source.name, altered(provenance))
    return replace(audited(state, known, plan), provenance=provenance)


@cache
def _known(override: Path | None) -> Knowledge:
    """The knowledge, loaded once in a process."""
    return knowledge.load(override)


def audited(state: ServerState, known: Knowledge, plan: AuditPlan) -> AuditedServer:
    """Everything that follows from the state of one server."""
    identity = _identity(state, known, plan)
    before = judge(known, identity, plan.as_of)
    inside = Inside(state, known, identity, before, plan.role)
    done = run_checks(inside)
    protected = protection(inside)
    outside = findings(Subject(known, identity, done.assessment))
    return AuditedServer(
        name=_name(state),
        identity=identity,
        assessment=done.assessment,
        findings=most_severe_first((*outside, *done.findings)),
        undetermined=tuple(OpenQuestion(each.wanted, each.cves) for each in done.unread),
        read=tuple(sorted(_files(state))),
        skipped=state.skipped,
        unknown=state.unknown,
        extended_protection=protected.directories if protected else (),
        extended_protection_summary=protected.summary if protected else None,
        mitigations=seen_mitigations(inside),
    )


def _identity(state: ServerState, known: Knowledge, plan: AuditPlan) -> Identity:
    """From the file version of ExSetup.exe, which security updates change, else what AD says.

    Raises:
        UsageError: `--build` is none, or differs from the bundle's.
    """
    evidence = [*_build_evidence(state, plan.build)]
    if not evidence:
        raise UsageError(
            f"{state.name}: no file tells the build (ExSetup.xml, GetExchangeServer.xml);"
            " say it with --build"
        )
    return replace(identify(evidence, known, plan.as_of).nodes[0], is_exchange=True)


def _build_evidence(state: ServerState, build: str | None) -> Iterator[Evidence]:
    if build is not None:
        yield Evidence(EvidenceKind.BUILD, build, source="--build")
    elif (exact := state.reading("ExSetup", "FileVersion")) is not None:
        yield Evidence(EvidenceKind.BUILD, exact.value, source=exact.file)
    elif (said := state.reading("GetExchangeServer", "AdminDisplayVersion")) is not None:
        yield Evidence(EvidenceKind.BUILD, said.value, source=said.file)


def _name(state: ServerState) -> str:
    found = state.reading("GetExchangeServer", "Name")
    return found.value if found else state.name


def _files(state: ServerState) -> Iterator[str]:
    yield from (export.file for export in state.exports.values())
    yield from (markup.file for markup in state.markup.values())
    yield from (file for file, _ in state.texts.values())
