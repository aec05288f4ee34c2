"""The line or CU gets no public security updates any more."""

from collections.abc import Iterator

from patchstand.assess.check import Check, Subject
from patchstand.assess.remedies import update_steps
from patchstand.assess.severity import UNSUPPORTED_LINE
from patchstand.assess.support import UNSUPPORTED, public_support_end
from patchstand.model import Finding, PhaseName, Remedy


def _run(subject: Subject) -> Iterator[Finding]:
    best = subject.best
    if best is None:
        yield from _by_line(subject)
        return
    if best.support.phase not in UNSUPPORTED:
        return
    steps = update_steps(subject.knowledge, best, subject.assessment.as_of)
    values = (
        ("line", best.line.value),
        ("cu", best.cu),
        ("release", f"{best.line.value} {best.cu}"),
        ("phase", "esu" if best.support.phase is PhaseName.ESU else "ended"),
        ("until", str(best.support.until or "")),
    )
    yield Finding("unsupported_line", UNSUPPORTED_LINE, values, steps)


def _by_line(subject: Subject) -> Iterator[Finding]:
    """Without a build: every line it can be is out of support, whatever the build is."""
    ends = [public_support_end(subject.knowledge, line) for line in subject.identity.lines]
    as_of = subject.assessment.as_of
    if ends and all(end is not None and end < as_of for end in ends):
        lines = ", ".join(line.value for line in subject.identity.lines)
        values = (
            ("line", lines),
            ("cu", ""),
            ("release", lines),
            ("phase", "ended"),
            ("until", str(max(end for end in ends if end is not None))),
        )
        yield Finding("unsupported_line", UNSUPPORTED_LINE, values, (Remedy("replace_by_se"),))


CHECK = Check("unsupported_line", _run)
