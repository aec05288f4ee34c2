"""The certificate and the TLS versions of the web side."""

from collections.abc import Iterator

from patchstand.assess.check import Check, Subject
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.model import Finding, Remedy

_OLD = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})
_SOON_DAYS = 30


def _run(subject: Subject) -> Iterator[Finding]:
    old = [version for version in subject.tls_versions if version in _OLD]
    if old:
        versions = (("versions", ", ".join(old)),)
        yield Finding("old_tls", HARDENING, versions, (Remedy("disable_old_tls"),))
    certificate = subject.certificate
    if certificate is None or certificate.problem is not None:
        return
    if certificate.router:
        yield Finding("router_in_front", NOTE, (("router", certificate.router),))
    renew = (Remedy("renew_certificate"),)
    if certificate.not_after is not None:
        left = (certificate.not_after - subject.assessment.as_of).days
        ends = ("not_after", str(certificate.not_after))
        if left < 0:
            yield Finding("certificate_expired", HARDENING, (ends,), renew)
        elif left <= _SOON_DAYS:
            soon = (ends, ("days", str(left)))
            yield Finding("certificate_expires_soon", HARDENING, soon, renew)
    if certificate.self_signed and not certificate.router:
        subject_name = (("subject", certificate.subject),)
        yield Finding("certificate_self_signed", HARDENING, subject_name, renew)


CHECK = Check("transport_security", _run, of_address=True)
