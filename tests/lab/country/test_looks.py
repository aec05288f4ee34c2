"""Looks of a daily scan: once a day, few missed, the last day complete, chance by month."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
from tests.lab.country.drawn import drawn

from patchstand.workflow.simulate import looks_in

EPOCH = date(1970, 1, 1)
AUGUST = (date(2024, 8, 1), date(2024, 8, 31))


def test_each_server_is_seen_once_a_day_but_for_a_few_misses() -> None:
    """No two looks at a server on one day; about half a percent of them fail."""
    looks = looks_in(drawn(), *AUGUST, seed=7)

    assert len(np.unique(np.stack((looks.server, looks.day)), axis=1)[0]) == len(looks.server)
    assert 0.98 < len(looks.server) / (1500 * 31) < 0.999


def test_looks_are_sorted_and_within_their_days() -> None:
    """By server and time, between three and four in the morning (UTC) of their day."""
    looks = looks_in(drawn(), *AUGUST, seed=7)

    assert (np.lexsort((looks.at, looks.server)) == np.arange(len(looks.at))).all()
    for at, day in zip(looks.at[:200].tolist(), looks.day[:200].tolist(), strict=True):
        moment = datetime.fromtimestamp(at / 1000, UTC)
        assert (moment.date(), moment.hour) == (EPOCH + timedelta(days=day), 3)


def test_nothing_is_missed_on_the_last_day() -> None:
    """On the day of the published figures every place is seen."""
    last = EPOCH + timedelta(days=drawn().country.last)

    assert len(looks_in(drawn(), last, last, seed=7).server) == 1500


def test_silent_servers_are_not_seen() -> None:
    """While a server is silent there is no look at it."""
    made = drawn()
    looks = looks_in(made, date(2022, 1, 1), date(2022, 12, 31), seed=7)
    begin, end = made.occupants.silent_from[looks.server], made.occupants.silent_to[looks.server]

    assert not ((looks.day >= begin) & (looks.day <= end)).any()
    assert (made.occupants.silent_from <= made.country.last).any()


def test_what_is_seen_is_the_build_of_the_stay() -> None:
    """A look shows what the server had on that day."""
    made = drawn()
    looks, stays = looks_in(made, *AUGUST, seed=7), made.stays
    for at in range(0, len(looks.at), 4001):
        here = (stays.server == looks.server[at]) & (stays.first <= looks.day[at])
        (found,) = stays.build[here & (stays.last >= looks.day[at])]
        assert found == looks.build[at]


def test_a_month_is_the_same_whatever_was_made_before() -> None:
    """Each month has a chance of its own, so that any of them can be made alone."""
    looks_in(drawn(), date(2024, 7, 1), date(2024, 7, 31), seed=7)
    again, other = (looks_in(drawn(), *AUGUST, seed=seed) for seed in (7, 8))
    looks = looks_in(drawn(), *AUGUST, seed=7)

    assert (again.at == looks.at).all()
    assert len(other.at) != len(looks.at) or (other.at != looks.at).any()
