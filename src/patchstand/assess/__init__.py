"""Set of builds + knowledge + as-of date -> patch level, CVE statuses, class, findings.

Pure: no network, file or clock. `verdict` judges, `checks/` holds one file per check,
`severity` the one table of severities, `support` and `patch_level` the definitions.
"""

from collections.abc import Iterable
from functools import cache

from patchstand.assess import checks
from patchstand.assess.check import Check, Subject
from patchstand.assess.exposure import exposures
from patchstand.assess.verdict import is_stale, judge, judge_build, judge_set
from patchstand.model import Finding
from patchstand.plugins import declared

__all__ = [
    "Subject",
    "exposures",
    "findings",
    "is_stale",
    "judge",
    "judge_build",
    "judge_set",
    "most_severe_first",
]


def findings(subject: Subject) -> tuple[Finding, ...]:
    """What someone should act on for one node, most severe first."""
    found = [finding for check in _checks() for finding in check.run(subject)]
    return most_severe_first(found)


def most_severe_first(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings without repetitions, sorted by severity; equal ones keep their order."""
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: finding.severity.rank))


@cache
def _checks() -> tuple[Check, ...]:
    return tuple(declared(checks, "CHECK").values())
