"""Certificates that expire, and what they are used for."""

from dataclasses import replace

import pytest
from tests.assess.certified import FIRST, SECOND, certificate
from tests.assess.inside_checks.servers import Server, obj, run

from patchstand.assess.inside_checks.certificate_validity import CHECK
from patchstand.model import Severity
from patchstand.model.inside import Skipped, StoredCertificate

STORE = "GetExchangeCertificate"


def a_server(*found: StoredCertificate, **exports: object) -> Server:
    return Server(exports={STORE: [], **exports}, certificates={STORE: found})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("left", "finding"),
    [
        (-400, "server_certificate_expired"),
        (-1, "server_certificate_expired"),
        (0, "server_certificate_expires"),
        (30, "server_certificate_expires"),
        (31, None),
    ],
)
def test_thirty_days_are_the_warning(left: int, finding: str | None) -> None:
    """The last day of validity is a day on which it is valid."""
    ran = run(CHECK, a_server(certificate(left=left)))

    assert list(ran.findings) == ([finding] if finding else [])


@pytest.mark.parametrize(
    ("services", "severity", "step"),
    [
        (("IIS", "SMTP"), Severity.LOW, "replace_server_certificate"),
        (None, Severity.LOW, "replace_server_certificate"),
        ((), Severity.INFO, "remove_server_certificate"),
    ],
)
def test_only_what_is_certainly_unused_may_go(
    services: "tuple[str, ...] | None", severity: Severity, step: str
) -> None:
    """Where the export does not tell the services, removal is not advised."""
    ran = run(CHECK, a_server(certificate(left=-1, services=services)))

    assert ran.severity("server_certificate_expired") is severity
    assert ran.steps("server_certificate_expired") == [step]


def test_a_web_site_uses_what_it_is_bound_to() -> None:
    """The binding of IIS counts where Exchange says nothing."""
    bound = a_server(
        certificate(left=-1, services=()), GetWebBinding=[obj(certificateHash=FIRST.lower())]
    )

    assert run(CHECK, bound).value("server_certificate_expired", "uses") == "IIS"


def test_certificates_with_checks_of_their_own_are_left_to_them() -> None:
    """OAuth and transport are not told twice."""
    ran = run(
        CHECK,
        a_server(
            certificate(left=-1, thumbprint=FIRST),
            replace(certificate(left=-1), thumbprint=SECOND),
            GetAuthConfig=[obj(CurrentCertificateThumbprint=FIRST)],
            GetTransportService=[obj(InternalTransportCertificateThumbprint=SECOND)],
        ),
    )

    assert ran.findings == {}


@pytest.mark.parametrize(
    ("status", "is_bad"),
    [("Revoked", True), ("Invalid", True), ("Valid", False), ("Untrusted", False), ("", False)],
)
def test_windows_own_judgement_is_passed_on(status: str, is_bad: bool) -> None:
    """What Windows cannot check, or does not trust, is no fault of the certificate."""
    ran = run(CHECK, a_server(certificate(status=status)))

    assert ("server_certificate_invalid" in ran.findings) is is_bad


def test_a_broken_certificate_keeps_the_list_incomplete() -> None:
    """One that could not be read is asked for again."""
    inside = a_server(certificate()).inside()
    skipped = (Skipped(f"Exchange/{STORE}.xml [1]", "a certificate that cannot be read"),)
    broken = replace(inside, state=replace(inside.state, skipped=skipped))

    assert [type(each).__name__ for each in CHECK.run(broken)] == ["Unread"]
    assert run(CHECK, Server()).unread == {STORE: set()}
