"""CVE verdicts in the order in which people read them."""

from collections.abc import Iterable
from dataclasses import dataclass

from patchstand.model import CveVerdict, Status, Why


@dataclass(frozen=True, slots=True)
class Question:
    """Undetermined CVEs that one and the same look would decide.

    `counts`: at least one of them counts for the class of the server.
    """

    why: Why
    decide_by: str | None
    ids: tuple[str, ...]
    counts: bool


@dataclass(frozen=True, slots=True)
class Flaws:
    """The verdicts of one server, sorted into what is open, what is unclear, and counts."""

    affected: tuple[CveVerdict, ...]
    undetermined: tuple[CveVerdict, ...]
    questions: tuple[Question, ...]
    fixed: int
    not_affected: int


def sort_out(cves: Iterable[CveVerdict]) -> Flaws:
    """Exploited first, then those that run code, then by CVSS; unclear ones grouped."""
    ranked = sorted(cves, key=_urgency)
    by_status = {status: [cve for cve in ranked if cve.status is status] for status in Status}
    return Flaws(
        affected=tuple(by_status[Status.AFFECTED]),
        undetermined=tuple(by_status[Status.UNDETERMINED]),
        questions=_questions(by_status[Status.UNDETERMINED]),
        fixed=len(by_status[Status.FIXED]),
        not_affected=len(by_status[Status.NOT_AFFECTED]),
    )


def _questions(undetermined: Iterable[CveVerdict]) -> tuple[Question, ...]:
    """Grouped by what decides them; those that count for the class first."""
    groups: dict[tuple[Why, str | None], list[CveVerdict]] = {}
    for cve in undetermined:
        groups.setdefault((cve.why, cve.decide_by), []).append(cve)
    found = [
        Question(
            why,
            decide_by,
            tuple(cve.id for cve in cves),
            counts=any(cve.counts_for_class for cve in cves),
        )
        for (why, decide_by), cves in groups.items()
    ]
    return tuple(sorted(found, key=lambda question: not question.counts))


def _urgency(cve: CveVerdict) -> tuple[bool, bool, float, str]:
    return (cve.kev is None, not cve.rce, -(cve.cvss or 0.0), cve.id)
