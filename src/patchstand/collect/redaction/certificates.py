"""Certificates without names and keys: the same form, length and dates, other contents.

An audit looks at dates, kind and size of the key, the algorithm of the signature, and whether
subject and issuer are the same. All of that stays; names, serial numbers, keys, identifiers
and signatures are replaced by as many other bytes (DER, X.690).
"""

import base64
import binascii
import hashlib
import warnings

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from patchstand.collect.redaction.pseudonyms import Pseudonyms

_INTEGER, _BITS, _OCTETS = 0x02, 0x03, 0x04
_CONSTRUCTED = 0x20
_TEXTS = frozenset({0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A, 0x1C, 0x1E})
_CONTEXT = range(0x80, 0xA0)
_SMALL = 4
"""Bytes of a number that says nothing of whose certificate it is (version, exponent)."""


def without_names(encoded: str, pseudonyms: Pseudonyms) -> tuple[str, dict[str, str]] | None:
    """A certificate in base64, redacted; and its old and new thumbprints (SHA-1, SHA-256).

    None where it is no certificate.
    """
    try:
        der = base64.b64decode("".join(encoded.split()), validate=True)
        redacted = _redacted(der, pseudonyms)
    except (binascii.Error, ValueError, IndexError):
        return None
    changed = {
        hashlib.new(name, der, usedforsecurity=False).hexdigest(): hashlib.new(
            name, redacted, usedforsecurity=False
        ).hexdigest()
        for name in ("sha1", "sha256")
    }
    return base64.b64encode(redacted).decode(), changed


def _redacted(der: bytes, pseudonyms: Pseudonyms) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd serial numbers and the like: theirs, not ours
        key = x509.load_der_x509_certificate(der).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return _elements(der, pseudonyms, b"")
    form = (Encoding.X962, PublicFormat.UncompressedPoint)
    other = ec.generate_private_key(key.curve).public_key().public_bytes(*form)
    return _elements(der.replace(key.public_bytes(*form), other), pseudonyms, other)


def _elements(der: bytes, pseudonyms: Pseudonyms, point: bytes) -> bytes:
    """Elements that follow each other, each as long as before; `point` stays as it is.

    Raises:
        ValueError: these bytes are no DER.
    """
    parts, at = [], 0
    while at < len(der):
        tag, length, start = der[at], der[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("no DER")
            length, start = int.from_bytes(der[start : start + count], "big"), start + count
        if start + length > len(der):
            raise ValueError("it breaks off")
        content = der[start : start + length]
        parts += [der[at:start], _element(tag, content, pseudonyms, point)]
        at = start + length
    return b"".join(parts)


def _element(tag: int, content: bytes, pseudonyms: Pseudonyms, point: bytes) -> bytes:
    if tag & _CONSTRUCTED:
        return _elements(content, pseudonyms, point)
    if tag == _INTEGER:
        return _number(content, pseudonyms)
    if tag == _BITS:
        return content[:1] + _wrapped(content[1:], pseudonyms, point)
    if tag == _OCTETS:
        return _wrapped(content, pseudonyms, point)
    if tag in _TEXTS or tag in _CONTEXT:
        return bytes(97 + each % 26 for each in pseudonyms.octets(content, len(content)))
    return content


def _wrapped(content: bytes, pseudonyms: Pseudonyms, point: bytes) -> bytes:
    """What a string of bits or bytes holds: DER, where it is some, else anything."""
    if point and content == point:
        return content
    if content[:1] and content[0] in {0x30, 0x04, 0x03, 0x0A, 0x05}:
        try:
            return _elements(content, pseudonyms, point)
        except (ValueError, IndexError):
            pass
    few = len(content) <= _SMALL  # bits of a key's usage
    return content if few else pseudonyms.octets(content, len(content))


def _number(content: bytes, pseudonyms: Pseudonyms) -> bytes:
    """As large a number: its first byte (and the second's first bit) decide how large."""
    if len(content) <= _SMALL:
        return content
    other = bytearray(pseudonyms.octets(content, len(content)))
    other[0] = content[0]
    if content[0] == 0:
        other[1] = content[1] & 0x80 | other[1] & 0x7F
    other[-1] |= 1
    return bytes(other)
