"""Detached signatures over a bundle."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given
from hypothesis import strategies as some
from tests.collect.certified import Pair, pair, pem, signed

from patchstand.collect.signature import certificates_in, wrong
from patchstand.errors import UsageError

CONTENT = b"PK\x03\x04 a bundle" * 50


@pytest.fixture(scope="module")
def known() -> Pair:
    return pair()


@pytest.fixture(scope="module")
def signature(known: Pair) -> bytes:
    return signed(CONTENT, known)


@pytest.mark.parametrize(
    "options", [(), (pkcs7.PKCS7Options.NoAttributes,), (pkcs7.PKCS7Options.NoCerts,)]
)
def test_a_signature_by_the_known_certificate_holds(
    known: Pair, options: tuple[pkcs7.PKCS7Options, ...]
) -> None:
    """With and without signed attributes, with and without the certificate inside."""
    assert wrong(CONTENT, signed(CONTENT, known, *options), (known[0],)) is None


def test_elliptic_curves_hold_too() -> None:
    """A certificate with an ECDSA key signs as well."""
    known = pair(key=ec.generate_private_key(ec.SECP256R1()))

    assert wrong(CONTENT, signed(CONTENT, known), (known[0],)) is None


def test_one_of_several_certificates_is_enough(known: Pair, signature: bytes) -> None:
    """Each of forty servers may have its own certificate."""
    assert wrong(CONTENT, signature, (pair("other")[0], known[0])) is None


@pytest.mark.parametrize("options", [(), (pkcs7.PKCS7Options.NoAttributes,)])
def test_somebody_elses_signature_is_wrong(
    known: Pair, options: tuple[pkcs7.PKCS7Options, ...]
) -> None:
    """A valid signature by a certificate that was not given does not count."""
    assert wrong(CONTENT, signed(CONTENT, pair("other"), *options), (known[0],))


@pytest.mark.parametrize("options", [(), (pkcs7.PKCS7Options.NoAttributes,)])
def test_changed_content_is_wrong(known: Pair, options: tuple[pkcs7.PKCS7Options, ...]) -> None:
    """One changed bit of what was signed is noticed."""
    changed = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]

    assert wrong(changed, signed(CONTENT, known, *options), (known[0],))


def test_a_signature_around_its_own_content_is_wrong(known: Pair) -> None:
    """A signature that brings what it signs says nothing of the file beside it."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"something else")
    builder = builder.add_signer(known[0], known[1], hashes.SHA256())
    around = builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])

    assert wrong(CONTENT, around, (known[0],)) == "its CMS signature is not detached"


def test_no_certificate_verifies_nothing(signature: bytes) -> None:
    """Without a known certificate no signature holds."""
    assert wrong(CONTENT, signature, ())


@given(at=some.integers(min_value=0), bit=some.integers(0, 7))
def test_a_changed_signature_never_verifies_other_content(
    known: Pair, signature: bytes, at: int, bit: int
) -> None:
    """However a signature is changed, it raises nothing and vouches for no other content."""
    at %= len(signature)
    changed = signature[:at] + bytes([signature[at] ^ (1 << bit)]) + signature[at + 1 :]

    assert wrong(CONTENT + b"!", changed, (known[0],))
    assert wrong(CONTENT + b"!", changed[:at], (known[0],))


@given(some.binary(max_size=200))
def test_any_bytes_are_no_signature(known: Pair, content: bytes) -> None:
    """Bytes that are no CMS are wrong, with a reason."""
    assert wrong(CONTENT, content, (known[0],))


def test_a_file_without_certificates_is_refused(known: Pair) -> None:
    """The file that should hold certificates must hold one."""
    assert certificates_in(pem(known[0]) * 2) == (known[0], known[0])
    with pytest.raises(UsageError):
        certificates_in(b"-----BEGIN NOTHING-----")
