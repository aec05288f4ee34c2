"""The looks of a daily scan in a month: which server was seen when, with what build."""

from dataclasses import dataclass

import numpy as np

from patchstand.lab.country.occupants import Occupants, Stays
from patchstand.lab.country.paths import Country, Ints

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Looks:
    """One row per look, by server and time. `at`: milliseconds since 1970."""

    server: Ints
    build: Ints
    day: Ints
    at: Ints


def looks_of(
    stays: Stays,
    occupants: Occupants,
    span: tuple[int, int],
    country: Country,
    random: np.random.Generator,
) -> Looks:
    """Every look in a span, both days included: each server once a day, some missed, some silent.

    On the last day of the country none is missed: its shares are those that were published.
    """
    first, last = span
    here = (stays.first <= last) & (stays.last >= first)
    begin = np.maximum(stays.first[here], first)
    count = np.minimum(stays.last[here], last) - begin + 1
    row = np.repeat(np.arange(len(begin)), count)
    day = begin[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    server, build = stays.server[here][row], stays.build[here][row]
    silent = (day >= occupants.silent_from[server]) & (day <= occupants.silent_to[server])
    failed = (random.random(len(row)) < country.habits.missed) & (day < country.last)
    kept = ~silent & ~failed
    server, build, day = server[kept], build[kept], day[kept]
    at = (day * 86_400 + 3 * _HOUR + random.integers(0, _HOUR, len(day))) * 1000
    return Looks(server, build, day, at)
