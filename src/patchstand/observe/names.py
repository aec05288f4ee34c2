"""Names and addresses in their one canonical spelling, so that no rule can be walked around.

Only the canonical text form is an address. `127.1`, `2130706433` or `0x7f.1` are names to
us; such names end in a number and are never looked up.
"""

import contextlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
    summarize_address_range,
)
from itertools import islice

from patchstand.errors import UsageError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NAME_LENGTH = 253
"""Characters; RFC 1035 section 2.3.4 without the final dot."""
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291, section 2.5.5.2
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291, section 2.5.5.1
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, the well-known prefix


@lru_cache(maxsize=4096)  # asked several times for each target
def canonical_address(text: str) -> Address | None:
    """Read an address in dotted or colon form; None for anything else.

    An IPv4-mapped IPv6 address is the IPv4 address it stands for.
    """
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def canonical_name(text: str) -> str | None:
    """Lower-case ASCII form of a DNS name without the final dot; None if it is none.

    A name whose last label is a number is none (it would be taken for an address).
    """
    name = text.rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    labels = name.split(".")
    if len(name) > NAME_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    return None if _NUMBER.fullmatch(labels[-1]) else name


@lru_cache(maxsize=4096)
def canonical(text: str) -> str | None:
    """The canonical spelling of a name or an address; None if it is neither."""
    address = canonical_address(text)
    return str(address) if address is not None else canonical_name(text)


def embedded(address: Address) -> tuple[Address, ...]:
    """The address and the IPv4 addresses it leads to: 6to4, Teredo, NAT64, IPv4-compatible."""
    if isinstance(address, IPv4Address):
        return (address,)
    inner: list[Address] = [address]
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner.extend(address.teredo)
    if address in _NAT64 or address in _COMPATIBLE:
        inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(inner)


@lru_cache(maxsize=1024)
def is_public_suffix(name: str) -> bool:
    """True for a name under which anybody can register, such as `co.uk` or `duckdns.org`.

    By the Public Suffix List that the library carries; nothing is fetched.
    """
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415  slow to load, seldom needed

    return PublicSuffixList().publicsuffix(name) == name


def is_local_name(name: str) -> bool:
    """True for `localhost` and its sub-domains, which are loopback by RFC 6761."""
    return name == "localhost" or name.endswith(".localhost")


def lies_under(name: str, domain: str) -> bool:
    """True when `name` is `domain` or one of its sub-domains; both canonical."""
    return name == domain or name.endswith("." + domain)


def parse_network(text: str) -> Network:
    """Read a block in CIDR notation, an address alone included.

    Raises:
        UsageError: it is none; says what was probably meant.
    """
    try:
        return _unmapped(ip_network(text))
    except ValueError:
        raise UsageError(f"{text[:80]!r} {_why_no_network(text[:80])}") from None


def _why_no_network(text: str) -> str:
    """What is wrong with a block, and how it is written."""
    with contextlib.suppress(ValueError):
        meant = ip_network(text, strict=False)
        return f"has bits set beyond its length; write {meant} or {text.partition('/')[0]}"
    first, dash, last = (part.strip() for part in text.partition("-"))
    if dash:
        return _why_no_range(first, last)
    before, _, after = text.partition("/")
    with contextlib.suppress(ValueError):
        return f"is written the wrong way round; write {ip_network(f'{after}/{before}')}"
    if _is_address(before):
        return "has no length that a block of its kind can have; write such as 192.0.2.0/24"
    return "is no block of addresses such as 192.0.2.0/24 or 2001:db8::/48"


def _why_no_range(first: str, last: str) -> str:
    ends = [each for each in (canonical_address(first), canonical_address(last)) if each]
    if len(ends) < 2 or ends[0].version != ends[1].version:
        return "is no range of addresses; write blocks such as 192.0.2.0/24"
    if int(ends[0]) > int(ends[1]):
        return "is a range that ends before it begins; write a block such as 192.0.2.0/24"
    blocks = ", ".join(map(str, islice(summarize_address_range(*ends), 3)))
    return f"is a range; write blocks: {blocks}"


def _is_address(text: str) -> bool:
    return canonical_address(text) is not None


class Networks:
    """A set of networks that answers quickly whether an address lies in one of them."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Take CIDR strings, IPv4-mapped IPv6 ones included.

        Raises:
            ValueError: a string is no network, or has host bits set.
        """
        networks = [_unmapped(ip_network(text)) for text in texts]
        four = [each for each in networks if isinstance(each, IPv4Network)]
        six = [each for each in networks if isinstance(each, IPv6Network)]
        self._starts: dict[int, list[int]] = {}
        self._ends: dict[int, list[int]] = {}
        for version, merged in ((4, collapse_addresses(four)), (6, collapse_addresses(six))):
            starts = self._starts[version] = list[int]()
            ends = self._ends[version] = list[int]()
            for start, end in ((int(each[0]), int(each[-1])) for each in merged):  # sorted
                if ends and ends[-1] + 1 == start:
                    ends[-1] = end
                else:
                    starts.append(start)
                    ends.append(end)

    def __bool__(self) -> bool:
        """False when there is no network at all."""
        return any(self._starts.values())

    def __contains__(self, address: Address) -> bool:
        """True when the address lies in one of the networks."""
        place = bisect_right(self._starts[address.version], int(address)) - 1
        return place >= 0 and int(address) <= self._ends[address.version][place]

    def cover(self, network: Network) -> bool:
        """True when all of `network` lies in the networks, several of them together included."""
        place = bisect_right(self._starts[network.version], int(network[0])) - 1
        return place >= 0 and int(network[-1]) <= self._ends[network.version][place]

    def meet(self, network: Network) -> bool:
        """True when any address of `network` lies in the networks."""
        place = bisect_right(self._starts[network.version], int(network[-1])) - 1
        return place >= 0 and int(network[0]) <= self._ends[network.version][place]

    @property
    def size(self) -> int:
        """The number of addresses in the networks, each counted once."""
        ends = [*self._ends[4], *self._ends[6]]
        starts = [*self._starts[4], *self._starts[6]]
        return sum(ends) - sum(starts) + len(ends)


class Domains:
    """A set of domains that answers quickly whether a name lies under one of them."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take canonical names."""
        self._names = frozenset(names)

    def __bool__(self) -> bool:
        """False when there is no domain at all."""
        return bool(self._names)

    def __contains__(self, name: str) -> bool:
        """True when the canonical `name` is one of the domains or one of their sub-domains."""
        return bool(self._names) and any(each in self._names for each in _with_parents(name))


def _with_parents(name: str) -> Iterator[str]:
    while name:
        yield name
        _, _, name = name.partition(".")


def _unmapped(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        four = int(network.network_address) & 0xFFFFFFFF
        return IPv4Network((four, network.prefixlen - 96))
    return network
