"""Pseudonyms of servers, and which names and addresses need none.

A pseudonym is `p:` and 26 characters of base32: the first 130 bits of the HMAC-SHA-256 of the
name under the store's current key. The same name has the same pseudonym until the key is
changed; without the key nobody can try names out.
"""

import base64
import hmac
import re
from bisect import bisect_right
from collections.abc import Callable, Collection
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from socket import AF_INET, inet_pton

PREFIX = "p:"
_CHARACTERS = 26
_BYTES = 17  # the fewest that hold 26 characters
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

_LOCAL = [
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
    )
]  # fmt: skip
"""IPv4 networks that are not globally reachable: IANA's registry of special-purpose addresses."""
_LOCAL_STARTS = [int(each[0]) for each in _LOCAL]
_LOCAL_ENDS = [int(each[-1]) for each in _LOCAL]

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
    if _is_name(text):
        return not _is_reserved(text)
    if (number := _number(text)) is not None:
        return _is_global(number)
    try:
        address = ip_address(text)
    except ValueError:
        return not _is_reserved(text)
    return _six_is_public(IPv6Address(address))


def _is_name(text: str) -> bool:
    """True for what is surely no address; decides most texts at once."""
    return ":" not in text and not text[-1:].isdigit()


def _number(text: str) -> int | None:
    """An IPv4 address as a number; None for anything else."""
    try:
        return int.from_bytes(inet_pton(AF_INET, text), "big")
    except (OSError, ValueError):
        return None


def _is_global(number: int) -> bool:
    at = bisect_right(_LOCAL_STARTS, number) - 1
    return at < 0 or number > _LOCAL_ENDS[at]


def _is_reserved(name: str) -> bool:
    lowered = name.rstrip(".").lower()
    return any(lowered == each or lowered.endswith("." + each) for each in _RESERVED)


def _six_is_public(address: IPv6Address) -> bool:
    """The same for IPv6; where it only wraps an IPv4 address, that one decides."""
    wrapped = [address.ipv4_mapped or address.sixtofour, *(address.teredo or ())]
    if not any(wrapped) and int(address) > 1 and any(address in each for each in _TRANSLATED):
        wrapped = [IPv4Address(int(address) & 0xFFFFFFFF)]
    inner = [int(each) for each in wrapped if each is not None]
    return any(map(_is_global, inner)) if inner else address.is_global


def canonical(text: str) -> str:
    """One spelling for each name and address, so that each has one pseudonym."""
    bare = text.strip().rstrip(".").lower()
    if _is_name(bare) or _number(bare) is not None:
        return bare
    try:
        address = ip_address(bare)
    except ValueError:
        return bare
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def pseudonym(key: bytes, text: str) -> str:
    """The pseudonym of a name or address under `key`."""
    return _pseudonym(hmac.new(key, digestmod="sha256"), text)


def _pseudonym(keyed: hmac.HMAC, text: str) -> str:
    mac = keyed.copy()  # several times as quick as a new one
    mac.update(canonical(text).encode("utf-8", "surrogatepass"))
    return PREFIX + base64.b32encode(mac.digest()[:_BYTES])[:_CHARACTERS].decode().lower()


class Mask:
    """Replaces what names a server by its pseudonym."""

    def __init__(self, key: bytes, products: Collection[str] = ()) -> None:
        """Take the current key, and the product names that a clue may show unchanged."""
        if len(key) < KEY_BYTES:
            raise ValueError(f"a key of pseudonyms has {KEY_BYTES} bytes")
        self._keyed = hmac.new(key, digestmod="sha256")
        self._products = frozenset(products)
        self.clue: Callable[[str], str] = lru_cache(maxsize=65_536)(self._clue)

    def name(self, text: str) -> str:
        """A target or an address, as it may leave the store."""
        return _pseudonym(self._keyed, text) if is_public(text) else text

    def _clue(self, text: str) -> str:
        """A clue (`rule=value`), as it may leave the store.

        What a server says can hold its name, so that a value stays only where its rule
        shows versions or fixed words; values of rules not known here never do.
        """
        rule, _, value = text.partition("=")
        if not value or self._is_harmless(rule, value):
            return text
        return f"{rule}={_pseudonym(self._keyed, value)}"

    def _is_harmless(self, rule: str, value: str) -> bool:
        if rule in _VERSION_RULES and _VERSION.fullmatch(value):
            return True
        fixed = _FIXED.get(rule)
        if fixed is not None and fixed.fullmatch(value):
            return True
        return rule in _PRODUCT_RULES and value in self._products
