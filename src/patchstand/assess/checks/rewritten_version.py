"""The server shows a version that Exchange did not write."""

from collections.abc import Iterator

from patchstand.assess.check import Check, Subject
from patchstand.assess.severity import NOTE
from patchstand.model import Finding


def _run(subject: Subject) -> Iterator[Finding]:
    for conflict in subject.identity.conflicts:
        if conflict.rule in {"version_rewritten", "contradiction", "unlisted_version"}:
            values = (("value", ", ".join(conflict.values)), ("rule", conflict.rule))
            yield Finding("version_rewritten", NOTE, values)
            return


CHECK = Check("rewritten_version", _run)
