"""The one table that turns what is open into a severity (docs/results.md)."""

from collections.abc import Iterable

from patchstand.model import CveVerdict, Severity, Status

UNSUPPORTED_LINE = Severity.HIGH
UNSIGNED_CODE = Severity.HIGH
"""Native code in the path of every request for which nobody vouches."""
OTHER_MISSING_UPDATE = Severity.MEDIUM
HARDENING = Severity.LOW
NOTE = Severity.INFO


def open_cves(cves: Iterable[CveVerdict]) -> tuple[CveVerdict, ...]:
    """The CVEs that certainly affect the server."""
    return tuple(cve for cve in cves if cve.status is Status.AFFECTED)


def severity_of(cves: Iterable[CveVerdict]) -> Severity:
    """Exploited or pre-authentication RCE: critical; RCE: high; anything else: medium."""
    affected = open_cves(cves)
    if any(cve.kev or (cve.rce and cve.pre_authentication) for cve in affected):
        return Severity.CRITICAL
    if any(cve.rce for cve in affected):
        return Severity.HIGH
    return OTHER_MISSING_UPDATE
