"""check: one or a few servers from outside: look, identify, judge, report."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from datetime import date

from patchstand.assess import Subject, exposures, findings, judge, most_severe_first
from patchstand.identify import identify
from patchstand.model import (
    Assessment,
    CertificateFacts,
    CheckedNode,
    CheckedServer,
    Conflict,
    Finding,
    Identity,
    Knowledge,
    Observation,
    Severity,
    Sighted,
    Target,
)
from patchstand.observe.certificate import certificate_facts
from patchstand.observe.look import Approach, look_at_all
from patchstand.workflow.conclude import is_exchange
from patchstand.workflow.evidence import evidence_of


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How to judge what was seen, and how many servers to look at at once."""

    as_of: date
    concurrency: int = 50


async def check(
    targets: Iterable[Target], approach: Approach, known: Knowledge, options: CheckOptions
) -> AsyncIterator[CheckedServer]:
    """Check servers; yields each as it is done, in the order in which they answer."""
    async for observation in look_at_all(targets, approach, options.concurrency):
        yield conclude(observation, known, options.as_of)


def conclude(observation: Observation, known: Knowledge, as_of: date) -> CheckedServer:
    """Everything that follows from one observation, judged as of a day."""
    sighted = identify(evidence_of(observation), known, as_of)
    certificate, tls_versions = _tls(observation)
    exposed = exposures(observation)
    nodes: list[CheckedNode] = []
    for identity in sighted.nodes:
        if identity.is_exchange is not True:
            nodes.append(CheckedNode(identity, None))
            continue
        assessment = judge(known, identity, as_of)
        subject = Subject(known, identity, assessment, exposed, certificate, tls_versions)
        nodes.append(CheckedNode(identity, replace(assessment, findings=findings(subject))))
    worst = _worst(nodes)
    assessed = nodes[worst].assessment if worst is not None else None
    return CheckedServer(
        observation=observation,
        is_exchange=is_exchange(sighted),
        nodes=tuple(nodes),
        worst=worst,
        server_class=assessed.server_class if assessed else None,
        exposure=exposed,
        certificate=certificate,
        tls_versions=tls_versions,
        findings=most_severe_first(_findings_of(nodes) + _several_builds(sighted)),
        conflicts=_conflicts(sighted),
    )


def _tls(observation: Observation) -> tuple[CertificateFacts | None, tuple[str, ...]]:
    """The certificate of the web side, else of the mail side, and the TLS versions seen."""
    seen = [transcript for transcript in observation.transcripts if transcript.tls is not None]
    versions = tuple(dict.fromkeys(each.tls.version for each in seen if each.tls))
    web = [each for each in seen if each.service == "https"] or seen
    for transcript in web:
        if transcript.tls is not None and transcript.tls.certificate is not None:
            return certificate_facts(transcript.tls.certificate), versions
    return None, versions


def _findings_of(nodes: list[CheckedNode]) -> list[Finding]:
    """The findings of the node that counts, and those that only other nodes have.

    A finding of several nodes is told once, as the worst of them has it: two counts of
    missing updates one below the other would read as two servers.
    """
    judged = [node.assessment for node in nodes if node.assessment]
    found: list[Finding] = []
    for assessment in sorted(judged, key=_badness, reverse=True):
        told = {finding.id for finding in found}
        found += [finding for finding in assessment.findings if finding.id not in told]
    return found


def _several_builds(sighted: Sighted) -> list[Finding]:
    servers = [node for node in sighted.nodes if node.is_exchange and node.builds]
    if len({node.builds for node in servers}) < 2:
        return []
    builds = ", ".join(sorted({str(node.builds[0]) for node in servers}))
    names = ", ".join(node.node or "?" for node in servers)
    values = (("builds", builds), ("nodes", names))
    return [Finding("several_builds", Severity.INFO, values)]


def _worst(nodes: list[CheckedNode]) -> int | None:
    """The index of the node that counts for the server; None when none is Exchange."""
    judged = [(at, node.assessment) for at, node in enumerate(nodes) if node.assessment]
    return max(judged, key=lambda pair: _badness(pair[1]))[0] if judged else None


_CLASSES = ("not_vulnerable", "undetermined", "vulnerable")


def _badness(assessment: Assessment) -> tuple[int, int, int]:
    days = assessment.high.days if assessment.high and assessment.high.since else -1
    severity = min((finding.severity.rank for finding in assessment.findings), default=9)
    return _CLASSES.index(assessment.server_class.value), -severity, days


def _conflicts(sighted: Sighted) -> tuple[Conflict, ...]:
    found = [conflict for node in sighted.nodes for conflict in node.conflicts]
    return tuple(dict.fromkeys(found))


def worst_first(servers: Iterable[CheckedServer]) -> list[CheckedServer]:
    """Sorted for people: the class first, then what is most severe, then how long it is open."""
    return sorted(servers, key=_urgency, reverse=True)


def _urgency(server: CheckedServer) -> tuple[int, int, int]:
    if server.worst is None:
        return -1, 0, 0
    assessment = server.nodes[server.worst].assessment
    return _badness(assessment) if assessment else (-1, 0, 0)


def measured(server: CheckedServer) -> bool:
    """True when the server answered anything at all."""
    return any(transcript.answer for transcript in server.observation.transcripts)


def identity_of(server: CheckedServer) -> Identity:
    """The identity of the node that counts."""
    return server.nodes[server.worst or 0].identity
