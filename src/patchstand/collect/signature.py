"""Detached CMS signatures (RFC 5652) over a bundle, by a certificate that is known beforehand.

The certificate is pinned: the one that was given, or it is wrong. Its chain, its dates and
whether it was revoked are not looked at. No library verifies CMS without a network of its own
or a program beside it, so the few fields that matter are read here (DER, X.690).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from patchstand.errors import UsageError

_SEQUENCE, _SET, _OCTETS = 0x30, 0x31, 0x04
_CONTEXT_0 = 0xA0
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_DATA = bytes.fromhex("2a864886f70d010701")
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_PSS = bytes.fromhex("2a864886f70d01010a")
_HASHES: dict[bytes, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    bytes.fromhex("608648016503040201"): hashes.SHA256(),
    bytes.fromhex("608648016503040202"): hashes.SHA384(),
    bytes.fromhex("608648016503040203"): hashes.SHA512(),
}
_MOST_SIGNERS = 16


class _WrongError(Exception):
    """The signature does not hold; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One element of DER: tag, content, and the element with its header."""

    tag: int
    content: bytes
    whole: bytes


_NOTHING = _Part(0, b"", b"")


@dataclass(frozen=True, slots=True)
class _Signer:
    digest: bytes
    algorithm: bytes
    signature: bytes
    attributes: _Part | None


def certificates_in(pem: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file.

    Raises:
        UsageError: there is none in it.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise UsageError(f"no certificate (PEM): {error}") from error


def wrong(content: bytes, signature: bytes, known: tuple[x509.Certificate, ...]) -> str | None:
    """Why a detached signature is not that of a known certificate over `content`; None if it is."""
    try:
        signers = _signers(signature)
        for signer in signers:
            signed = _signed(signer, content)
            if any(_fits(signer, signed, certificate) for certificate in known):
                return None
    except (_WrongError, IndexError, ValueError) as error:
        return str(error) if isinstance(error, _WrongError) else "no CMS signature, or a broken one"
    return "signed by somebody else, or changed since"


def _parts(content: bytes) -> Iterator[_Part]:
    """The elements that follow each other; only lengths that DER has."""
    at = 0
    while at < len(content):
        start, tag, length, at = at, content[at], content[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise _WrongError("no CMS signature in DER")
            length, at = int.from_bytes(content[at : at + count]), at + count
        if at + length > len(content):
            raise _WrongError("a CMS signature that breaks off")
        yield _Part(tag, content[at : at + length], content[start : at + length])
        at += length


def _inside(part: _Part, tag: int) -> tuple[_Part, ...]:
    if part.tag != tag:
        raise _WrongError("no CMS signature")
    return tuple(_parts(part.content))


def _signers(signature: bytes) -> tuple[_Signer, ...]:
    kind, wrapped = _inside(next(_parts(signature), _NOTHING), _SEQUENCE)[:2]
    if kind.content != _SIGNED_DATA:
        raise _WrongError("no CMS signature")
    fields = _inside(_inside(wrapped, _CONTEXT_0)[0], _SEQUENCE)
    inner = _inside(fields[2], _SEQUENCE)
    if len(inner) != 1 or inner[0].content != _DATA:
        raise _WrongError("its CMS signature is not detached")
    found = _inside(fields[-1], _SET)
    if not 1 <= len(found) <= _MOST_SIGNERS:
        raise _WrongError("its CMS signature has no signer")
    return tuple(_signer(part) for part in found)


def _signer(part: _Part) -> _Signer:
    fields = list(_inside(part, _SEQUENCE))[2:]  # after the version and the signer's name
    digest = _inside(fields.pop(0), _SEQUENCE)[0].content
    attributes = fields.pop(0) if fields[0].tag == _CONTEXT_0 else None
    algorithm = _inside(fields.pop(0), _SEQUENCE)[0].content
    if fields[0].tag != _OCTETS:
        raise _WrongError("no CMS signature")
    return _Signer(digest, algorithm, fields[0].content, attributes)


def _signed(signer: _Signer, content: bytes) -> bytes:
    """The digest that was signed: of the content, or of the attributes that hold its digest."""
    algorithm = _hash(signer)
    digest = hashlib.new(algorithm.name, content).digest()
    if signer.attributes is None:
        return digest
    found = {}
    for attribute in _inside(signer.attributes, _CONTEXT_0):
        name, values = _inside(attribute, _SEQUENCE)
        found[name.content] = _inside(values, _SET)[0].content
    if found.get(_MESSAGE_DIGEST) != digest or found.get(_CONTENT_TYPE) != _DATA:
        raise _WrongError("changed since it was signed")
    as_set = bytes([_SET]) + signer.attributes.whole[1:]  # RFC 5652, section 5.4
    return hashlib.new(algorithm.name, as_set).digest()


def _hash(signer: _Signer) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    if signer.digest not in _HASHES or signer.algorithm == _PSS:
        raise _WrongError(
            "signed in a way that is not supported (RSA PKCS #1 or ECDSA with SHA-2 is)"
        )
    return _HASHES[signer.digest]


def _fits(signer: _Signer, signed: bytes, certificate: x509.Certificate) -> bool:
    key, prehashed = certificate.public_key(), utils.Prehashed(_hash(signer))
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signer.signature, signed, padding.PKCS1v15(), prehashed)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signer.signature, signed, ec.ECDSA(prehashed))
        else:
            return False
    except InvalidSignature:
        return False
    return True
