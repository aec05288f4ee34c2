"""A handful of certificates over four shared keys, and TLS contexts for them.

Few keys, made once at start, keep the start short; most are P-256, because their
signatures cost a third of RSA-2048's.
"""

import ssl
import warnings
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from patchstand.lab.servers import DOMAIN, Tls

PUBLIC = "public"
EXPIRED = "expired"
ROUTER = "router"
# Exchange set-up makes a certificate for the machine's name: CN=host, SAN host and full name.
SELF_SIGNED = ("EX01", "MAIL01", "SRV-EX2019", "WIN-UPF09R7H264")
_RSA = {"WIN-UPF09R7H264", ROUTER}
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class _Subject:
    """What goes into one certificate; days are counted from the estate's date."""

    common_name: str
    names: tuple[str, ...]
    issuer: str
    from_day: int
    to_day: int


def _subjects() -> dict[str, _Subject]:
    public = (f"*.{DOMAIN}", DOMAIN)
    ca = "Lab Public CA R1"
    rows = {
        PUBLIC: _Subject(f"*.{DOMAIN}", public, ca, -60, 330),
        EXPIRED: _Subject(f"*.{DOMAIN}", public, ca, -400, -35),
        ROUTER: _Subject("fritz.box", ("fritz.box", "www.fritz.box"), "fritz.box", -900, 9000),
    }
    for age, host in enumerate(SELF_SIGNED):
        names = (host, f"{host}.corp.{DOMAIN}")
        rows[host] = _Subject(host, names, host, -400 * age - 30, 1826 - 400 * age - 30)
    return rows


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(subject: _Subject, day: date, key: _Key, signer: _Key) -> bytes:
    start = datetime.combine(day, time(12))
    names = [x509.DNSName(name) for name in subject.names]
    built = (
        x509.CertificateBuilder()
        .subject_name(_name(subject.common_name))
        .issuer_name(_name(subject.issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start + timedelta(days=subject.from_day))
        .not_valid_after(start + timedelta(days=subject.to_day))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


def _private(key: _Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _with_versions(context: ssl.SSLContext, tls: Tls) -> None:
    """Limit a context to the versions; 1.0 needs OpenSSL's lowest security level."""
    if tls is Tls.ONLY_1_0:
        with warnings.catch_warnings():
            # A simulated Windows Server 2003 speaks nothing newer; that is its point.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers("AES256-SHA:AES128-SHA:ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1
        return
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls is Tls.ONLY_1_2:
        context.maximum_version = ssl.TLSVersion.TLSv1_2


class Certificates:
    """TLS contexts by certificate name and TLS versions, made when first asked for."""

    def __init__(self, day: date) -> None:
        curve = ec.SECP256R1()
        ca, shared = ec.generate_private_key(curve), ec.generate_private_key(curve)
        rsa_key = rsa.generate_private_key(65537, 2048)
        self._pem: dict[str, bytes] = {}
        for name, subject in _subjects().items():
            key: _Key = rsa_key if name in _RSA else shared
            signer: _Key = ca if subject.issuer.startswith("Lab") else key
            self._pem[name] = _private(key) + _certificate(subject, day, key, signer)
        self._contexts: dict[tuple[str, Tls], ssl.SSLContext] = {}

    def context(self, certificate: str, tls: Tls) -> ssl.SSLContext:
        """Return the context of this certificate; a shared one, never to be changed."""
        wanted = (certificate, tls)
        if wanted not in self._contexts:
            self._contexts[wanted] = self._made(*wanted)
        return self._contexts[wanted]

    def _made(self, certificate: str, tls: Tls) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _with_versions(context, tls)
        # Probes come once: tickets and session cache would only cost time.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        with TemporaryDirectory(prefix="patchstand-lab-") as folder:
            path = Path(folder, "key-and-certificate.pem")
            path.write_bytes(self._pem[certificate])  # load_cert_chain reads files only
            context.load_cert_chain(path)
        return context
