"""The knowledge is older than the question, or older than the server."""

from collections.abc import Iterator

from patchstand.assess.check import Check, Subject
from patchstand.assess.dates import patch_day_after
from patchstand.assess.severity import NOTE
from patchstand.model import Finding, Remedy


def _run(subject: Subject) -> Iterator[Finding]:
    assessment = subject.assessment
    if assessment.stale:
        values = (
            ("covered_until", str(assessment.covered_until)),
            ("patch_day", str(patch_day_after(assessment.covered_until))),
        )
        yield Finding("knowledge_stale", NOTE, values, (Remedy("update_knowledge"),))
    if subject.identity.reason == "knowledge_too_old":
        shown = [clue.value for clue in subject.identity.evidence if clue.reason]
        value = (("value", shown[0] if shown else ""),)
        yield Finding("knowledge_too_old", NOTE, value, (Remedy("update_knowledge"),))


CHECK = Check("knowledge_limits", _run)
