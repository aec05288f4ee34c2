"""Certificates of a server for tests."""

from datetime import date, timedelta

from tests.assess.inside_checks.servers import DAY

from patchstand.model.inside import StoredCertificate

FIRST, SECOND = "A" * 40, "B" * 40


def certificate(
    *,
    left: int = 400,
    thumbprint: str = FIRST,
    services: "tuple[str, ...] | None" = ("IIS",),
    key: tuple[str, int] = ("RSA", 2048),
    signature: str = "sha256",
    issuer: str = "CN=Example CA",
    status: str = "",
    day: date = DAY,
) -> StoredCertificate:
    """A certificate with `left` days to live on the day of the audit."""
    return StoredCertificate(
        file="Exchange/GetExchangeCertificate.xml",
        place="[0]",
        thumbprint=thumbprint,
        subject="CN=mail.example.com",
        issuer=issuer,
        not_before=date(2020, 1, 1),
        not_after=day + timedelta(days=left),
        key=key[0],
        key_bits=key[1],
        signature=signature,
        services=services,
        status=status,
    )
