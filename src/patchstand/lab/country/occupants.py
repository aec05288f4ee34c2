"""Which server stands at each place: servers are replaced, move, and fall silent."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patchstand.lab.country.paths import Country, Ints, Stretches

_NOBODYS = 240 << 24
"""240.0.0.0/4 is reserved: no such address is anybody's."""
_ADDRESSES = 1 << 28
_STEP = 0x9E3779B1
"""An odd number: its multiples meet every address before one comes twice."""
FIRST_SYSTEM = 64512
"""The first of the AS numbers for private use (RFC 6996)."""
SETTLED = 14
"""Days before the end in which nobody comes or moves: for so long a census counts who was
seen last elsewhere, and on the last day it is to count each place once."""
_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Occupants:
    """One row per server, in the order of their addresses as texts.

    A server that has moved keeps `certificate`, `state`, `sector` and `style` at its next
    address. `style`: how much it shows (0 build, 1 three parts, 2 the product).
    `silent_from`, `silent_to`: days.
    """

    address: npt.NDArray[np.str_]
    certificate: Ints
    state: Ints
    sector: Ints
    system: Ints
    style: Ints
    silent_from: Ints
    silent_to: Ints


@dataclass(frozen=True, slots=True)
class Stays:
    """A server had a build from a day to a day; sorted by server and time."""

    server: Ints
    build: Ints
    first: Ints
    last: Ints


def settle(rows: Stretches, places: int, country: Country) -> tuple[Occupants, Stays]:
    """Put servers into the places: the first ones, and those that come in their stead."""
    owner, begin = _arrivals(places, country)
    same_place = np.concatenate(([False], owner[1:] == owner[:-1]))
    moved = same_place & (country.random.random(len(owner)) < country.habits.moved)
    servers = _servers(moved, _styles(places, country)[owner], country)
    rank = np.argsort(np.argsort(servers.address))
    stays = _stays(rows, owner, begin, rank)
    return _sorted(servers), stays


def _arrivals(places: int, country: Country) -> tuple[Ints, Ints]:
    """The place and the first day of each server, in this order; at most one a day and place."""
    first, random = country.first, country.random
    until = max(country.last - SETTLED, first)
    changes = random.poisson(country.habits.churn * (until - first), places)
    place = np.repeat(np.arange(places), changes)
    day = random.integers(first + 1, max(until, first + 1) + 1, len(place))
    both = np.stack((np.concatenate((np.arange(places), place)),
                     np.concatenate((np.full(places, first, np.int64), day))), axis=1)  # fmt: skip
    found = np.unique(both, axis=0)
    return found[:, 0], found[:, 1]


def _styles(places: int, country: Country) -> Ints:
    """How much the server at each place shows; whoever comes there shows as much."""
    habits = country.habits
    found = np.zeros(places, np.int64)
    product_only, cu_only = (
        round(share * places) for share in (habits.product_only, habits.cu_only)
    )
    found[: product_only + cu_only] = 1
    found[:product_only] = 2
    shown: Ints = country.random.permutation(found)
    return shown


def _servers(moved: npt.NDArray[np.bool_], style: Ints, country: Country) -> Occupants:
    habits, random, count = country.habits, country.random, len(moved)
    number = (np.arange(count, dtype=np.int64) * _STEP + int(random.integers(_ADDRESSES))) % (
        _ADDRESSES
    )
    chain = np.cumsum(~moved) - 1  # who has moved is the server before
    silent_from, silent_to = _silence(count, country)
    return Occupants(
        address=_texts(_NOBODYS + number),
        certificate=random.integers(-(2**62), 2**62, count)[chain],
        state=_drawn(habits.states, count, random)[chain],
        sector=_drawn(habits.sectors, count, random)[chain],
        system=FIRST_SYSTEM + np.minimum(random.geometric(0.02, count), habits.systems) - 1,
        style=style,
        silent_from=silent_from,
        silent_to=silent_to,
    )


def _silence(count: int, country: Country) -> tuple[Ints, Ints]:
    """When each server is not seen for some weeks; never, where it would last to the end."""
    random, first, last = country.random, country.first, country.last
    chance = -np.expm1(-country.habits.silent * (last - first + 1) / _YEAR)
    begin = random.integers(first, last + 1, count)
    end = begin + random.integers(21, 56, count)
    never = (random.random(count) >= chance) | (end >= last)
    return np.where(never, last + 1, begin), np.where(never, last, end)


def _stays(rows: Stretches, owner: Ints, begin: Ints, rank: Ints) -> Stays:
    """Cut the stretches of a place where another server came."""
    end = np.concatenate((begin[1:] - 1, [2**40]))
    end = np.where(np.concatenate((owner[1:] != owner[:-1], [True])), 2**40, end)
    of_place = np.searchsorted(owner, np.arange(owner[-1] + 2))
    count = np.diff(of_place)[rows.place]
    row = np.repeat(np.arange(len(rows.place)), count)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    server = of_place[rows.place[row]] + within
    first = np.maximum(rows.first[row], begin[server])
    last = np.minimum(rows.last[row], end[server])
    kept = first <= last
    server, first, last, build = (
        rank[server[kept]], first[kept], last[kept], rows.build[row[kept]],
    )  # fmt: skip
    order = np.lexsort((first, server))
    return Stays(server[order], build[order], first[order], last[order])


def _sorted(servers: Occupants) -> Occupants:
    order = np.argsort(servers.address)
    return Occupants(*(getattr(servers, name)[order] for name in Occupants.__dataclass_fields__))


def _drawn(weights: Mapping[str, float], count: int, random: np.random.Generator) -> Ints:
    """Numbers of the keys, drawn by weight."""
    values = np.array(list(weights.values()))
    found: Ints = random.choice(len(values), count, p=values / values.sum())
    return found


def _texts(numbers: Ints) -> npt.NDArray[np.str_]:
    return np.array(
        [f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in numbers.tolist()]
    )
