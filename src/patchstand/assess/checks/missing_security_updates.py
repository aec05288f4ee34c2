"""Security updates that are out and not installed."""

from collections.abc import Iterator

from patchstand.assess.check import Check, Subject
from patchstand.assess.remedies import update_steps
from patchstand.assess.severity import open_cves, severity_of
from patchstand.model import Behind, BuildAssessment, Finding, Remedy, Severity


def _run(subject: Subject) -> Iterator[Finding]:
    low, high = subject.assessment.low, subject.assessment.high
    worst = subject.worst
    if high is None or high.since is None or low is None or worst is None:
        return
    affected = open_cves(subject.assessment.cves)
    exploited = [cve.id for cve in affected if cve.kev]
    if low.since is None:
        yield _possible(subject, worst, high)
        return
    values = (
        *_extent(low, high),
        ("open_cves", str(len(affected))),
        ("exploited", ", ".join(exploited)),
        ("rce", str(sum(cve.rce is True for cve in affected))),
    )
    yield Finding(
        "missing_security_updates",
        severity_of(subject.assessment.cves),
        values,
        _steps(subject, worst, exploited),
        references=tuple(update.kb for update in low.missing if update.kb),
        cves=tuple(cve.id for cve in affected),
    )


def _extent(low: Behind, high: Behind) -> tuple[tuple[str, str], ...]:
    """Counts and dates; `count_low` and `count_high` differ when the build is not exact."""
    names = [update.name for update in low.missing]
    return (
        ("count", str(len(low.missing))),
        ("count_low", str(len(low.missing))),
        ("count_high", str(len(high.missing))),
        ("since", str(low.since)),
        ("days", str(low.days)),
        ("months", str(low.months)),
        ("names", ", ".join(names)),
        ("newest", names[-1]),
    )


def _steps(subject: Subject, worst: BuildAssessment, exploited: list[str]) -> tuple[Remedy, ...]:
    steps = [*update_steps(subject.knowledge, worst, subject.assessment.as_of)]
    if exploited:
        steps.append(Remedy("check_for_compromise", (("cves", ", ".join(exploited)),)))
    return (*steps, Remedy("check_again"))


def _possible(subject: Subject, worst: BuildAssessment, high: Behind) -> Finding:
    """Some members of the set lack updates, others do not: a note, until it is decided."""
    values = (
        ("count_low", "0"),
        ("count_high", str(len(high.missing))),
        ("since", str(high.since)),
        ("days", str(high.days)),
        ("months", str(high.months)),
        ("newest", high.missing[-1].name),
    )
    steps = update_steps(subject.knowledge, worst, subject.assessment.as_of)
    return Finding("possibly_missing_updates", Severity.LOW, values, (*steps,))


CHECK = Check("missing_security_updates", _run)
