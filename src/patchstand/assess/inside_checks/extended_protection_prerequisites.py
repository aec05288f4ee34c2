"""What has to hold before Extended Protection is turned on; some of it one server cannot tell.

Microsoft's list: the same TLS and .NET settings on all servers, no NTLMv1, no SSL off-
loading, no Modern Hybrid agent in front, no public folders on 2013.
"""

from collections.abc import Iterator

from patchstand.assess.extended_protection import protection
from patchstand.assess.inside import Inside, InsideCheck, Said
from patchstand.assess.inside_checks.ntlm_level import ntlm_level
from patchstand.assess.schannel import dotnet_values
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.assess.values import truth
from patchstand.model import Finding, Remedy
from patchstand.model.inside import Reading

_ANYWHERE = "GetOutlookAnywhere"
_LEAST_NTLM = 3
Unmet = tuple[str, tuple[Reading, ...]]


def _run(inside: Inside) -> Iterator[Said]:
    found = protection(inside)
    if found is None or not found.supported_version:
        return
    unmet = list(_unmet(inside))
    if found.is_secure and not unmet:
        return
    locks_out = bool(unmet) and found.is_configured
    yield Finding(
        "extended_protection_prerequisites",
        HARDENING if locks_out else NOTE,
        (
            *((name, "yes") for name, _ in unmet),
            *((("locks_out", "yes"),) if locks_out else ()),
        ),
        (Remedy("check_extended_protection_prerequisites"),),
        read=tuple(each for _, readings in unmet for each in readings),
    )


def _unmet(inside: Inside) -> Iterator[Unmet]:
    """What is read on this server and speaks against it."""
    level = ntlm_level(inside.state)
    if level is not None and level < _LEAST_NTLM:
        key = inside.state.registry_value(
            r"SYSTEM\CurrentControlSet\Control\Lsa", "LmCompatibilityLevel"
        )
        yield "ntlm", (key.reading,) if key else ()
    unset = tuple(each.reading for each in dotnet_values(inside.state) if each.value != 1)
    if unset:
        yield "dotnet", unset
    for directory in inside.state.objects(_ANYWHERE):
        offloading = inside.state.reading(_ANYWHERE, "SSLOffloading", directory)
        if offloading is not None and truth(offloading.value):
            yield "offloading", (offloading,)
            return


CHECK = InsideCheck("extended_protection_prerequisites", _run)
