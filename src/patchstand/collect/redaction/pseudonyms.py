"""One placeholder for one name: in the order of their appearance, so that nothing can be undone.

Only where a value must keep its length (hex, the inside of certificates) it is made of a
keyed hash; the key is thrown away.
"""

import hashlib
import hmac
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

_IPV4 = (IPv4Address("192.0.2.1"), IPv4Address("198.18.0.1"))
"""Documentation (RFC 5737), and when its 254 are used up, benchmarks (RFC 2544)."""
_DOCUMENTATION = 254
_IPV6 = IPv6Address("2001:db8::1")


class Pseudonyms:
    """What each name is called from now on; `key` is random and kept by nobody."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._names: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._names)

    def name(self, original: str, kind: str = "name") -> str:
        """`name-1` for the first name, and again for the same in other case."""
        return self._known(kind, original, lambda number: f"{kind}-{number}")

    def guid(self, original: str) -> str:
        """A GUID that is none of anything."""
        return self._known(
            "guid", original, lambda number: f"00000000-0000-4000-8000-{number:012x}"
        )

    def domain_sid(self, original: str) -> str:
        """The three numbers of a domain in a SID."""
        return self._known("sid", original, lambda number: f"1-1-{number}")

    def mac(self, original: str) -> str:
        """A hardware address of the range for documentation (RFC 7042)."""
        return self._known("mac", original, lambda number: f"00-00-5E-00-53-{number % 256:02X}")

    def address(self, original: str) -> str:
        """An IP address of the ranges for documentation; those that mean nothing stay."""
        address = ip_address(original)
        if address.is_unspecified or address.is_loopback or address.is_multicast:
            return original
        if isinstance(address, IPv6Address):
            return self._known("ipv6", str(address), lambda number: str(_IPV6 + number - 1))
        return original if address.packed[0] == 255 else self._known("ipv4", original, _ipv4)

    def hexadecimal(self, original: str) -> str:
        """As many hex digits, in the same case."""
        digits = self.octets(original.lower().encode(), (len(original) + 1) // 2).hex()
        digits = digits[: len(original)]
        return digits.upper() if original.upper() == original else digits

    def octets(self, original: bytes, length: int) -> bytes:
        """As many bytes as asked for, the same for the same original."""
        found = b""
        while len(found) < length:
            block = len(found).to_bytes(4, "big") + original
            found += hmac.new(self._key, block, hashlib.sha256).digest()
        return found[:length]

    def _known(self, kind: str, original: str, make: Callable[[int], str]) -> str:
        which = (kind, original.casefold())
        if which not in self._names:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._names[which] = make(self._counts[kind])
        return self._names[which]


def _ipv4(number: int) -> str:
    if number <= _DOCUMENTATION:
        return str(_IPV4[0] + number - 1)
    return str(_IPV4[1] + number - _DOCUMENTATION - 1)
