"""Set of builds + knowledge + as-of date -> patch level, CVE statuses, class, findings.

Pure: no network, file or clock. `verdict` judges, `checks/` holds one file per check,
`severity` the one table of severities, `support` and `patch_level` the definitions.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from patchstand.assess import checks
from patchstand.assess.check import Check, Subject
from patchstand.assess.course import Bounds, Course, Span, course
from patchstand.assess.exposure import exposures
from patchstand.assess.standings import (
    cve_standings,
    joined_cves,
    security_updates,
    update_standings,
)
from patchstand.assess.verdict import is_stale, judge, judge_build, judge_set
from patchstand.model import Finding, Why
from patchstand.plugins import declared

__all__ = [
    "Bounds",
    "Course",
    "Span",
    "Subject",
    "course",
    "cve_standings",
    "exposures",
    "findings",
    "is_stale",
    "joined_cves",
    "judge",
    "judge_build",
    "judge_set",
    "most_severe_first",
    "security_updates",
    "update_standings",
]


def findings(subject: Subject) -> tuple[Finding, ...]:
    """What someone should act on for one node, most severe first."""
    found = [*_of_verdict(subject)]
    for check in _checks():
        if check.of_address:
            found += check.run(subject)
    return most_severe_first(found)


_remembered: OrderedDict[tuple[object, ...], tuple[Finding, ...]] = OrderedDict()
_MOST_REMEMBERED = 2048


def _of_verdict(subject: Subject) -> tuple[Finding, ...]:
    """Findings that follow from identity and verdict alone, remembered by what they rest on."""
    identity = subject.identity
    bare = replace(identity, evidence=(), node=None, fronts=(), seen_on=None)
    unread = tuple(clue.value for clue in identity.evidence if clue.reason)
    key = (subject.knowledge, bare, unread, subject.assessment.as_of, _settings(subject))
    if key not in _remembered:
        runs = [check.run(subject) for check in _checks() if not check.of_address]
        _remembered[key] = tuple(finding for found in runs for finding in found)
        if len(_remembered) > _MOST_REMEMBERED:
            _remembered.popitem(last=False)
    return _remembered[key]


def _settings(subject: Subject) -> tuple[object, ...]:
    """What settings of this server decided: servers of one build differ in it."""
    cves = subject.assessment.cves
    decided = (cve for cve in cves if cve.why is Why.CONFIGURATION)
    return tuple((cve.id, cve.status) for cve in decided)


def most_severe_first(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings without repetitions, sorted by severity; equal ones keep their order."""
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: finding.severity.rank))


@cache
def _checks() -> tuple[Check, ...]:
    return tuple(declared(checks, "CHECK").values())
