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


@dataclass(frozen=True, slots=True)
class Occupants:
    """One row per server, in the order of their addresses as texts.

    `certificate`: the same at two addresses when the server has moved. `style`: how much it
    shows (0 build, 1 three parts, 2 the product). `silent_from`, `silent_to`: days.
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
    habits, random, first, last = country.habits, country.random, country.first, country.last
    changes = random.poisson(habits.churn * (last - first + 1), places)
    place = np.repeat(np.arange(places), changes)
    day = random.integers(first + 1, max(last, first + 2), len(place))
    order = np.lexsort((day, place))
    place, day = place[order], day[order]
    starts = np.concatenate((np.arange(places), place))
    begin = np.concatenate((np.full(places, first, np.int64), day))
    order = np.lexsort((begin, starts))
    owner, begin = starts[order], begin[order]
    moved = (random.random(len(owner)) < habits.moved) & np.concatenate(
        ([False], owner[1:] == owner[:-1])
    )
    servers = _servers(owner, moved, country)
    rank = np.argsort(np.argsort(servers.address))
    stays = _stays(rows, owner, begin, rank)
    return _sorted(servers), stays


def _servers(
    owner: Ints,
    moved: npt.NDArray[np.bool_],
    country: Country,
) -> Occupants:
    habits, random = country.habits, country.random
    count = len(owner)
    number = (np.arange(count, dtype=np.int64) * _STEP + int(random.integers(_ADDRESSES))) % (
        _ADDRESSES
    )
    chain = np.cumsum(~moved) - 1  # who has moved is the server before
    certificates = random.integers(-(2**62), 2**62, count)
    silent = random.random(count) < habits.silent
    begin = np.where(
        silent, random.integers(country.first, country.last + 1, count), country.last + 1
    )
    chance = random.random(count)
    partly = habits.cu_only + habits.product_only
    style = np.where(chance < habits.product_only, 2, np.where(chance < partly, 1, 0))
    return Occupants(
        address=_texts(_NOBODYS + number),
        certificate=certificates[chain],
        state=_drawn(habits.states, count, random),
        sector=_drawn(habits.sectors, count, random),
        system=FIRST_SYSTEM + np.minimum(random.geometric(0.02, count), habits.systems) - 1,
        style=style,
        silent_from=begin,
        silent_to=begin + random.integers(21, 56, count),
    )


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
