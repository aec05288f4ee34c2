"""The evidence leaves several builds: say what would decide between them."""

from collections.abc import Iterator

from patchstand.assess.check import Check, Subject
from patchstand.assess.cves import EXACT_BUILD
from patchstand.assess.severity import NOTE
from patchstand.model import Finding, Remedy


def _run(subject: Subject) -> Iterator[Finding]:
    builds = subject.identity.builds
    if len(builds) == 1:
        return
    values = (
        ("count", str(len(builds))),
        ("lowest", str(builds[0]) if builds else ""),
        ("highest", str(builds[-1]) if builds else ""),
        ("decide_by", EXACT_BUILD),
    )
    finding = "build_not_exact" if builds else "build_unknown"
    yield Finding(finding, NOTE, values, (Remedy("decide", (("command", EXACT_BUILD),)),))


CHECK = Check("build_not_exact", _run)
