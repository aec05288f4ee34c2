"""Real servers as plain processes on loopback, with their own configuration and certificates."""

import contextlib
import datetime
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PROGRAMS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
START_SECONDS = 20.0
END_SECONDS = 10.0
NAME = "mail.example.org"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def program(name: str) -> str:
    """The path of a program of the system; the services tests cannot run without it."""
    found = shutil.which(name, path=PROGRAMS)
    assert found, f"{name} is not installed: run make test-services"
    return found


def free_port(address: str = "127.0.0.1") -> int:
    """A port on which nobody listens at the moment."""
    with socket.socket() as sock:
        sock.bind((address, 0))
        port: int = sock.getsockname()[1]
        return port


def rsa_key(bits: int = 2048) -> Key:
    """An RSA key of so many bits."""
    return rsa.generate_private_key(65537, bits)


def certificate(folder: Path, key: Key | None = None, *, days: tuple[int, int] = (-30, 335)) -> Key:
    """Write `cert.pem` and `key.pem`, self-signed, valid in `days` counted from today."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    today = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today + datetime.timedelta(days=days[0]))
        .not_valid_after(today + datetime.timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(private)
    (folder / "key.pem").chmod(
        0o644
    )  # some servers read it after giving up root; it guards nothing
    return key


@contextlib.contextmanager
def started(command: Sequence[str | Path], ports: Sequence[int], folder: Path) -> Iterator[None]:
    """Run a server in the foreground until the block ends; yields once all ports accept."""
    log = folder / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until_it_accepts(process, ports, log)
            yield
        finally:
            _end(process)


def _wait_until_it_accepts(
    process: "subprocess.Popen[bytes]", ports: Sequence[int], log: Path
) -> None:
    until = time.monotonic() + START_SECONDS
    for port in ports:
        while not _accepts(port):
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < until, log.read_text(errors="replace")
            time.sleep(0.05)


def _accepts(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the server and all processes of the session it was started in."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(END_SECONDS)
