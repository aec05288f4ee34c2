"""How much and how fast: budgets per server and per network, and rates, over a whole run.

A network is the /24 of an IPv4 address, the /56 of an IPv6 address: what one operator
usually watches as one.
"""

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address
from typing import NamedTuple
from weakref import WeakValueDictionary

from patchstand.errors import UsageError
from patchstand.observe.ledger import Ledger
from patchstand.observe.limits import MOST_REQUESTS, REQUESTS_PER_SERVER, Allowance, Budget

CATCH_UP = 0.01
"""Seconds by which a late event loop may catch up with the overall rate: in no span of
t seconds are there more than `rate` * (t + 0.01) + 1 connections and requests."""
FEWEST_LANES = 1024
"""Networks kept in mind before those that have become idle are dropped."""

OnSpend = Callable[[str, int, int], None]
"""Called with address, connections, requests: just before each of them."""


@dataclass(frozen=True, slots=True)
class PaceRules:
    """Budgets of a whole run, and rates in connections and requests per second.

    `requests_per_server` limits connections and requests, each, as `requests_per_network`
    does per IPv4 /24 or IPv6 /56. None: no such limit.
    """

    requests_per_server: int = REQUESTS_PER_SERVER
    requests_per_network: int | None = None
    rate: float | None = None
    rate_per_network: float | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            UsageError: a budget below one, more than 200 per server, or a rate that is not
                above zero.
        """
        if not 1 <= self.requests_per_server <= MOST_REQUESTS:
            raise UsageError(f"allow between 1 and {MOST_REQUESTS} requests per server")
        if self.requests_per_network is not None and self.requests_per_network < 1:
            raise UsageError("allow at least 1 request per network")
        for rate in (self.rate, self.rate_per_network):
            if rate is not None and not (rate > 0 and math.isfinite(rate)):
                raise UsageError("a rate is a number of requests per second above 0")


class Spent(NamedTuple):
    """What was spent on one address: connections tried, requests sent."""

    attempts: int
    taken: int


NOTHING = Spent(0, 0)


class Pace:
    """Keeps the budgets and the rates of one run; one object serves all its sessions.

    Memory: some bytes per address asked (see `ledger`), two numbers per network where it has
    a budget; what is needed for rates is dropped once a network is idle.
    """

    def __init__(
        self,
        rules: PaceRules,
        *,
        spent: Iterable[tuple[str, Spent]] = (),
        on_spend: OnSpend | None = None,
        loopback_is_free: bool = True,
    ) -> None:
        """Begin with what earlier parts of the run have `spent`, by address.

        What is said of one address several times adds up.

        `on_spend(address, attempts, taken)` is called before each connection (1, 0) and
        before each request (0, 1): once it returns, the spending is on record.
        With `loopback_is_free` each look at a loopback address has a budget of its own,
        and neither waits nor is recorded.
        """
        self.rules = rules
        self._on_spend = on_spend
        self._loopback_is_free = loopback_is_free
        self._servers = Ledger()
        self._networks: dict[bytes, Spent] = {}
        self.is_unhurried = rules.rate is None and rules.rate_per_network is None
        self._budgets: WeakValueDictionary[bytes, _Recorded] = WeakValueDictionary()
        self._allowances: WeakValueDictionary[bytes, _Shared] = WeakValueDictionary()
        self._overall = _Meter(rules.rate) if rules.rate is not None else None
        self._lanes = _Lanes(rules.rate_per_network) if rules.rate_per_network is not None else None
        for address, before in spent:
            self._remember(address, before)

    def budget(self, address: str) -> Budget:
        """The budget of one address: the same object for all who hold it at the same time."""
        place = _place(address)
        if place.is_loopback and self._loopback_is_free:
            return Budget(self.rules.requests_per_server)
        budget = self._budgets.get(place.key)
        if budget is None:
            attempts, taken = self._servers.of(place.key)
            shared = self._allowance(place.network)
            budget = _Recorded(self.rules.requests_per_server, attempts, taken, shared)
            budget.bind(self._servers, place.key, address, self._on_spend)
            self._budgets[place.key] = budget
        return budget

    def spent(self, address: str) -> Spent:
        """What was spent on one address so far."""
        return Spent(*self._servers.of(_place(address).key))

    async def turn(self, address: str) -> None:
        """Wait until the rates allow one more connection or request to this address.

        Those who wait for one network go in the order in which they came.
        """
        if self.is_unhurried:
            return
        place = _place(address)
        if place.is_loopback and self._loopback_is_free:
            return
        if self._lanes is not None:
            await self._lanes.turn(place.network, self._overall)
        elif self._overall is not None:
            await self._overall.turn()

    def _remember(self, address: str, before: Spent) -> None:
        place = _place(address)
        attempts, taken = self._servers.of(place.key)
        self._servers.put(place.key, attempts + before[0], taken + before[1])
        if self.rules.requests_per_network is not None:
            attempts, taken = self._networks.get(place.network, NOTHING)
            self._networks[place.network] = Spent(attempts + before[0], taken + before[1])

    def _allowance(self, network: bytes) -> "_Shared | None":
        limit = self.rules.requests_per_network
        if limit is None:
            return None
        shared = self._allowances.get(network)
        if shared is None:
            shared = _Shared(limit, *self._networks.get(network, NOTHING))
            shared.bind(self._networks, network)
            self._allowances[network] = shared
        return shared


_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291, section 2.5.5.2: it stands for an IPv4 address
_LOOPBACK = bytes(15) + b"\x01"


class _Place(NamedTuple):
    """An address as the books keep it: its bytes, those of its network."""

    key: bytes
    network: bytes
    is_loopback: bool


@lru_cache(maxsize=4096)  # asked for every connection and request
def _place(text: str) -> _Place:
    key = _packed(text)
    if len(key) == 4:
        return _Place(key, key[:3], key[0] == 127)
    return _Place(key, key[:7], key == _LOOPBACK)


def _packed(text: str) -> bytes:
    try:
        if ":" in text:
            return IPv6Address(text).packed.removeprefix(_MAPPED)
        key = bytes(map(int, text.split(".")))  # a quarter of what IPv4Address takes
    except ValueError:
        key = b""
    if len(key) != 4:
        raise UsageError(f"{text[:60]!r} is not an address")
    return key


class _Recorded(Budget):
    """A budget whose every spending is put on record before it happens."""

    __slots__ = ("_address", "_key", "_ledger", "_on_spend")
    _ledger: Ledger
    _key: bytes
    _address: str
    _on_spend: OnSpend | None

    def bind(self, ledger: Ledger, key: bytes, address: str, on_spend: OnSpend | None) -> None:
        self._ledger = ledger
        self._key = key
        self._address = address
        self._on_spend = on_spend

    def spend(self, attempts: int, taken: int) -> None:
        if self._on_spend is not None:
            self._on_spend(self._address, attempts, taken)
        self.attempts += attempts
        self.taken += taken
        self._ledger.put(self._key, self.attempts, self.taken)
        if self.network is not None:
            self.network.count(attempts, taken)


class _Shared(Allowance):
    """The allowance of a network, written through to the books."""

    __slots__ = ("_books", "_network")
    _books: dict[bytes, Spent]
    _network: bytes

    def bind(self, books: dict[bytes, Spent], network: bytes) -> None:
        self._books = books
        self._network = network

    def count(self, attempts: int, taken: int) -> None:
        super().count(attempts, taken)
        self._books[self._network] = Spent(self.attempts, self.taken)


class _Meter:
    """A token bucket: each turn takes the next free moment, in the order of asking."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._next = -math.inf

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        mine = max(self._next, loop.time() - CATCH_UP)
        self._next = mine + self._interval
        await _until(loop, mine)


