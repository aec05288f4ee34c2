"""Encryption to recipients, opened with the real openssl."""

import datetime
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.store.certificates import NOW, RSA_KEY, Person, make_certificate

from patchstand.errors import UsageError
from patchstand.store.seal import read_recipient, seal

OPENSSL = shutil.which("openssl")


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
@pytest.mark.parametrize("size", [0, 1, 16, 100_001])
def test_openssl_opens_what_was_sealed_for_each_recipient(size: int, tmp_path: Path) -> None:
    """Every recipient decrypts exactly the bytes, line ends unchanged; nobody else does."""
    content = (b"name\r\nother\n" * 10_000)[:size]
    people = [Person.made(tmp_path, name) for name in ("anna", "ben", "stranger")]
    sealed = tmp_path / "list.p7m"
    sealed.write_bytes(seal(content, [read_recipient(each.path, NOW) for each in people[:2]]))

    opened = [each.opens(sealed) for each in people]

    assert opened == [content, content, None]


def test_openssl_names_the_cipher(tmp_path: Path) -> None:
    """The envelope says AES-256-CBC, and holds nothing of the list in the clear."""
    person = Person.made(tmp_path, "anna")
    sealed = seal(b"mail.example.org", [read_recipient(person.path, NOW)])
    printed = subprocess.run(
        [OPENSSL or "openssl", "cms", "-cmsout", "-print", "-noout", "-inform", "DER"],
        input=sealed,
        capture_output=True,
        check=True,
    ).stdout

    assert b"pkcs7-envelopedData" in printed
    assert b"aes-256-cbc" in printed
    assert b"example" not in sealed


def test_a_recipient_is_named(tmp_path: Path) -> None:
    """A recipient is known by subject and fingerprint."""
    person = Person.made(tmp_path, "anna")
    recipient = read_recipient(person.path, NOW)

    assert recipient.subject == "CN=anna"
    assert len(bytes.fromhex(recipient.fingerprint)) == 32


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"days": (-10, -1)}, "expired"),
        ({"days": (1, 10)}, "not valid before"),
        ({"usage": "signature"}, "key usage"),
        ({"purpose": "server"}, "key usage"),
        ({"key": "ec"}, "RSA"),
        ({"key": "short"}, "1024"),
    ],
)
def test_certificates_not_made_for_it_are_refused(
    settings: dict[str, object], word: str, tmp_path: Path
) -> None:
    """Expired, early, signing-only, server, elliptic and short certificates are refused."""
    path = make_certificate(tmp_path / "one.pem", "one", RSA_KEY, **settings)  # type: ignore[arg-type]

    with pytest.raises(UsageError, match=word):
        read_recipient(path, NOW)


@pytest.mark.parametrize("settings", [{"usage": "encipherment"}, {"purpose": "mail"}])
def test_certificates_made_for_it_are_taken(settings: dict[str, str], tmp_path: Path) -> None:
    """Key encipherment and e-mail protection are what encryption needs."""
    path = make_certificate(tmp_path / "one.pem", "one", RSA_KEY, **settings)  # type: ignore[arg-type]

    assert read_recipient(path, NOW).subject == "CN=one"


@pytest.mark.parametrize("content", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_what_is_no_certificate_is_refused(content: bytes, tmp_path: Path) -> None:
    """A file that holds no certificate is a usage error that names it."""
    path = tmp_path / "none.pem"
    path.write_bytes(content)

    with pytest.raises(UsageError, match="none"):
        read_recipient(path, NOW)


def test_a_certificate_lasts_to_its_last_second(tmp_path: Path) -> None:
    """Valid at its end, refused one second later."""
    path = make_certificate(tmp_path / "one.pem", "one", RSA_KEY, days=(-1, 1))
    end = (NOW + datetime.timedelta(days=1)).replace(microsecond=0)

    assert read_recipient(path, end).subject == "CN=one"
    with pytest.raises(UsageError):
        read_recipient(path, end + datetime.timedelta(seconds=1))
