"""Renegotiation of TLS with peers that lack RFC 5746, which an attacker in between can use.

`AllowInsecureRenegoClients` and `AllowInsecureRenegoServers` allow it when they are set to
anything but 0; unset, it is refused (Microsoft Learn, "Exchange Server TLS configuration best
practices").
"""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.schannel import SCHANNEL
from patchstand.assess.severity import HARDENING
from patchstand.assess.values import number
from patchstand.model import Finding, Remedy

_NAMES = ("AllowInsecureRenegoClients", "AllowInsecureRenegoServers")


def _run(inside: Inside) -> Iterator[Said]:
    found = [inside.state.registry_value(SCHANNEL, name) for name in _NAMES]
    told = [each for each in found if each is not None]
    if not told:
        yield Unread("registry.json")
        return
    allowed = tuple(each.reading for each in told if number(each.value))
    if allowed:
        yield Finding(
            "insecure_renegotiation",
            HARDENING,
            remedy=(Remedy("refuse_insecure_renegotiation"),),
            references=("RFC 5746",),
            read=allowed,
        )


CHECK = InsideCheck("insecure_renegotiation", _run)
