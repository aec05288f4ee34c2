"""Services and log-in methods that need not face the Internet."""

from collections.abc import Iterator

from patchstand.assess.check import Check, Subject
from patchstand.assess.severity import HARDENING
from patchstand.model import Exposure, Finding, Remedy

_ADMINISTRATION = {"powershell": "remote_powershell_exposed", "ecp": "admin_center_exposed"}


def _run(subject: Subject) -> Iterator[Finding]:
    for exposure in subject.exposure:
        finding = _ADMINISTRATION.get(exposure.service)
        if finding and exposure.reachable:
            remedy = Remedy("restrict_from_internet", (("service", exposure.service),))
            yield Finding(finding, HARDENING, (("port", str(exposure.port)),), (remedy,))
    basic = _named(e for e in subject.exposure if "Basic" in e.login_methods)
    if basic:
        remedy = Remedy("disable_basic_authentication", (("services", basic),))
        yield Finding("basic_authentication", HARDENING, (("services", basic),), (remedy,))
    clear = _named(e for e in subject.exposure if e.login_methods and not e.encrypted)
    if clear:
        yield Finding(
            "clear_text_login",
            HARDENING,
            (("services", clear),),
            (Remedy("restrict_from_internet", (("service", clear),)),),
        )


def _named(exposures: Iterator[Exposure]) -> str:
    return ", ".join(dict.fromkeys(exposure.service for exposure in exposures))


CHECK = Check("exposed_services", _run, of_address=True)