@dataclass(slots=True)
class _Lane:
    """One network: who waits, and when the next may go."""

    lock: asyncio.Lock
    next: float = -math.inf
    waiting: int = 0


class _Lanes:
    """One lane per network: within it one after the other, at least an interval apart.

    The one at the front waits for the overall rate too, and only when it goes does the
    network's interval begin: so both rates hold at every moment.
    """

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._lanes: dict[bytes, _Lane] = {}
        self._sweep_at = FEWEST_LANES

    async def turn(self, network: bytes, overall: _Meter | None) -> None:
        loop = asyncio.get_running_loop()
        lane = self._lane(network, loop.time())
        lane.waiting += 1
        try:
            async with lane.lock:  # asyncio's lock is fair
                await _until(loop, lane.next)
                if overall is not None:
                    await overall.turn()
                lane.next = loop.time() + self._interval
        finally:
            lane.waiting -= 1

    def _lane(self, network: bytes, now: float) -> _Lane:
        lane = self._lanes.get(network)
        if lane is None:
            if len(self._lanes) >= self._sweep_at:
                self._sweep(now)
            lane = self._lanes[network] = _Lane(asyncio.Lock())
        return lane

    def _sweep(self, now: float) -> None:
        """Drop idle networks; seldom enough that it costs next to nothing for each."""
        busy = {key: lane for key, lane in self._lanes.items() if lane.waiting or lane.next > now}
        self._lanes = busy
        self._sweep_at = max(FEWEST_LANES, 2 * len(busy))


async def _until(loop: asyncio.AbstractEventLoop, moment: float) -> None:
    while (left := moment - loop.time()) > 0:  # noqa: ASYNC110  # a timer may end a little early
        await asyncio.sleep(left)
