"""audit: one server from inside: read, identify, judge, check, decide (docs/audit.md).

bundle -> members -> ServerState -> build -> Identity -> Assessment
ServerState + Assessment -> checks -> findings, decisions -> Assessment
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from patchstand import knowledge
from patchstand.assess import Subject, findings, judge, most_severe_first
from patchstand.assess.audit import audit as run_checks
from patchstand.assess.extended_protection import protection
from patchstand.assess.inside import Inside
from patchstand.assess.mitigations import seen_mitigations
from patchstand.collect.bundle import is_bundle, members, members_of
from patchstand.collect.state import server_state
from patchstand.errors import UsageError
from patchstand.identify import identify
from patchstand.model import Evidence, EvidenceKind, Identity, Knowledge
from patchstand.model.audited import AuditedServer, OpenQuestion
from patchstand.model.inside import ServerState


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """What to audit: bundles and single files; `build` where no file tells it.

    `role`: of an Exchange 2013 server, `cas`, `mbx` or `both`, where no file tells it.
    """

    paths: tuple[Path, ...]
    as_of: date
    build: str | None = None
    override: Path | None = None
    role: str | None = None


def audit(plan: AuditPlan) -> Iterator[AuditedServer]:
    """Audit every bundle; single files together are one.

    Raises:
        UsageError: there is no such file, a bundle cannot be opened, or is no server's.
    """
    known = knowledge.load(plan.override)
    for name, paths in _servers(plan.paths):
        whole = len(paths) == 1 and is_bundle(paths[0])
        files = members(paths[0]) if whole else members_of(paths)
        yield audited(server_state(name, files, known.directories.directories), known, plan)


def _servers(paths: Sequence[Path]) -> Iterator[tuple[str, tuple[Path, ...]]]:
    """Each folder and zip is a server; the files that were named by themselves are one."""
    single = tuple(path for path in paths if not is_bundle(path))
    for path in paths:
        if path not in single:
            yield path.name, (path,)
    if single:
        yield single[0].name, single


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
