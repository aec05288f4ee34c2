"""The installed update was withdrawn or issued again."""

from collections.abc import Iterator

from patchstand.assess.check import Check, Subject
from patchstand.assess.remedies import replacement
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy


def _run(subject: Subject) -> Iterator[Finding]:
    assessment = subject.assessment
    if len(assessment.members) != 1:
        return
    row = subject.knowledge.row_for(assessment.members[0].build)
    if row is None:
        return
    newer = replacement(subject.knowledge, row, assessment.as_of)
    withdrawn = row.withdrawn_on is not None and row.withdrawn_on <= assessment.as_of
    if not withdrawn and newer is None:
        return
    values = (
        ("update", row.name),
        ("withdrawn_on", str(row.withdrawn_on or "")),
        ("replacement", newer.name if newer else ""),
    )
    steps: tuple[Remedy, ...] = ()
    if newer is not None:
        install = (("update", newer.name), ("kb", newer.kb or ""), ("cu", newer.cu))
        action = "install_esu_update" if newer.esu else "install_su"
        steps = (Remedy(action, (*install, ("build", str(newer.build)))),)
    finding = "withdrawn_update" if withdrawn else "reissued_update"
    yield Finding(finding, HARDENING, values, steps)


CHECK = Check("taken_back", _run)
