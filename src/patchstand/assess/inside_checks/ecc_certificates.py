"""Support of certificates with elliptic curves since the November 2024 updates.

From there the setting override that turned it on no longer suffices: a registry value must
say it too (aka.ms/HC-EccCertificateChange).
"""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.levels import reaches
from patchstand.assess.overrides import IN_DIRECTORY, overrides
from patchstand.assess.severity import HARDENING
from patchstand.assess.values import number
from patchstand.model import Finding, Remedy

_SWITCH = ("Global", "ECCCertificateSupport", "Enabled")
_DIAGNOSTICS = r"SOFTWARE\Microsoft\ExchangeServer\v15\Diagnostics"


def _run(inside: Inside) -> Iterator[Said]:
    if reaches(inside, "Nov24SU") is not True:
        return
    found = overrides(inside)
    if found is None:
        yield Unread(IN_DIRECTORY)
        return
    on = found.says(*_SWITCH, value=True)
    if not on:
        return
    value = inside.state.registry_value(_DIAGNOSTICS, "EnableEccCertificateSupport")
    if value is None:
        yield Unread("registry.json")
    elif number(value.value) != 1:
        yield Finding(
            "ecc_certificates_half_on",
            HARDENING,
            remedy=(Remedy("enable_ecc_certificates"),),
            references=("aka.ms/HC-EccCertificateChange",),
            read=(*(each.reading for each in on), value.reading),
        )


CHECK = InsideCheck("ecc_certificates", _run)
