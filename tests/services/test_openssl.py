"""TLS of real OpenSSL in odd states: old versions, small keys, dead certificates, refusals."""

import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.conftest import Check
from tests.services.servers import certificate, free_port, program, rsa_key, started

pytestmark = pytest.mark.services

EVERYTHING = ("-cipher", "ALL:@SECLEVEL=0")
ANSWER = (
    "HTTP/1.1 200 OK\r\nServer: Microsoft-IIS/8.5\r\nX-OWA-Version: 15.1.2507.27\r\n"
    "X-FEServer: EX16\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    '<html><link href="/owa/auth/15.1.2507/themes/x.css"></html>'
)


@contextlib.contextmanager
def s_server(folder: Path, *options: str, cert: bool = True) -> Iterator[str]:
    """Run `openssl s_server`, which answers the sign-in page as Exchange; its port as a target."""
    port = free_port()
    page = folder / "owa/auth/logon.aspx"
    page.parent.mkdir(parents=True)
    page.write_bytes(ANSWER.encode())
    command = [program("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-HTTP", *options]
    if cert:
        command += ["-cert", str(folder / "cert.pem"), "-key", str(folder / "key.pem")]
    with started(command, [port], folder):
        yield f"127.0.0.1 https={port}"


@pytest.mark.parametrize(
    ("option", "version", "is_old"),
    [
        ("-tls1", "TLSv1", True),
        ("-tls1_1", "TLSv1.1", True),
        ("-tls1_2", "TLSv1.2", False),
        ("-tls1_3", "TLSv1.3", False),
    ],
)
def test_every_tls_version_is_reached(
    folder: Path, check: Check, option: str, version: str, *, is_old: bool
) -> None:
    """From TLS 1.0 to 1.3: answered, the version told, and old ones are a finding."""
    certificate(folder, rsa_key())
    with s_server(folder, option, *EVERYTHING) as target:
        checked = check(target)

    assert checked.server["outcome"] == "answered"
    assert checked.server["tls_versions"] == [version]
    assert checked.server["is_exchange"] is True
    assert checked.identity["builds"] == ["15.1.2507.27"]
    assert ("old_tls" in checked.findings) is is_old


@pytest.mark.parametrize("suite", ["AES256-SHA", "AES128-SHA", "ECDHE-RSA-AES256-SHA"])
def test_suites_of_old_windows_are_spoken(folder: Path, check: Check, suite: str) -> None:
    """TLS 1.0 with a single SHA-1 suite, as Windows before 2012 offers."""
    certificate(folder, rsa_key())
    with s_server(folder, "-tls1", "-cipher", f"{suite}:@SECLEVEL=0") as target:
        checked = check(target)

    assert checked.server["outcome"] == "answered"
    assert checked.server["tls_versions"] == ["TLSv1"]


def test_an_expired_certificate_is_looked_at(folder: Path, check: Check) -> None:
    """A certificate that ended ten days ago hinders nothing; its end is told and a finding."""
    certificate(folder, days=(-400, -10))
    with s_server(folder) as target:
        checked = check(target, "--as-of", str(_today()))

    ended = _today() - datetime.timedelta(days=10)
    assert checked.server["outcome"] == "answered"
    assert checked.server["certificate"]["not_after"] == str(ended)
    assert "certificate_expired" in checked.findings


def test_a_certificate_of_tomorrow_is_looked_at(folder: Path, check: Check) -> None:
    """A certificate that is not valid yet hinders nothing; its begin is told."""
    certificate(folder, days=(10, 400))
    with s_server(folder) as target:
        checked = check(target)

    begins = _today() + datetime.timedelta(days=10)
    assert checked.server["outcome"] == "answered"
    assert checked.server["certificate"]["not_before"] == str(begins)


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def test_a_small_key_is_accepted_and_told(folder: Path, check: Check) -> None:
    """RSA with 1024 bits, which OpenSSL refuses by itself, is looked at and named."""
    certificate(folder, rsa_key(1024))
    with s_server(folder, *EVERYTHING) as target:
        checked = check(target)

    assert checked.server["outcome"] == "answered"
    assert checked.server["certificate"]["key"] == "RSA 1024"
    assert checked.server["certificate"]["signature"] == "sha256"


def test_no_suite_in_common(folder: Path, check: Check) -> None:
    """Only pre-shared keys on the other side: TLS failed, nothing measured, exit code 3."""
    options = ("-tls1_2", "-nocert", "-psk", "1a2b3c4d", "-cipher", "PSK")
    with s_server(folder, *options, cert=False) as target:
        checked = check(target)

    assert checked.code == 3
    assert checked.server["outcome"] == "tls_failed"
    assert checked.server["is_exchange"] is None
    assert checked.server["certificate"] is None


@pytest.mark.parametrize(
    ("version", "outcome", "sees_certificate"),
    [("-tls1_2", {"tls_failed"}, False), ("-tls1_3", {"tls_failed", "reset"}, True)],
)
def test_a_server_that_wants_a_client_certificate(
    folder: Path, check: Check, version: str, outcome: set[str], *, sees_certificate: bool
) -> None:
    """Without one it ends: in TLS 1.2 within the handshake, in 1.3 after it, certificate seen."""
    certificate(folder)
    with s_server(folder, version, "-Verify", "1") as target:
        checked = check(target)

    assert checked.code == 3
    assert checked.server["outcome"] in outcome
    assert (checked.server["certificate"] is not None) is sees_certificate
