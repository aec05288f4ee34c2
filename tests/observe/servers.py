"""Tiny servers on loopback: ordinary ones, and ones that misbehave in a chosen way."""

import asyncio
import contextlib
import datetime
import socket
import ssl
import struct
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ISSUED = datetime.datetime(2024, 9, 11, tzinfo=datetime.UTC)
EXPIRES = datetime.datetime(2029, 9, 11, tzinfo=datetime.UTC)
CHALLENGE = (
    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Negotiate\r\n"
    b"WWW-Authenticate: NTLM\r\nX-FEServer: EX01\r\n\r\n"
)
REDIRECT = (
    b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/owa/auth/logon.aspx\r\n"
    b"X-OWA-Version: 15.2.1544.11\r\nSet-Cookie: ClientId=X; path=/\r\nContent-Length: 0\r\n\r\n"
)


@lru_cache(maxsize=8)
def certificate(name: str = "mail01") -> tuple[bytes, bytes]:
    """A self-signed certificate and its key, both PEM."""
    return _signed_by(ec.generate_private_key(ec.SECP256R1()), name)


def rsa_certificate() -> tuple[bytes, bytes]:
    """The same with the key that Exchange makes for itself, RSA of 2048 bits."""
    return _signed_by(rsa.generate_private_key(65537, 2048), "mail01")


def _signed_by(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str
) -> tuple[bytes, bytes]:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name), x509.DNSName(f"{name}.corp.example")]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ISSUED)
        .not_valid_after(EXPIRES)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem), secret


@lru_cache(maxsize=8)
def server_tls(*, only_tls_1_0: bool = False) -> ssl.SSLContext:
    """A server context with the certificate of `mail01`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        made, key = certificate()
        path = Path(folder) / "both.pem"
        path.write_bytes(made + key)
        context.load_cert_chain(path)
    if only_tls_1_0:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@contextlib.asynccontextmanager
async def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve on a free port of 127.0.0.1 for as long as the block lasts; gives the port."""
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await behaviour(reader, writer)
        if not writer.is_closing():  # Python 3.11.2 (Debian 12) breaks when closed twice
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            if writer.transport is not None:
                writer.transport.abort()
        await asyncio.sleep(0.01)


class Web:
    """An HTTP server that keeps what it was asked; answers by path, else `otherwise`."""

    def __init__(
        self, answers: dict[str, bytes] | None = None, otherwise: bytes = CHALLENGE
    ) -> None:
        self.answers = answers or {}
        self.otherwise = otherwise
        self.heads: list[str] = []
        self.connections = 0

    @property
    def paths(self) -> list[str]:
        return [head.split(" ")[1] for head in self.heads]

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heads.append(head)
            answer = self.answers.get(head.split(" ")[1], self.otherwise)
            writer.write(answer.replace(b"@@", str(self.connections).encode()))
            if answer.startswith(b"HTTP/1.0"):
                return


def script(*exchanges: bytes, end: bytes = b"") -> Behaviour:
    """A mail server: greets with the first text, answers each line with the next."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for text in exchanges:
            writer.write(text)
            await reader.readline()
        writer.write(end)

    return speak


def smtp_with_tls(ready: bytes = b"220 2.0.0 SMTP server ready\r\n") -> Behaviour:
    """A mail server of Exchange's wording that offers STARTTLS and means it."""
    ehlo = b"250-mail01 Hello [127.0.0.1]\r\n250-SIZE 37748736\r\n250-AUTH NTLM\r\n"

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail01 Microsoft ESMTP MAIL Service ready\r\n")
        await reader.readline()
        writer.write(ehlo + b"250-STARTTLS\r\n250 XRDST\r\n")
        await reader.readline()
        writer.write(ready)
        await writer.start_tls(server_tls())
        await reader.readline()
        writer.write(ehlo + b"250-AUTH NTLM LOGIN\r\n250 XRDST\r\n")
        await reader.readline()
        writer.write(b"221 2.0.0 Service closing transmission channel\r\n")

    return speak


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Take everything, answer nothing."""
    while await reader.read(1000):
        pass


def says(*pieces: bytes, pause: float = 0.0, forever: bool = False) -> Behaviour:
    """Wait for a question, then send pieces with a pause after each, and close."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        while True:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
            if not forever:
                return

    return speak


def head_then(head: bytes, piece: bytes, pause: float = 0.0) -> Behaviour:
    """Send a head, then the same piece for ever."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return speak


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the first bytes with a TCP reset."""
    await reader.read(1000)
    plain = writer.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def breaks_tls(answer: bytes) -> Behaviour:
    """Begin an answer in TLS, then write rubbish beside the encryption."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(0.05)
        plain = writer.get_extra_info("socket")
        with socket.socket(fileno=socket.dup(plain.fileno())) as beside:
            beside.send(b"\x17\x03\x03\x00\x20" + b"rubbish!" * 4)
        await asyncio.sleep(1)

    return speak
