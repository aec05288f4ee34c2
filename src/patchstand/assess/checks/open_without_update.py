"""A hole that is known and open although no update is missing."""

from collections.abc import Iterator

from patchstand.assess.check import Check, Subject
from patchstand.assess.severity import open_cves, severity_of
from patchstand.model import Finding, Remedy


def _run(subject: Subject) -> Iterator[Finding]:
    low = subject.assessment.low
    affected = [cve for cve in open_cves(subject.assessment.cves) if cve.counts_for_class]
    if not affected or low is None or low.since is not None:
        return
    ids = ", ".join(cve.id for cve in affected)
    yield Finding(
        "open_without_update",
        severity_of(affected),
        (("cves", ids),),
        (Remedy("apply_mitigation", (("cves", ids),)), Remedy("check_again")),
        cves=tuple(cve.id for cve in affected),
    )


CHECK = Check("open_without_update", _run)
