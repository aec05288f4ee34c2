"""Certificates of recipients, made for a test; and openssl as the recipient uses it."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
RSA_KEY = rsa.generate_private_key(65537, 2048)
_OTHER_KEYS: dict[str, Key] = {
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "short": rsa.generate_private_key(65537, 1024),
}
_PURPOSES = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "mail": ExtendedKeyUsageOID.EMAIL_PROTECTION,
}


def make_certificate(
    path: Path,
    name: str,
    own: rsa.RSAPrivateKey,
    *,
    key: str = "rsa",
    days: tuple[int, int] = (-1, 30),
    usage: str | None = None,
    purpose: str | None = None,
) -> Path:
    """A self-signed certificate, valid for `days` around NOW."""
    holder: Key = own if key == "rsa" else _OTHER_KEYS[key]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start, end = (NOW + timedelta(days=day) for day in days)
    builder = (
        x509.CertificateBuilder(subject, subject, holder.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
    if usage is not None:
        wanted = {
            "digital_signature": usage == "signature",
            "key_encipherment": usage == "encipherment",
        }
        unset = ("content_commitment", "data_encipherment", "key_agreement", "key_cert_sign",
                 "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
        flags = x509.KeyUsage(**wanted, **dict.fromkeys(unset, False))
        builder = builder.add_extension(flags, critical=True)
    if purpose is not None:
        purposes = x509.ExtendedKeyUsage([_PURPOSES[purpose]])
        builder = builder.add_extension(purposes, critical=False)
    path.write_bytes(builder.sign(own, hashes.SHA256()).public_bytes(Encoding.PEM))
    return path


@dataclass(frozen=True)
class Person:
    """A recipient with the private key that opens what is sealed for them."""

    path: Path
    key: Path

    @classmethod
    def made(cls, folder: Path, name: str) -> "Person":
        """A person with a fresh key."""
        own = rsa.generate_private_key(65537, 2048)
        path = make_certificate(folder / f"{name}.pem", name, own)
        key = folder / f"{name}.key"
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        key.write_bytes(own.private_bytes(*form))
        return cls(path, key)

    def opens(self, sealed: Path) -> bytes | None:
        """What `openssl cms -decrypt` gives; None when it cannot open it."""
        done = subprocess.run(
            [shutil.which("openssl") or "openssl", "cms", "-decrypt", "-binary", "-inform", "DER",
             "-in", sealed, "-inkey", self.key, "-recip", self.path],
            capture_output=True,
            check=False,
        )  # fmt: skip
        return done.stdout if done.returncode == 0 else None
