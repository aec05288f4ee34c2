"""From one build, or a set of builds, to a verdict at a date."""

from datetime import date
from functools import lru_cache

from patchstand.assess.cves import join, verdicts
from patchstand.assess.dates import patch_day_after
from patchstand.assess.patch_level import behind
from patchstand.assess.support import UNSUPPORTED, support_at
from patchstand.model import (
    Assessment,
    Behind,
    Build,
    BuildAssessment,
    CveVerdict,
    Identity,
    Knowledge,
    ServerClass,
    Status,
    Support,
    Why,
)

_REMEMBERED = 4096
NO_BUILD = "no_build"
"""Reason of a verdict over an empty set: the evidence names no build at all."""


def is_stale(knowledge: Knowledge, as_of: date) -> bool:
    """True when a patch day lies after `covered_until`, on or before the as-of date."""
    return patch_day_after(knowledge.covered_until) <= as_of


@lru_cache(maxsize=_REMEMBERED)
def judge_build(knowledge: Knowledge, build: Build, as_of: date) -> BuildAssessment | None:
    """What one build means on a day; None when the knowledge has no row for it.

    Remembered per (knowledge, build, day): a census meets a few hundred distinct builds.
    """
    row = knowledge.row_for(build)
    if row is None:
        return None
    own_behind = behind(knowledge, build, row, as_of)
    support = support_at(knowledge, row.line, row.cu, as_of)
    cves = verdicts(knowledge, build, row, as_of)
    server_class, reasons = classify((own_behind,), cves, (support,), limits_at(knowledge, as_of))
    return BuildAssessment(
        build=build,
        line=row.line,
        cu=row.cu,
        update=row.name,
        kb=row.kb,
        released=row.released,
        support=support,
        behind=own_behind,
        cves=cves,
        server_class=server_class,
        reasons=reasons,
    )


@lru_cache(maxsize=_REMEMBERED)
def judge_set(
    knowledge: Knowledge, builds: tuple[Build, ...], reason: str | None, as_of: date
) -> Assessment:
    """The verdict over a set of builds on a day, without findings.

    `reason` says why the set is empty, or what casts doubt on it: then, and with members
    the knowledge has no row for, the verdict is undetermined at best.
    """
    judged = [judge_build(knowledge, build, as_of) for build in builds]
    members = tuple(member for member in judged if member is not None)
    stale = is_stale(knowledge, as_of)
    if not members:
        why = Why.KNOWLEDGE_TOO_OLD.value if builds else NO_BUILD
        return _empty(knowledge, as_of, stale, reason or why)
    cves = join([member.cves for member in members])
    supports = tuple(dict.fromkeys(member.support for member in members))
    levels = tuple(member.behind for member in members)
    limits = limits_at(knowledge, as_of)
    if len(members) < len(judged):
        limits = (*limits, Why.KNOWLEDGE_TOO_OLD.value)
    if reason is not None:
        limits = (*limits, reason)
    server_class, reasons = classify(levels, cves, supports, limits)
    return Assessment(
        as_of=as_of,
        knowledge_version=knowledge.version,
        covered_until=knowledge.covered_until,
        stale=stale,
        server_class=server_class,
        reasons=reasons,
        members=members,
        low=min(levels, key=_days),
        high=max(levels, key=_days),
        support=supports[0] if len(supports) == 1 else None,
        cves=cves,
        findings=(),
    )


def judge(knowledge: Knowledge, identity: Identity, as_of: date) -> Assessment:
    """The verdict over an identity on a day, without findings."""
    return judge_set(knowledge, identity.builds, identity.reason, as_of)


def limits_at(knowledge: Knowledge, as_of: date) -> tuple[str, ...]:
    """Why the knowledge cannot say that nothing is missing on a day."""
    if is_stale(knowledge, as_of):
        return (Why.KNOWLEDGE_STALE.value,)
    return ("knowledge_incomplete",) if as_of < knowledge.covered_from else ()


def _days(level: Behind) -> int:
    return level.days if level.since is not None else -1


def classify(
    levels: tuple[Behind, ...],
    cves: tuple[CveVerdict, ...],
    supports: tuple[Support, ...],
    limits: tuple[str, ...],
) -> tuple[ServerClass, tuple[str, ...]]:
    """The class of a server and the reasons for it (docs/results.md, "The class").

    `limits` are doubts that do not lie in the server but in what is known of it.
    """
    vulnerable = []
    if all(level.since is not None for level in levels):
        vulnerable.append("missing_update")
    if any(cve.status is Status.AFFECTED and cve.counts_for_class for cve in cves):
        vulnerable.append("cve_affected")
    doubts = []
    if len({level.since is None for level in levels}) > 1:
        doubts.append(Why.SET.value)
    undecided = {
        cve.why for cve in cves if cve.status is Status.UNDETERMINED and cve.counts_for_class
    }
    doubts += sorted(why.value for why in undecided if why.value not in doubts)
    if any(support.phase in UNSUPPORTED for support in supports):
        doubts.append(Why.UNSUPPORTED.value)
    doubts += [limit for limit in limits if limit not in doubts]
    if vulnerable:
        return ServerClass.VULNERABLE, (*vulnerable, *doubts)
    if doubts:
        return ServerClass.UNDETERMINED, tuple(doubts)
    return ServerClass.NOT_VULNERABLE, ()


def _empty(knowledge: Knowledge, as_of: date, stale: bool, reason: str) -> Assessment:
    reasons = (reason, *((Why.KNOWLEDGE_STALE.value,) if stale else ()))
    return Assessment(
        as_of=as_of,
        knowledge_version=knowledge.version,
        covered_until=knowledge.covered_until,
        stale=stale,
        server_class=ServerClass.UNDETERMINED,
        reasons=reasons,
        members=(),
        low=None,
        high=None,
        support=None,
        cves=(),
        findings=(),
    )
