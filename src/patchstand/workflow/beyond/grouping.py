"""Targets to batches: every network lies in one batch, so that budgets need no central count.

A network is a /24 or a /56, as in `observe.pace`. A name with addresses in several networks
joins them. Targets are taken in windows, so that memory does not grow with their number; what
an earlier window asked of a network is charged to the later.
"""

import asyncio
import heapq
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count, islice
from typing import Self
from zlib import crc32

from patchstand.errors import ScopeError
from patchstand.model import Scope, Target
from patchstand.observe import order
from patchstand.observe.look import ADDRESSES_TRIED, run
from patchstand.observe.names import canonical_address
from patchstand.observe.pace import Spent
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.workflow.beyond.batches import LOT, Lease, LookBatch, LookSettings, at_most

TARGETS_A_BATCH = 512
"""Enough that networks can take turns inside a batch; a worker holds all answers of one."""
TARGETS_A_WINDOW = 100_000
LOOK_UPS_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a scan is cut: about `size` targets a batch at most, `at_once` batches at work.

    The rate of `settings.rules` is that of the whole scan; each batch gets its part of it.
    `spent` is what the scan asked before it was resumed; `returned` what the batches that
    are back did, by their numbers: whoever takes results adds to it.
    """

    scan: str
    scopes: tuple[Scope, ...]
    settings: LookSettings
    spent: Mapping[str, Spent] = field(default_factory=dict)
    returned: Mapping[int, Mapping[str, Spent]] = field(default_factory=dict)
    size: int = TARGETS_A_BATCH
    window: int = TARGETS_A_WINDOW
    at_once: int = 4


def batches_of(
    targets: Iterable[Target], resolver: Resolver, gate: Gate, plan: Plan
) -> Iterator[LookBatch | None]:
    """Look up the names and cut the targets into batches; inside one, their order stays.

    None stands between two windows: whoever takes the batches waits there until all are
    back, as the next window goes by what they asked. The same targets
    in the same order give the same batches, as long as names keep their addresses. Must
    not be called inside a running event loop.
    """
    settings = _part_of(plan)
    waiting, number = iter(targets), 0
    network = _network_of(settings)
    with _Asked(plan.spent, network) as asked:
        for window in count():
            taken = list(islice(waiting, plan.window))
            leases = run(_resolved(taken, resolver, gate)) if taken else []
            sent: dict[int, dict[str, Spent]] = {}
            for group in _groups(leases, _count(len(leases), plan), network):
                batch = LookBatch(
                    scan=plan.scan,
                    number=number,
                    window=window,
                    leases=tuple(group),
                    scopes=plan.scopes,
                    settings=settings,
                    spent=asked.before(group),
                )
                sent[number] = at_most(batch)
                yield batch
                number += 1
            if len(taken) < plan.window:
                return
            yield None
            for one, most in sent.items():
                asked.add(plan.returned.get(one, most))


NetworkOf = Callable[[str], str]


@lru_cache(maxsize=65536)
def network_of(address: str) -> str:
    """The /24 or /56 of an address, as the budgets count it."""
    return order.network_of(address)


def _network_of(settings: LookSettings) -> NetworkOf:
    """On loopback networks mean nothing, unless they have a budget or a rate there too."""
    rules = settings.rules
    limited = rules.requests_per_network is not None or rules.rate_per_network is not None
    return network_of if limited and not settings.loopback_is_free else own_network_on_loopback


def own_network_on_loopback(address: str) -> str:
    """As `network_of`; an address of loopback is its own."""
    place = canonical_address(address)
    return address if place is None or place.is_loopback else network_of(address)


def _count(targets: int, plan: Plan) -> int:
    """How many batches: of the size wanted, or smaller ones so that every worker gets one."""
    return max(-(-targets // plan.size), min(plan.at_once, -(-targets // LOT)))


def _part_of(plan: Plan) -> LookSettings:
    rules = plan.settings.rules
    if rules.rate is None:
        return plan.settings
    return replace(plan.settings, rules=replace(rules, rate=rules.rate / plan.at_once))


async def _resolved(targets: Sequence[Target], resolver: Resolver, gate: Gate) -> list[Lease]:
    """The leases of the targets, in their order; names are looked up beside each other."""
    leases = [_of_address(target) for target in targets]
    free = asyncio.Semaphore(LOOK_UPS_AT_ONCE)

    async def look_up(place: int) -> None:
        async with free:
            leases[place] = await _of_name(targets[place], resolver, gate)

    names = [place for place, lease in enumerate(leases) if lease is None]
    for start in range(0, len(names), 10 * LOOK_UPS_AT_ONCE):
        await asyncio.gather(*map(look_up, names[start : start + 10 * LOOK_UPS_AT_ONCE]))
    return [lease for lease in leases if lease is not None]


def _of_address(target: Target) -> Lease | None:
    address = canonical_address(target.name)
    return Lease(target, (str(address),)) if address is not None else None


async def _of_name(target: Target, resolver: Resolver, gate: Gate) -> Lease:
    try:
        gate.check_name(target.name, resolver)
    except ScopeError:
        return Lease(target, ())  # not looked up; the worker's own gate refuses it again
    found = await resolver.addresses(target.name)
    return Lease(target, found.addresses[:ADDRESSES_TRIED], found.detail)


def _groups(leases: Sequence[Lease], count: int, network: NetworkOf) -> list[list[Lease]]:
    """So many groups of about the same size, networks whole, the order inside each as before."""
    joined = _Joined()
    for lease in leases:
        joined.join([network(address) for address in lease.addresses])
    keys = [_key(lease, joined, network) for lease in leases]
    place = _places(Counter(keys), count)
    groups: list[list[Lease]] = [[] for _ in range(count)]
    for key, lease in zip(keys, leases, strict=True):
        groups[place[key]].append(lease)
    return [group for group in groups if group]


def _key(lease: Lease, joined: "_Joined", network: NetworkOf) -> str:
    """What must stay together; a name without address may go anywhere."""
    return joined.root(network(lease.addresses[0])) if lease.addresses else lease.target.name


def _places(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """A group for each key: the largest first, each to the group that is smallest so far."""
    groups = [(0, number) for number in range(count)]
    place: dict[str, int] = {}
    for key in sorted(sizes, key=lambda key: (-sizes[key], crc32(key.encode()), key)):
        size, number = groups[0]
        place[key] = number
        heapq.heapreplace(groups, (size + sizes[key], number))
    return place


class _Joined:
    """Networks that must lie in the same batch (union-find; alone means not kept)."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def join(self, networks: Sequence[str]) -> None:
        for other in networks[1:]:
            one, two = sorted((self.root(networks[0]), self.root(other)))
            if one != two:
                self._parents[two] = one  # the smallest is the root, in whatever order

    def root(self, network: str) -> str:
        while network in self._parents:
            network = self._parents[network]
        return network


