"""Servers at their places: they come, move with their certificate, and fall silent."""

from itertools import pairwise

import numpy as np
from tests.lab.country.drawn import drawn

from patchstand.lab.country.occupants import FIRST_SYSTEM, SETTLED, Occupants, Stays
from patchstand.lab.country.paths import Ints


def shared(servers: Occupants) -> list[Ints]:
    """The servers of each certificate that more than one address had."""
    order = np.argsort(servers.certificate, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(servers.certificate[order])) + 1)
    return [part for part in parts if len(part) > 1]


def span(stays: Stays, server: int) -> tuple[int, int]:
    """The first and the last day of a server."""
    own = stays.server == server
    return int(stays.first[own].min()), int(stays.last[own].max())


def test_addresses_are_unique_sorted_and_nobodys() -> None:
    """No two servers have one address; all lie in space that is reserved."""
    address = drawn().occupants.address.tolist()

    assert len(set(address)) == len(address)
    assert address == sorted(address)
    assert all(240 <= int(each.partition(".")[0]) <= 255 for each in address)


def test_the_certificate_moves_with_the_server() -> None:
    """Who has moved keeps certificate, state, sector and what it shows; nobody else shares one."""
    servers, stays = drawn().occupants, drawn().stays
    moves = shared(servers)

    assert len(moves) > 50
    for move in moves:
        for name in ("state", "sector", "style"):
            assert len(set(getattr(servers, name)[move].tolist())) == 1
        assert len({*servers.address[move].tolist()}) == len(move)
        spans = sorted(span(stays, each) for each in move.tolist())
        for before, after in pairwise(spans):
            assert before[1] + 1 == after[0]  # one address after the other


def test_some_of_the_new_servers_have_moved() -> None:
    """Of those that come about as many have moved as the habits say."""
    made = drawn()
    came = len(made.occupants.address) - 1500
    moved = sum(len(each) - 1 for each in shared(made.occupants))

    assert 0.7 < came / (made.country.habits.churn * 1500 * 1486) < 1.3
    assert 0.15 < moved / came < 0.35


def test_each_place_has_one_server_a_day() -> None:
    """On any day as many servers are there as were asked for."""
    stays, country = drawn().stays, drawn().country
    for day in range(country.first, country.last + 1, 97):
        here = (stays.first <= day) & (stays.last >= day)
        assert here.sum() == 1500
        assert len(set(stays.server[here].tolist())) == 1500


def test_nobody_comes_or_moves_in_the_last_two_weeks() -> None:
    """A census of the last day sees no server that another one has replaced since."""
    stays, last = drawn().stays, drawn().country.last
    ends = np.zeros(len(drawn().occupants.address), np.int64)
    np.maximum.at(ends, stays.server, stays.last)

    assert not ((ends < last) & (ends >= last - SETTLED)).any()
    assert (ends < last).any()


def test_a_country_of_a_few_days_has_no_changes() -> None:
    """Nobody comes in a time as short as a census looks back."""
    for days in (1, 2, 14, 15):
        assert len(drawn("de-2024-09", 3000, days, 1).occupants.address) == 3000


def test_some_servers_fall_silent_for_weeks_and_are_seen_at_the_end() -> None:
    """About two in a hundred a year are not seen for three to eight weeks; all are at last."""
    made = drawn("de-2024-09", 4000, 1461, 2)
    servers, country = made.occupants, made.country
    silent = servers.silent_from <= country.last
    weeks = (servers.silent_to - servers.silent_from)[silent] + 1

    assert 0.06 < silent.mean() < 0.09
    assert (weeks.min(), weeks.max()) == (22, 56)
    assert (servers.silent_to[silent] < country.last).all()


def test_what_servers_show_is_a_quota() -> None:
    """One in a hundred shows the product only, two in a hundred three parts of the build."""
    made = drawn("de-2024-09", 3000, 1, 1)

    assert np.bincount(made.occupants.style).tolist() == [2910, 60, 30]


def test_servers_are_spread_over_states_sectors_and_systems() -> None:
    """Every state and sector has servers, the larger ones more; systems have private numbers."""
    made = drawn("de-2024-09", 4000, 1461, 2)
    states = np.bincount(made.occupants.state)
    names = list(made.country.habits.states)

    assert len(states) == 16
    assert states.min() > 0
    assert names[int(states.argmax())] == "DE-NW"
    assert (np.bincount(made.occupants.sector) > 0).all()
    systems = made.occupants.system
    assert FIRST_SYSTEM <= systems.min() < systems.max() < FIRST_SYSTEM + 200
