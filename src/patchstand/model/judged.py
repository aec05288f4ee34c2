"""A server of the store with its verdict as of a day, as exports and letters need it."""

from dataclasses import dataclass
from datetime import datetime

from patchstand.model.assessment import Assessment, Severity
from patchstand.model.evidence import Identity
from patchstand.model.record import NOWHERE, Place

_USUAL = ("https", 443)


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What a set of builds means on a day; one object for all servers that share it.

    `assessment` has its findings, `severity` is that of the worst one. Verdicts are compared
    by identity, so that what follows from one can be remembered.
    """

    identity: Identity
    assessment: Assessment
    severity: Severity

    @property
    def open_cves(self) -> tuple[str, ...]:
        """The CVE ids that certainly affect it, in lower case, sorted; ids of no CVE left out."""
        found = (each.id.lower() for each in self.assessment.cves if each.status == "affected")
        return tuple(sorted(each for each in found if each.startswith("cve-")))


@dataclass(frozen=True, slots=True)
class JudgedServer:
    """One server (address and port) by its last observation, judged as of a day.

    `target` and `address` are as they may be shown: in the clear, or pseudonyms (`p:...`)
    where `named` is False; names that are nobody's stay plain even then. `ports` are the
    services asked (`https=8443 smtp=2525`, empty for the usual ones), `nodes` the names of
    back ends (empty without names). `observed_at` is UTC.
    """

    target: str
    address: str | None
    ports: str
    observed_at: datetime
    source: str
    verdict: Verdict
    place: Place = NOWHERE
    nodes: tuple[str, ...] = ()
    named: bool = False

    @property
    def service(self) -> tuple[str, int]:
        """The service that stands for the server, and its port: https, else the first asked."""
        asked = [part.partition("=") for part in self.ports.split()]
        found = {name: int(port) for name, _, port in asked if port.isdigit()}
        if not found:
            return _USUAL
        name = "https" if "https" in found else next(iter(found))
        return name, found[name]
