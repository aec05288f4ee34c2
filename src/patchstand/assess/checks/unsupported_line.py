"""The line or CU gets no public security updates any more."""

from collections.abc import Iterator

from patchstand.assess.check import Check, Subject
from patchstand.assess.remedies import update_steps
from patchstand.assess.severity import UNSUPPORTED_LINE
from patchstand.assess.support import UNSUPPORTED
from patchstand.model import Finding, PhaseName


def _run(subject: Subject) -> Iterator[Finding]:
    best = subject.best
    if best is None or best.support.phase not in UNSUPPORTED:
        return
    steps = update_steps(subject.knowledge, best, subject.assessment.as_of)
    values = (
        ("line", best.line.value),
        ("cu", best.cu),
        ("phase", "esu" if best.support.phase is PhaseName.ESU else "ended"),
        ("until", str(best.support.until or "")),
    )
    yield Finding("unsupported_line", UNSUPPORTED_LINE, values, steps)


CHECK = Check("unsupported_line", _run)
