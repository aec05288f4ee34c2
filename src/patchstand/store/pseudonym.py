"""Pseudonyms of servers, and which names and addresses need none.

A pseudonym is `p:` and 26 characters of base32: the first 130 bits of the HMAC-SHA-256 of the
name under the store's current key. The same name has the same pseudonym until the key is
changed; without the key nobody can try names out.
"""

import base64
import re
from collections.abc import Callable, Collection
from functools import lru_cache
from hmac import digest
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

PREFIX = "p:"
_CHARACTERS = 26
KEY_BYTES = 32
"""As long as the digest: RFC 2104, section 3."""

_RESERVED = (
    "example", "test", "invalid", "localhost",
    "example.com", "example.net", "example.org",
)  # fmt: skip
"""Names that belong to nobody: RFC 2606 and RFC 6761."""
_TRANSLATED = (
    IPv6Network("64:ff9b::/96"),  # RFC 6052
    IPv6Network("64:ff9b:1::/48"),  # RFC 8215
    IPv6Network("::/96"),  # RFC 4291, IPv4-compatible
)
"""Networks whose last 32 bits are an IPv4 address."""

_VERSION_RULES = frozenset(
    {
        "endpoint_page", "greeting_version", "imap_id", "internet_mail_service",
        "manifest", "ms_server_activesync", "owa_comment", "owa_path", "received",
        "server_version_info", "smtp_banner", "stated_build", "version_rewritten",
        "windows_build", "windows_smtp", "x_owa_version", "x_serverapplication",
    }
)  # fmt: skip
"""Rules whose values are versions, as the readers take them out of a text."""
_VERSION = re.compile(r"\d{1,5}(?:\.\d{1,5}){1,4}")
_EXTENSIONS = (
    "CHUNKING|DSN|ETRN|HELP|SMTPUTF8|X-ANONYMOUSTLS|X-EXPS|X-LINK2STATE|XEXCH50|XRDST"
    "|XSHADOWREQUEST|XSHADOW"
)
_FIXED = {
    "ehlo": re.compile(rf"(?:{_EXTENSIONS})(?: (?:without )?(?:{_EXTENSIONS}))*"),
    "exchweb": re.compile("/exchweb/"),
    "greeting": re.compile(r"CAPABILITY|Microsoft Exchange|(?i:exchange\W(?:server\W+)?20\d\d)"),
    "iis": re.compile(r"(?i:Microsoft-IIS)/\d{1,2}\.\d"),
    "logon_page": re.compile(r"\{57a118c6-2da9-419d-be9a-f92b0f9a418b\}"),
    "smtp_banner": re.compile("Microsoft ESMTP MAIL Service"),
}
"""Rules with values of their own; whatever else they show may come from the server."""
_PRODUCT_RULES = frozenset({"front", "look_alike", "online", "other_product"})
"""Rules whose value is the name of a fingerprint, or a text of the server."""


def is_public(text: str) -> bool:
    """True when a name or address names somebody to the outside.

    False for loopback, private, documentation and other addresses that are not routed
    globally, and for names reserved for examples and tests.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return not _is_reserved(text)
    if isinstance(address, IPv4Address):
        return address.is_global
    return any(each.is_global for each in _inner(address))


def _is_reserved(name: str) -> bool:
    lowered = name.rstrip(".").lower()
    return any(lowered == each or lowered.endswith("." + each) for each in _RESERVED)


def _inner(address: IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The addresses that name the server: the IPv4 one where the address only wraps it."""
    wrapped = address.ipv4_mapped or address.sixtofour
    if wrapped is not None:
        return [wrapped]
    if address.teredo is not None:
        return list(address.teredo)
    if not (address.is_loopback or address.is_unspecified) and any(
        address in network for network in _TRANSLATED
    ):
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


def canonical(text: str) -> str:
    """One spelling for each name and address, so that each has one pseudonym."""
    bare = text.strip().rstrip(".").lower()
    try:
        address = ip_address(bare)
    except ValueError:
        return bare
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def pseudonym(key: bytes, text: str) -> str:
    """The pseudonym of a name or address under `key`."""
    mac = digest(key, canonical(text).encode("utf-8", "surrogateescape"), "sha256")
    return PREFIX + base64.b32encode(mac)[:_CHARACTERS].decode().lower()


class Mask:
    """Replaces what names a server by its pseudonym."""

    def __init__(self, key: bytes, products: Collection[str] = ()) -> None:
        """Take the current key, and the product names that a clue may show unchanged."""
        if len(key) < KEY_BYTES:
            raise ValueError(f"a key of pseudonyms has {KEY_BYTES} bytes")
        self._key = key
        self._products = frozenset(products)
        self.clue: Callable[[str], str] = lru_cache(maxsize=65_536)(self._clue)

    def name(self, text: str) -> str:
        """A target or an address, as it may leave the store."""
        return pseudonym(self._key, text) if is_public(text) else text

    def _clue(self, text: str) -> str:
        """A clue (`rule=value`), as it may leave the store.

        What a server says can hold its name, so that a value stays only where its rule
        shows versions or fixed words; values of rules not known here never do.
        """
        rule, _, value = text.partition("=")
        if not value or self._is_harmless(rule, value):
            return text
        return f"{rule}={pseudonym(self._key, value)}"

    def _is_harmless(self, rule: str, value: str) -> bool:
        if rule in _VERSION_RULES and _VERSION.fullmatch(value):
            return True
        fixed = _FIXED.get(rule)
        if fixed is not None and fixed.fullmatch(value):
            return True
        return rule in _PRODUCT_RULES and value in self._products
