"""A real Exim: SMTP with STARTTLS of another product."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.services.conftest import Check
from tests.services.servers import certificate, free_port, program, rsa_key, started

pytestmark = pytest.mark.services

CONFIGURATION = """
primary_hostname = mail.example.org
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
host_lookup =
rfc1413_hosts =
tls_advertise_hosts = {tls}
tls_certificate = {folder}/cert.pem
tls_privatekey = {folder}/key.pem
{more}
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = false
  server_advertise_condition = {advertise}
"""
INSIDE_TLS = "${if def:tls_in_cipher}"


@contextlib.contextmanager
def exim(
    folder: Path, *, tls: str = "*", advertise: str = INSIDE_TLS, more: str = ""
) -> Iterator[str]:
    """Run Exim, which accepts no mail; its port as a target."""
    port = free_port()
    certificate(folder, rsa_key())
    (folder / "spool").mkdir()
    for path in (folder, folder / "spool"):
        path.chmod(0o777)  # Exim gives up root for a user of its own
    text = CONFIGURATION.format(folder=folder, tls=tls, advertise=advertise, more=more)
    (folder / "exim.conf").write_text(text)
    (folder / "exim.conf").chmod(0o644)
    files = ("-C", f"{folder}/exim.conf", "-oP", f"{folder}/exim.pid")
    command = [program("exim4"), "-bdf", *files, "-oX", f"<; [127.0.0.1]:{port}"]
    with started(command, [port], folder):
        yield f"127.0.0.1 smtp={port}"


def test_exim_is_named_and_its_certificate_seen(folder: Path, check: Check) -> None:
    """Greeting and EHLO name Exim; STARTTLS shows the certificate and the TLS version."""
    with exim(folder) as target:
        checked = check(target)

    assert checked.code == 0
    assert checked.server["outcome"] == "answered"
    assert checked.server["requests"] == 1
    assert checked.server["is_exchange"] is False
    assert "Exim" in checked.identity["look_alike"]
    assert checked.server["tls_versions"] == ["TLSv1.3"]
    assert checked.server["certificate"]["subject"] == "mail.example.org"
    assert checked.server["certificate"]["key"] == "RSA 2048"


def test_a_log_in_inside_tls_only_is_encrypted(folder: Path, check: Check) -> None:
    """AUTH PLAIN offered only after STARTTLS does not count as a log-in in the clear."""
    with exim(folder) as target:
        checked = check(target)

    assert checked.exposure("smtp")["encrypted"] is True


def test_a_log_in_without_tls_is_not_encrypted(folder: Path, check: Check) -> None:
    """AUTH PLAIN offered before STARTTLS is a log-in in the clear."""
    with exim(folder, advertise="true") as target:
        checked = check(target)

    assert checked.exposure("smtp")["login_methods"] == ["PLAIN"]
    assert checked.exposure("smtp")["encrypted"] is False


def test_smtp_without_starttls(folder: Path, check: Check) -> None:
    """A server without STARTTLS is asked in the clear only: no certificate, still named."""
    with exim(folder, tls="") as target:
        checked = check(target)

    assert checked.server["outcome"] == "answered"
    assert checked.server["certificate"] is None
    assert checked.server["tls_versions"] == []
    assert "Exim" in checked.identity["look_alike"]


def test_a_mail_server_that_refuses_us(folder: Path, check: Check) -> None:
    """A greeting of 550 is an answer: it ends there, and nothing of Exchange is claimed."""
    more = "acl_smtp_connect = refuse\nbegin acl\nrefuse:\n  deny message = Exim says no"
    with exim(folder, more=more) as target:
        checked = check(target)

    assert checked.server["outcome"] == "answered"
    assert checked.server["requests"] == 1
    assert checked.server["is_exchange"] is not True
    assert checked.server["certificate"] is None


def test_no_mail_is_begun(folder: Path, check: Check) -> None:
    """Exim's own log knows the session as one that sent no mail and ended with QUIT."""
    more = "log_selector = +smtp_no_mail +smtp_connection"
    with exim(folder, more=more) as target:
        check(target)
    log = (folder / "mainlog").read_text()

    no_mail = [line for line in log.splitlines() if "no MAIL in SMTP connection" in line]
    assert any("C=EHLO,STARTTLS,EHLO,QUIT" in line for line in no_mail), log
