"""Keys and signatures of certificates."""

import pytest
from tests.assess.certified import certificate
from tests.assess.inside_checks.servers import Server, run

from patchstand.assess.inside_checks.certificate_strength import CHECK
from patchstand.model import Severity
from patchstand.model.inside import StoredCertificate

STORE = "GetExchangeCertificate"
SELF = "CN=mail.example.com"


def a_server(*found: StoredCertificate) -> Server:
    return Server(exports={STORE: []}, certificates={STORE: found})


@pytest.mark.parametrize(
    ("key", "is_short"),
    [(("RSA", 1024), True), (("RSA", 2047), True), (("RSA", 2048), False), (("EC", 256), False),
     (("", 0), False)],
)  # fmt: skip
def test_only_rsa_keys_are_measured_in_these_bits(key: tuple[str, int], is_short: bool) -> None:
    """An elliptic curve is strong with fewer; an unknown key is not judged."""
    ran = run(CHECK, a_server(certificate(key=key)))

    assert ("server_certificate_short_key" in ran.findings) is is_short


@pytest.mark.parametrize(
    ("signature", "issuer", "severity"),
    [
        ("sha1", "CN=Example CA", Severity.LOW),
        ("md5", "CN=Example CA", Severity.LOW),
        ("sha1", SELF, Severity.INFO),
        ("sha256", "CN=Example CA", None),
        ("", "CN=Example CA", None),
    ],
)
def test_a_forgeable_signature_matters_where_somebody_else_signed(
    signature: str, issuer: str, severity: Severity | None
) -> None:
    """Nobody relies on the signature of a certificate that signed itself."""
    found = run(CHECK, a_server(certificate(signature=signature, issuer=issuer))).findings

    assert {finding.severity for finding in found.values()} == ({severity} if severity else set())


def test_without_a_list_it_is_wanted() -> None:
    """No certificates exported is not the same as none there."""
    assert run(CHECK, Server()).unread == {STORE: set()}
