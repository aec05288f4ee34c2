import itertools
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.observe.order import apart, network_of, position

ITEMS = st.lists(st.sampled_from("AABBCDE"), max_size=60)


def windows(items: list[str], window: int) -> Iterator[tuple[str, Counter[str]]]:
    """What came out, each with the networks that were held when it did."""
    held: Counter[str] = Counter()

    def counted() -> Iterator[str]:
        for item in items:
            held[item] += 1
            yield item

    for chosen in apart(counted(), str, window):
        yield chosen, held.copy()
        held[chosen] -= 1


@given(ITEMS, st.integers(1, 8))
def test_none_twice_in_a_row_while_another_is_there(items: list[str], window: int) -> None:
    """Two of one network follow each other only when the window holds no other network."""
    last = None
    for chosen, held in windows(items, window):
        assert held.total() <= window
        if chosen == last:
            assert set(+held) == {chosen}
        last = chosen


@given(ITEMS, st.integers(1, 8))
def test_nothing_is_lost_or_doubled(items: list[str], window: int) -> None:
    """What comes out is what went in, and members of a network keep their order."""
    numbered = list(enumerate(items))

    came = list(apart(numbered, lambda item: item[1], window))

    assert sorted(came) == numbered
    for network in set(items):
        own = [number for number, name in came if name == network]
        assert own == sorted(own)


def test_the_networks_of_a_big_scan_are_spread() -> None:
    """Sorted by position and set apart, 40 networks of 256 never meet twice in a row, and
    each is asked evenly over the whole scan."""
    members = [(f"10.0.{third}.0/24", last) for third in range(40) for last in range(256)]
    ordered = sorted(members, key=lambda each: position(*each))

    came = list(apart(ordered, lambda item: item[0]))

    assert Counter(came) == Counter(members)
    assert all(one[0] != other[0] for one, other in itertools.pairwise(came))
    for third in range(40):
        at = [n for n, each in enumerate(came) if each[0] == f"10.0.{third}.0/24"]
        gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
        assert max(gaps) <= 4 * 40
        assert min(gaps) >= 40 // 4


@given(st.integers(2, 300), st.text(max_size=9), st.integers(-5, 5))
def test_members_of_a_network_are_evenly_spaced(size: int, key: str, seed: int) -> None:
    """Of any number of members no two are closer than a third of the even distance."""
    places = sorted(position(key, member, seed) for member in range(size))
    whole = 1 << 63
    gaps = [(b - a) % whole for a, b in zip(places, [*places[1:], places[0]], strict=True)]

    assert all(0 <= place < whole for place in places)
    assert min(gaps) > whole / size / 3
    assert max(gaps) < 3 * whole / size


def test_another_seed_is_another_order() -> None:
    """The order is repeatable, and differs by seed."""
    assert position("192.0.2.0/24", 7) == position("192.0.2.0/24", 7)
    assert position("192.0.2.0/24", 7) != position("192.0.2.0/24", 7, seed=1)


@pytest.mark.parametrize(
    ("target", "network"),
    [
        ("192.0.2.17", "192.0.2.0/24"),
        ("2001:db8:0:1ff::1", "2001:db8:0:100::/56"),
        ("::ffff:192.0.2.1", "192.0.2.0/24"),
        ("Mail.Example.ORG.", "example.org"),
        ("example.org", "example.org"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("x:y", "x:y"),
        ("", ""),
    ],
)
def test_the_network_of_a_target(target: str, network: str) -> None:
    """A /24, a /56, or what looks like the registered domain."""
    assert network_of(target) == network
