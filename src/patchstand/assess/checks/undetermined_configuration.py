"""CVEs that a setting decides which nobody can see from outside."""

from collections.abc import Iterator

from patchstand.assess.check import Check, Subject
from patchstand.assess.severity import HARDENING
from patchstand.model import Condition, Finding, Remedy, Status, Why


def _run(subject: Subject) -> Iterator[Finding]:
    open_questions: dict[Condition, list[str]] = {}
    commands: dict[Condition, str] = {}
    for cve in subject.assessment.cves:
        condition = cve.condition
        undecided = cve.status is Status.UNDETERMINED and cve.why is Why.CONFIGURATION
        if undecided and cve.counts_for_class and condition is not None:
            open_questions.setdefault(condition, []).append(cve.id)
            commands[condition] = cve.decide_by or ""
    for condition, ids in open_questions.items():
        values = (
            ("cves", ", ".join(ids)),
            ("conditions", condition.value),
            ("decide_by", commands[condition]),
        )
        action = (
            "enable_extended_protection" if condition is Condition.EXTENDED_PROTECTION else "decide"
        )
        remedy = (Remedy(action, (("command", commands[condition]),)),)
        yield Finding("undetermined_configuration", HARDENING, values, remedy, cves=tuple(ids))


CHECK = Check("undetermined_configuration", _run)
