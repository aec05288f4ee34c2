"""The registry value behind CVE-2018-8581.

The vendor closes it by deleting `DisableLoopbackCheck`, which set-up of older cumulative
updates wrote. The updates of February 2019 (CVE-2019-0686) took away the push notification
that attacks used; from there the value is a weakness, and whether it suffices for an attack
is not known (MSRC CVE-2018-8581, ADV190007).
"""

from collections.abc import Iterator

from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import HARDENING
from patchstand.assess.values import number
from patchstand.model import Finding, Remedy, Status

_CVES = ("CVE-2018-8581",)
_PUSH = "CVE-2019-0686"
_LSA = r"SYSTEM\CurrentControlSet\Control\Lsa"


def _run(inside: Inside) -> Iterator[Said]:
    cves = inside.hanging(_CVES)
    if not cves:
        return
    value = inside.state.registry_value(_LSA, "DisableLoopbackCheck")
    if value is None:
        yield Unread("registry.json", cves)
        return
    read = (value.reading,)
    if not number(value.value):
        if value.value is None or number(value.value) == 0:
            yield Decision(cves, False, read)
        return
    is_open = _pushes(inside)
    if is_open:
        yield Decision(cves, True, read)
    yield Finding(
        "loopback_check",
        inside.severity(cves) if is_open else HARDENING,
        (("pushes", "yes" if is_open else ""),),
        (Remedy("delete_loopback_value"),),
        references=("MSRC CVE-2018-8581",),
        cves=cves,
        read=read,
    )


def _pushes(inside: Inside) -> bool:
    """True when the build lacks the updates of February 2019."""
    return any(cve.id == _PUSH and cve.status is Status.AFFECTED for cve in inside.assessment.cves)


CHECK = InsideCheck("loopback_check", _run)