class _Asked:
    """What earlier windows may have asked, kept on disk: millions must not cost memory."""

    def __init__(self, spent: Mapping[str, Spent], network: NetworkOf) -> None:
        self._network = network
        self._rows = sqlite3.connect("")  # a temporary file, gone at the end
        self._rows.execute(
            "CREATE TABLE asked (network TEXT, address TEXT, attempts INTEGER, taken INTEGER,"
            " PRIMARY KEY (network, address)) WITHOUT ROWID"
        )
        self._is_empty = True
        self.add(spent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()

    def add(self, spent: Mapping[str, Spent]) -> None:
        """Replace what was known of these addresses."""
        rows = ((self._network(address), address, *each) for address, each in spent.items())
        self._rows.executemany("INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?)", rows)
        self._is_empty = self._is_empty and not spent

    def before(self, group: Sequence[Lease]) -> dict[str, Spent]:
        """What was asked in the networks of a group, also of addresses that are not in it."""
        if self._is_empty:
            return {}
        found: dict[str, Spent] = {}
        asking = "SELECT address, attempts, taken FROM asked WHERE network = ?"
        for network in {self._network(address) for lease in group for address in lease.addresses}:
            rows = self._rows.execute(asking, (network,))
            found |= {address: Spent(attempts, taken) for address, attempts, taken in rows}
        return dict(sorted(found.items()))
