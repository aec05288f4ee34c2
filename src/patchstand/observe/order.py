"""The order of asking: every network spread evenly over the whole scan, none twice in a row.

Pure: the same targets and seed give the same order. The positions of one network's members
follow the golden ratio, which leaves no gap much larger than the others however many
members there are; each network begins at a place of its own.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address
from itertools import islice
from typing import TypeVar

from patchstand.observe.names import canonical_name

WINDOW = 1024
"""Items looked at ahead to find one of another network."""
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio
_ALL = (1 << 64) - 1
_LABELS = 2

Item = TypeVar("Item")


def position(network_key: str, member: int, seed: int = 0) -> int:
    """The place of one member of a network in the whole scan; sort by it.

    `member` numbers the members of the network: 0, 1, 2 and so on, or the last bits of
    the address. The result is below 2^63: it fits the signed integer of a database.
    """
    return ((_offset(network_key, seed) + member * _GOLDEN) & _ALL) >> 1


@lru_cache(maxsize=4096)  # members of a network often come together
def _offset(network_key: str, seed: int) -> int:
    key = seed.to_bytes(16, "big", signed=True)
    return int.from_bytes(blake2b(network_key.encode(), digest_size=8, key=key).digest(), "big")


def network_of(address_or_name: str) -> str:
    """The network of a target: `192.0.2.0/24`, `2001:db8::/56`, or a registered domain.

    For a name its last two labels, three where the last but one is as short as that of
    `co.uk`: near enough to keep the servers of one operator apart.
    """
    parts = address_or_name.split(".")
    if len(parts) == 4 and all(part.isdigit() for part in parts):
        return ".".join(parts[:3]) + ".0/24"
    if ":" in address_or_name:
        return _network_of_six(address_or_name)
    name = canonical_name(address_or_name) or address_or_name
    labels = name.split(".")
    short = len(labels) > _LABELS and len(labels[-2]) <= 3 and len(labels[-1]) == 2
    return ".".join(labels[-(_LABELS + short) :])


def apart(
    items: Iterable[Item], network_of: Callable[[Item], str], window: int = WINDOW
) -> Iterator[Item]:
    """The same items, no two of one network in a row while the window holds another network.

    Streaming: at most `window` items are held. The networks in the window take turns.
    """
    waiting: OrderedDict[str, deque[Item]] = OrderedDict()
    held = 0
    last: str | None = None
    for item in items:
        network = network_of(item)
        if not held and network != last:  # the usual case: nothing waits
            yield item
            last = network
            continue
        waiting.setdefault(network, deque()).append(item)
        held += 1
        if held >= window or any(each != last for each in islice(waiting, 2)):
            last, chosen = _next(waiting, last)
            held -= 1
            yield chosen
    while held:
        last, chosen = _next(waiting, last)
        held -= 1
        yield chosen


def _next(waiting: OrderedDict[str, deque[Item]], last: str | None) -> tuple[str, Item]:
    """Take the first item of the first network that is not the last one; else of that."""
    networks = iter(waiting)
    network = next(networks)
    if network == last:
        network = next(networks, network)
    queue = waiting[network]
    item = queue.popleft()
    if queue:
        waiting.move_to_end(network)
    else:
        del waiting[network]
    return network, item


def _network_of_six(text: str) -> str:
    try:
        address = IPv6Address(text)
    except ValueError:
        return text
    if address.ipv4_mapped is not None:
        return network_of(str(address.ipv4_mapped))
    return str(IPv6Address(int(address) >> 72 << 72)) + "/56"
