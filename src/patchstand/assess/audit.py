"""The verdict over a server seen from inside: settings decide CVEs, and the class follows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from patchstand.assess import inside_checks
from patchstand.assess.inside import Decision, Inside, Unread, hangs_on_setting
from patchstand.assess.verdict import classify, limits_at
from patchstand.model import Assessment, CveVerdict, Finding, Status, Why
from patchstand.plugins import declared


@dataclass(frozen=True, slots=True)
class Audit:
    """What all checks said: findings, what they decided, what they could not read."""

    assessment: Assessment
    findings: tuple[Finding, ...]
    decisions: tuple[Decision, ...]
    unread: tuple[Unread, ...]


def audit(inside: Inside) -> Audit:
    """Run every check over a server and judge it anew with what they decided."""
    said = [
        each for check in declared(inside_checks, "CHECK").values() for each in check.run(inside)
    ]
    decisions = tuple(each for each in said if isinstance(each, Decision))
    found = [each for each in said if isinstance(each, Finding)]
    return Audit(
        assessment=decided(inside, decisions),
        findings=tuple(sorted(dict.fromkeys(found), key=lambda each: each.severity.rank)),
        decisions=decisions,
        unread=tuple(_joined(each for each in said if isinstance(each, Unread))),
    )


def _joined(unread: Iterable[Unread]) -> Iterator[Unread]:
    """One for each export, with all that hangs on it."""
    cves: dict[str, dict[str, None]] = {}
    for each in unread:
        cves.setdefault(each.wanted, {}).update(dict.fromkeys(each.cves))
    for wanted, hanging in cves.items():
        yield Unread(wanted, tuple(hanging))


def decided(inside: Inside, decisions: Iterable[Decision]) -> Assessment:
    """The assessment with undetermined CVEs decided by settings.

    Only what hangs on a setting is decided by one: a build that lacks the fix stays affected,
    and a safe default holds until a setting says otherwise. Where two decisions contradict,
    the flaw is open. From inside all decided flaws count.
    """
    is_open: dict[str, bool] = {}
    for decision in decisions:
        for cve in decision.cves:
            is_open[cve] = is_open.get(cve, False) or decision.is_open
    assessment = inside.assessment
    before_log_in = {cve.id for cve in inside.knowledge.cves if cve.pre_authentication}
    cves = tuple(_decided(cve, is_open, before_log_in) for cve in assessment.cves)
    limits = (*limits_at(inside.knowledge, assessment.as_of), *_doubts(inside))
    levels = tuple(member.behind for member in assessment.members)
    supports = tuple(dict.fromkeys(member.support for member in assessment.members))
    if not levels:
        return assessment
    found, reasons = classify(levels, cves, supports, limits)
    return replace(assessment, cves=cves, server_class=found, reasons=reasons)


def _doubts(inside: Inside) -> tuple[str, ...]:
    return (inside.identity.reason,) if inside.identity.reason else ()


def _decided(cve: CveVerdict, is_open: dict[str, bool], before_log_in: set[str]) -> CveVerdict:
    if cve.id not in is_open or not hangs_on_setting(cve):
        return cve
    if is_open[cve.id]:
        return replace(
            cve,
            status=Status.AFFECTED,
            why=Why.CONFIGURATION,
            pre_authentication=cve.id in before_log_in,
            decide_by=None,
            counts_for_class=True,
        )
    if cve.why is Why.DEFAULT:
        return cve
    return replace(cve, status=Status.FIXED, decide_by=None, counts_for_class=True)
