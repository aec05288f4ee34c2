"""Certificates and signatures for tests, as an admin's Windows would make them."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Pair = tuple[x509.Certificate, Key]


def pair(name: str = "inbox", key: Key | None = None) -> Pair:
    """A self-signed certificate and its key."""
    key = key or rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return made, key


def signed(content: bytes, by: Pair, *options: pkcs7.PKCS7Options) -> bytes:
    """A detached CMS signature over the bytes."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(by[0], by[1], hashes.SHA256())
    wanted = {pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, *options}
    return builder.sign(Encoding.DER, sorted(wanted, key=lambda option: option.name))


def pem(certificate: x509.Certificate) -> bytes:
    """The certificate as a file."""
    return certificate.public_bytes(Encoding.PEM)
